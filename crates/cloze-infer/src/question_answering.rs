//! Models that find the piece of a text that answers a question.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cloze_core::PackedBatch;
use cloze_data::question_windows::QuestionWindow;
use cloze_data::readers::questions::Question;
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::{Checkpoint, QuestionAnsweringOptions, load_question_answering};
use cloze_model::{ForwardOptions, QuestionAnsweringModel};
use cloze_tasks::metrics::{AnswerMetric, Evaluation};
use cloze_tasks::question_answering::{AnswerEvaluator, BestSpans, NAME, SpanLimits};
use cloze_tasks::{AnswerSettings, Evaluator, Input, QuestionAnswering, SpanTarget, Task, pack};
use serde::Serialize;

use crate::InferError;
use crate::pipeline::{by_length, describe, max_length, open_tokenizer, refuse_other_tasks};
use crate::text_classifier::BATCH;

/// Questions of an evaluation that are encoded together.
const CHUNK: usize = 1024;

/// A model that answers questions about texts.
#[derive(Debug)]
pub struct QuestionAnsweringPipeline {
    folder: PathBuf,
    task: QuestionAnswering,
    model: QuestionAnsweringModel,
    tokenizer: Tokenizer,
}

/// Which answers are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnsweringOptions {
    /// The most answers of a question.
    pub top_k: NonZeroUsize,
    /// Windows that are computed together. It changes speed and memory, never scores.
    pub batch_size: NonZeroUsize,
}

impl Default for AnsweringOptions {
    fn default() -> Self {
        Self {
            top_k: NonZeroUsize::MIN,
            batch_size: BATCH,
        }
    }
}

/// An answer, with the fields of the question-answering pipeline that `transformers` had.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundAnswer {
    /// Its probability, from 0 to 1: that of its start times that of its end, over all windows.
    pub score: f64,
    /// Its first character in the context, from 0.
    pub start: usize,
    /// The character behind its last one.
    pub end: usize,
    /// What the context has there; empty where there is no answer.
    pub answer: String,
}

/// What the model says about a question.
#[derive(Clone, Debug, PartialEq)]
pub struct AnsweredQuestion {
    /// Its answers, at least one, the best first. Where a model may say that there is none, that is
    /// one of them.
    pub answers: Vec<FoundAnswer>,
    /// The logits of no answer less those of the best span.
    pub null_score_difference: f64,
    /// Length of question and context in tokens.
    pub length: usize,
    /// Windows in which they were read.
    pub windows: usize,
    /// Whether the question was cut.
    pub is_question_cut: bool,
}

impl QuestionAnsweringPipeline {
    /// Loads a folder that cloze or `transformers` has saved. One of `transformers` always gives an
    /// answer, until [`with_null_threshold`](Self::with_null_threshold) says otherwise.
    ///
    /// # Errors
    /// If the folder is no checkpoint, has no head for answers, was trained for another task, or
    /// its vocabulary does not belong to its weights.
    pub fn open(folder: &Path, device: &Device) -> Result<Self, InferError> {
        let checkpoint = Checkpoint::open(folder)?;
        refuse_other_tasks(&checkpoint, NAME, "answers to questions")?;
        let tokenizer = open_tokenizer(&checkpoint)?;
        let options = QuestionAnsweringOptions::default();
        let (mut model, report) = load_question_answering(&checkpoint, &options, device)?;
        if !report.missing.is_empty() {
            return Err(InferError::NotAQuestionAnsweringModel {
                folder: folder.into(),
                what: describe(&checkpoint),
                missing: report.missing,
            });
        }
        model.encoder.pack_weights();
        let max_length = max_length(&checkpoint, &tokenizer);
        let task = QuestionAnswering::new(max_length, AnswerSettings::default());
        Ok(Self {
            folder: folder.into(),
            task: task.as_saved(&checkpoint)?,
            model,
            tokenizer,
        })
    }

    /// A model that may say that there is no answer: where the score of none is greater than that
    /// of the best span by more than this.
    #[must_use]
    pub fn with_null_threshold(self, null_threshold: f64) -> Self {
        self.with(|settings| {
            settings.unanswerable = true;
            settings.null_threshold = null_threshold;
        })
    }

    /// Answers of at most so many tokens.
    #[must_use]
    pub fn with_max_answer_length(self, tokens: NonZeroUsize) -> Self {
        self.with(|settings| settings.max_answer_length = tokens.get())
    }

    /// Windows that repeat so many tokens of the one before.
    #[must_use]
    pub fn with_doc_stride(self, tokens: usize) -> Self {
        self.with(|settings| settings.doc_stride = Some(tokens))
    }

    /// Evaluations that compare answers in this way.
    #[must_use]
    pub fn with_metric(self, metric: AnswerMetric) -> Self {
        self.with(|settings| settings.metric = metric)
    }

    fn with(mut self, change: impl FnOnce(&mut AnswerSettings)) -> Self {
        let mut settings = self.task.settings().clone();
        change(&mut settings);
        self.task = self.task.with_settings(settings);
        self
    }

    /// The folder that it was loaded from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The task, with its settings and its maximum length.
    pub fn task(&self) -> &QuestionAnswering {
        &self.task
    }

    /// Tokens of a window, question and special tokens included.
    pub fn max_length(&self) -> usize {
        self.task.max_length()
    }

    /// The answers to questions, `(question, context)`, in their order. A context that is longer
    /// than the model reads is read in windows that overlap, and the spans of all of them are
    /// compared.
    ///
    /// # Errors
    /// If the tokenizer or the model refuses a text.
    pub fn predict(
        &self,
        inputs: &[(&str, &str)],
        options: &AnsweringOptions,
    ) -> Result<Vec<AnsweredQuestion>, InferError> {
        let encoded = self.task.windows(&self.tokenizer, inputs)?;
        let limits = SpanLimits {
            n_best: self.task.limits().n_best.max(options.top_k.get()),
            ..self.task.limits()
        };
        let mut spans = vec![BestSpans::new(limits); inputs.len()];
        let mut windows: Vec<(usize, &QuestionWindow)> = encoded
            .iter()
            .enumerate()
            .flat_map(|(question, encoded)| {
                encoded.windows.iter().map(move |window| (question, window))
            })
            .collect();
        windows.sort_by_key(|(_, window)| window.ids.len());
        for batch in windows.chunks(options.batch_size.get()) {
            let sequences = batch
                .iter()
                .map(|(_, window)| (window.ids.as_slice(), window.type_ids.as_slice()));
            let packed = PackedBatch::from_sequences(sequences)?;
            let logits = self.model.forward(&packed, &ForwardOptions::default())?;
            let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
            let mut rest = logits.as_slice();
            for (question, window) in batch {
                let (own, others) = rest.split_at(2 * window.ids.len());
                spans[*question].add(window, own);
                rest = others;
            }
        }
        let questions = inputs.iter().zip(&encoded).zip(&spans);
        let answered = questions.map(|((&(_, context), encoded), spans)| AnsweredQuestion {
            answers: self.answers(context, spans, options.top_k),
            null_score_difference: spans.null_score_difference(),
            length: encoded.length,
            windows: encoded.windows.len(),
            is_question_cut: encoded.is_question_cut,
        });
        Ok(answered.collect())
    }

    /// The best spans, and no answer among them where the model may say so: as the first one if
    /// its score is over the threshold, and otherwise by its score behind the first.
    fn answers(&self, context: &str, spans: &BestSpans, top_k: NonZeroUsize) -> Vec<FoundAnswer> {
        let settings = self.task.settings();
        let mut answers: Vec<FoundAnswer> = spans
            .spans()
            .iter()
            .map(|span| FoundAnswer {
                score: spans.probability(span.score()),
                start: span.start,
                end: span.end,
                answer: characters(context, span.start, span.end),
            })
            .collect();
        if settings.unanswerable || answers.is_empty() {
            let none = FoundAnswer {
                score: spans
                    .null_score()
                    .map_or(0.0, |score| spans.probability(score)),
                start: 0,
                end: 0,
                answer: String::new(),
            };
            let is_first = spans.null_score_difference() > settings.null_threshold;
            let place = match is_first || answers.is_empty() {
                true => 0,
                false => 1.max(answers.partition_point(|answer| answer.score >= none.score)),
            };
            answers.insert(place, none);
        }
        answers.truncate(top_k.get());
        answers
    }

    /// Metrics over questions whose answers are known, and the loss. `progress` is told how many
    /// questions are done.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn evaluate(
        &self,
        questions: &[Question],
        batch_size: NonZeroUsize,
        progress: impl FnMut(usize),
    ) -> Result<Evaluation, InferError> {
        let parts = questions.chunks(CHUNK).map(|part| Ok(part.to_vec()));
        self.evaluate_parts(parts, batch_size, progress)
    }

    /// As [`evaluate`](Self::evaluate), of some questions at a time, a thousand say: memory grows with a
    /// part.
    ///
    /// # Errors
    /// As there, and those of the parts.
    pub fn evaluate_parts<E: From<InferError>>(
        &self,
        parts: impl IntoIterator<Item = Result<Vec<Question>, E>>,
        batch_size: NonZeroUsize,
        mut progress: impl FnMut(usize),
    ) -> Result<Evaluation, E> {
        let mut evaluator = self.task.evaluator();
        let mut done = 0;
        for part in parts {
            let questions = part?;
            self.evaluate_part(done, &questions, batch_size, &mut evaluator)?;
            done += questions.len();
            progress(done);
        }
        Ok(evaluator.evaluation())
    }

    fn evaluate_part(
        &self,
        first: usize,
        questions: &[Question],
        batch_size: NonZeroUsize,
        evaluator: &mut AnswerEvaluator,
    ) -> Result<(), InferError> {
        let examples = self
            .task
            .examples_from(first, &self.tokenizer, questions, |_| ())?;
        for batch in by_length(&examples, batch_size) {
            let packed = pack(batch.iter().copied())?;
            let targets: Vec<SpanTarget> =
                batch.iter().map(|example| example.target.clone()).collect();
            let input = Input::Tokens(&packed);
            self.task
                .evaluate(&self.model, &input, &targets, evaluator)?;
        }
        // Sums up, and lets go of what was kept of each question.
        evaluator.take_predictions();
        Ok(())
    }
}

fn characters(text: &str, start: usize, end: usize) -> String {
    text.chars()
        .skip(start)
        .take(end.saturating_sub(start))
        .collect()
}
