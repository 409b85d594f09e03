use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::{Asked, BestSpans, QuestionAnswering, Span, SpanTarget};
use crate::Evaluator;
use crate::metrics::answers::{JudgedAnswer, best_threshold, means, table};
use crate::metrics::{Evaluation, Metrics};

/// What the model says about a question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnswerPrediction {
    /// The right answers.
    pub answers: Vec<String>,
    /// The predicted one; empty where none is given.
    pub predicted: String,
    /// Its first character in the context, from 0.
    pub start: usize,
    /// The character behind its last one.
    pub end: usize,
    /// The score of no answer less that of the best span.
    pub null_score_difference: f64,
}

/// Collects the best spans of questions. What is kept of a question whose windows were all seen is
/// its best span and how good that is.
#[derive(Clone, Debug)]
pub struct AnswerEvaluator {
    task: QuestionAnswering,
    /// Questions of which windows are still to come, by number.
    open: BTreeMap<usize, (Arc<Asked>, BestSpans)>,
    judged: BTreeMap<usize, Judged>,
    /// Sum of the losses, and of what they weigh.
    loss: (f64, f64),
}

#[derive(Clone, Debug)]
struct Judged {
    asked: Arc<Asked>,
    best: Option<Span>,
    answer: JudgedAnswer,
}

impl AnswerEvaluator {
    pub(super) fn new(task: QuestionAnswering) -> Self {
        Self {
            task,
            open: BTreeMap::new(),
            judged: BTreeMap::new(),
            loss: (0.0, 0.0),
        }
    }

    /// Adds windows in any order: the sum of their losses, and the logits of start and end of their
    /// tokens, `[tokens, 2]`.
    ///
    /// # Panics
    /// If there are not two logits for each token.
    pub fn add(&mut self, targets: &[SpanTarget], loss: f64, logits: &[f32]) {
        use crate::Task;
        let mut rest = logits;
        for target in targets {
            let (own, others) = rest.split_at(2 * target.window.ids.len());
            rest = others;
            let asked = &target.asked;
            let limits = self.task.limits();
            let entry = self.open.entry(asked.index);
            let (_, spans) = entry.or_insert_with(|| (Arc::clone(asked), BestSpans::new(limits)));
            spans.add(&target.window, own);
            if spans.windows() == asked.windows
                && let Some((_, spans)) = self.open.remove(&asked.index)
            {
                let judged = self.judge(asked, &spans);
                self.judged.insert(asked.index, judged);
            }
        }
        self.loss.0 += loss;
        self.loss.1 += self.task.weight(targets);
    }

    fn judge(&self, asked: &Arc<Asked>, spans: &BestSpans) -> Judged {
        let settings = self.task.settings();
        let best = spans.best().copied();
        let text = best.map_or(String::new(), |span| asked.text(span.start, span.end));
        let gold: Vec<&str> = asked.answers.iter().map(String::as_str).collect();
        Judged {
            asked: Arc::clone(asked),
            answer: JudgedAnswer {
                scores: settings.metric.scores(&gold, &text, settings.unanswerable),
                is_given: !text.is_empty(),
                has_answer: !gold.is_empty(),
                null_score_difference: spans.null_score_difference(),
            },
            best,
        }
    }

    /// Every question, with those of which windows are missing.
    fn questions(&self) -> impl Iterator<Item = Judged> + '_ {
        let open = self.open.values();
        let open = open.map(|(asked, spans)| self.judge(asked, spans));
        self.judged.values().cloned().chain(open)
    }

    /// No answer is given where the difference of its score is greater: never, for a model that
    /// always gives one.
    pub(super) fn threshold(&self) -> f64 {
        let settings = self.task.settings();
        if !self.task.is_tuned {
            return settings.null_threshold;
        }
        let answers: Vec<JudgedAnswer> = self.questions().map(|judged| judged.answer).collect();
        best_threshold(&answers, |scores| scores.f1).threshold
    }

    fn applied_threshold(&self) -> f64 {
        match self.task.settings().unanswerable {
            true => self.threshold(),
            false => f64::INFINITY,
        }
    }
}

impl Evaluator for AnswerEvaluator {
    type Prediction = AnswerPrediction;

    fn evaluation(&self) -> Evaluation {
        let answers: Vec<JudgedAnswer> = self.questions().map(|judged| judged.answer).collect();
        let threshold = self.applied_threshold();
        let of = |kind: Option<bool>| {
            let own = answers
                .iter()
                .filter(|answer| kind.is_none_or(|kind| answer.has_answer == kind));
            means(own.map(|answer| answer.with_threshold(threshold)))
        };
        let all = of(None).means;
        let mut metrics = Metrics::new();
        metrics.set("exact_match", all.exact_match);
        metrics.set("f1", all.f1);
        let mut tables = Vec::new();
        let unanswerable = self.task.settings().unanswerable;
        if unanswerable {
            let exact = best_threshold(&answers, |scores| scores.exact_match);
            let f1 = best_threshold(&answers, |scores| scores.f1);
            metrics.set("best_exact_match", exact.score);
            metrics.set("best_exact_match_threshold", exact.threshold);
            metrics.set("best_f1", f1.score);
            metrics.set("best_f1_threshold", f1.threshold);
        }
        if unanswerable || answers.iter().any(|answer| !answer.has_answer) {
            tables.push(table(&of(Some(true)), &of(Some(false))));
        }
        metrics.set("loss", self.loss.0 / self.loss.1.max(f64::MIN_POSITIVE));
        Evaluation { metrics, tables }
    }

    /// One for each question, in their order.
    fn predictions(&self) -> impl Iterator<Item = AnswerPrediction> + '_ {
        let threshold = self.applied_threshold();
        self.questions().map(move |judged| {
            let difference = judged.answer.null_score_difference;
            let best = judged.best.filter(|_| difference <= threshold);
            let (start, end) = best.map_or((0, 0), |span| (span.start, span.end));
            AnswerPrediction {
                predicted: judged.asked.text(start, end),
                answers: judged.asked.answers.clone(),
                start,
                end,
                null_score_difference: difference,
            }
        })
    }
}
