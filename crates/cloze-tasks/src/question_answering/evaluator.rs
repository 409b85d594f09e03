use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::{Asked, BestSpans, QuestionAnswering, Span, SpanTarget};
use crate::Evaluator;
use crate::metrics::answers::{AnswerSums, JudgedAnswer, best_threshold, table};
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

/// Collects the best spans of questions, and adds up how good the answers are. Where a threshold is to
/// be found, the scores of every question are kept for it, 32 bytes.
#[derive(Clone, Debug)]
pub struct AnswerEvaluator {
    task: QuestionAnswering,
    /// Questions of which windows are still to come, by number.
    open: BTreeMap<usize, (Arc<Asked>, BestSpans)>,
    /// Questions whose windows were all seen and which are not yet added up.
    judged: BTreeMap<usize, Judged>,
    sums: Sums,
    /// Those of all questions that were added up, where a threshold is to be found.
    answers: Vec<JudgedAnswer>,
    /// Sum of the losses, and of what they weigh.
    loss: (f64, f64),
    /// What predictions are to be made of; `None` where none are wanted.
    predicted: Option<Vec<Judged>>,
}

/// Scores of all questions, of those that have an answer, and of those that have none.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    all: AnswerSums,
    with_answer: AnswerSums,
    without: AnswerSums,
}

impl Sums {
    fn add(&mut self, answer: &JudgedAnswer, threshold: f64) {
        let scores = answer.with_threshold(threshold);
        self.all.add(scores);
        match answer.has_answer {
            true => self.with_answer.add(scores),
            false => self.without.add(scores),
        }
    }
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
            sums: Sums::default(),
            answers: Vec::new(),
            loss: (0.0, 0.0),
            predicted: None,
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

    /// Whether all questions together decide something: a threshold.
    fn compares_questions(&self) -> bool {
        self.task.settings().unanswerable || self.task.is_tuned
    }

    /// Adds the questions up before which no window is missing.
    fn add_up(&mut self) {
        let first_open = self.open.keys().next();
        let later = first_open.map(|first| self.judged.split_off(first));
        let complete = std::mem::replace(&mut self.judged, later.unwrap_or_default());
        for judged in complete.into_values() {
            if self.compares_questions() {
                self.answers.push(judged.answer);
            } else {
                self.sums.add(&judged.answer, f64::INFINITY);
            }
            if let Some(predicted) = &mut self.predicted {
                predicted.push(judged);
            }
        }
    }

    /// The questions that are not yet added up, with those of which windows are missing.
    fn others(&self) -> impl Iterator<Item = JudgedAnswer> + '_ {
        let open = self.open.values();
        let open = open.map(|(asked, spans)| self.judge(asked, spans).answer);
        let judged = self.judged.values().map(|judged| judged.answer);
        judged.chain(open)
    }

    /// All questions, where they are compared.
    fn compared(&self) -> Vec<JudgedAnswer> {
        self.answers.iter().copied().chain(self.others()).collect()
    }

    /// No answer is given where the difference of its score is greater: never, for a model that
    /// always gives one.
    pub(super) fn threshold(&self) -> f64 {
        let settings = self.task.settings();
        if !self.task.is_tuned {
            return settings.null_threshold;
        }
        best_threshold(&self.compared(), |scores| scores.f1).threshold
    }

    fn applied_threshold(&self) -> f64 {
        match self.task.settings().unanswerable {
            true => self.threshold(),
            false => f64::INFINITY,
        }
    }

    fn predictions(&mut self) -> Vec<AnswerPrediction> {
        let judged = self.predicted.as_mut().map(std::mem::take);
        let judged = judged.unwrap_or_default();
        if judged.is_empty() {
            return Vec::new();
        }
        let threshold = self.applied_threshold();
        let prediction = |judged| prediction(judged, threshold);
        judged.into_iter().map(prediction).collect()
    }
}

fn prediction(judged: Judged, threshold: f64) -> AnswerPrediction {
    let Judged {
        asked,
        best,
        answer,
    } = judged;
    let difference = answer.null_score_difference;
    let best = best.filter(|_| difference <= threshold);
    let (start, end) = best.map_or((0, 0), |span| (span.start, span.end));
    AnswerPrediction {
        predicted: asked.text(start, end),
        answers: asked.answers.clone(),
        start,
        end,
        null_score_difference: difference,
    }
}

impl Evaluator for AnswerEvaluator {
    type Prediction = AnswerPrediction;

    fn evaluation(&self) -> Evaluation {
        let answers = match self.compares_questions() {
            true => self.compared(),
            false => self.others().collect(),
        };
        let threshold = self.applied_threshold();
        let mut sums = self.sums;
        answers
            .iter()
            .for_each(|answer| sums.add(answer, threshold));
        let all = sums.all.means().means;
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
        let without = sums.without.means();
        if unanswerable || without.questions > 0 {
            tables.push(table(&sums.with_answer.means(), &without));
        }
        metrics.set("loss", self.loss.0 / self.loss.1.max(f64::MIN_POSITIVE));
        Evaluation { metrics, tables }
    }

    fn keep_predictions(&mut self) {
        self.predicted.get_or_insert_default();
    }

    /// None where the threshold is not yet decided.
    fn take_predictions(&mut self) -> Vec<AnswerPrediction> {
        self.add_up();
        match self.task.is_tuned && self.task.settings().unanswerable {
            true => Vec::new(),
            false => self.predictions(),
        }
    }

    fn last_predictions(&mut self) -> Vec<AnswerPrediction> {
        for (index, (asked, spans)) in std::mem::take(&mut self.open) {
            let judged = self.judge(&asked, &spans);
            self.judged.insert(index, judged);
        }
        self.add_up();
        self.predictions()
    }
}
