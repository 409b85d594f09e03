//! Extractive question answering: the piece of a text that answers a question about it, or that
//! none does.
//!
//! The loss is that of `transformers`' `BertForQuestionAnswering`: cross-entropy of where the answer
//! starts and of where it ends, over the tokens of each window. A context that is longer than the
//! model reads is read in windows that overlap, and the best span of all of them is the answer. Of
//! the logits nothing but the best spans of each question is kept.

mod evaluator;
mod examples;
mod settings;
mod spans;

use std::path::Path;

use burn::tensor::{Device, Tensor};
use cloze_core::PackedBatch;
use cloze_model::checkpoint::{
    Checkpoint, LoadReport, QuestionAnsweringMetadata, QuestionAnsweringOptions,
    load_question_answering, save_question_answering,
};
use cloze_model::losses::{SpanPositions, span_cross_entropy};
use cloze_model::{ForwardOptions, QuestionAnsweringModel};

use crate::metrics::Direction;
use crate::token_classification::LastHiddenState;
use crate::{Input, Objective, Task, TaskError};
pub use evaluator::{AnswerEvaluator, AnswerPrediction};
pub use examples::{Asked, SpanTarget};
pub use settings::{AnswerSettings, FILE as SETTINGS_FILE};
pub use spans::{BestSpans, Span, SpanLimits};

/// The task's name in configurations and saved models.
pub const NAME: &str = "question-answering";

/// The part of a window that is repeated where nobody says how much: 128 of 384 tokens.
const STRIDE: usize = 3;

/// The most tokens of a question, where nobody says how many: a part of the window, up to a number.
const QUESTION: (usize, usize) = (4, 64);

/// Question answering with windows of a length.
#[derive(Clone, Debug)]
pub struct QuestionAnswering {
    max_length: usize,
    settings: AnswerSettings,
    /// Whether the threshold is to be found on the validation rows.
    is_tuned: bool,
}

impl QuestionAnswering {
    /// The task with the most tokens of a window.
    pub fn new(max_length: usize, settings: AnswerSettings) -> Self {
        Self {
            max_length,
            settings,
            is_tuned: false,
        }
    }

    /// The task whose threshold is the one with the best F1 on the validation rows, instead of
    /// [`AnswerSettings::null_threshold`].
    #[must_use]
    pub fn with_tuned_threshold(mut self) -> Self {
        self.is_tuned = true;
        self
    }

    /// How answers are found and compared.
    pub fn settings(&self) -> &AnswerSettings {
        &self.settings
    }

    /// The same with other settings.
    #[must_use]
    pub fn with_settings(mut self, settings: AnswerSettings) -> Self {
        self.settings = settings;
        self
    }

    /// How many tokens of the context a window repeats of the one before.
    pub fn doc_stride(&self) -> usize {
        self.settings.doc_stride.unwrap_or(self.max_length / STRIDE)
    }

    /// The most tokens of a question.
    pub fn max_question_length(&self) -> usize {
        let (part, most) = QUESTION;
        let usual = (self.max_length / part).clamp(1, most);
        self.settings.max_question_length.unwrap_or(usual)
    }

    /// What can be an answer.
    pub fn limits(&self) -> SpanLimits {
        SpanLimits {
            max_answer_length: self.settings.max_answer_length,
            n_best: self.settings.n_best,
        }
    }
}

impl Task for QuestionAnswering {
    type Model = QuestionAnsweringModel;
    type Target = SpanTarget;
    type Evaluator = AnswerEvaluator;
    type Features = LastHiddenState;

    fn name(&self) -> &'static str {
        NAME
    }

    fn max_length(&self) -> usize {
        self.max_length
    }

    fn load(
        &self,
        checkpoint: &Checkpoint,
        seed: u64,
        device: &Device,
    ) -> Result<(QuestionAnsweringModel, LoadReport), TaskError> {
        let options = QuestionAnsweringOptions { seed };
        Ok(load_question_answering(checkpoint, &options, device)?)
    }

    fn save(
        &self,
        folder: &Path,
        model: &QuestionAnsweringModel,
        source: &Checkpoint,
    ) -> Result<(), TaskError> {
        let metadata = QuestionAnsweringMetadata {
            config: source.config(),
            task: NAME,
            max_length: Some(self.max_length),
        };
        save_question_answering(folder, model, &metadata)?;
        self.settings.write(folder)
    }

    fn pack_weights(&self, model: &mut QuestionAnsweringModel) {
        model.encoder.pack_weights();
    }

    fn frozen_features(&self, model: &QuestionAnsweringModel) -> Option<LastHiddenState> {
        model.has_frozen_encoder().then_some(LastHiddenState)
    }

    fn encode(
        &self,
        model: &QuestionAnsweringModel,
        _: LastHiddenState,
        batch: &PackedBatch,
    ) -> Result<Tensor<2>, TaskError> {
        Ok(model.encode(batch)?)
    }

    fn loss(
        &self,
        model: &QuestionAnsweringModel,
        input: &Input<'_, LastHiddenState>,
        targets: &[SpanTarget],
        options: &ForwardOptions,
    ) -> Result<Objective, TaskError> {
        let logits = logits(model, input, options)?;
        Ok(Objective {
            loss: loss_of(logits, targets)?,
            weight: self.weight(targets),
            parts: Vec::new(),
        })
    }

    /// Half a window for a start that counts, and half for an end.
    fn weight(&self, targets: &[SpanTarget]) -> f64 {
        let count = |target: &SpanTarget| {
            let SpanPositions { start, end } = target.positions;
            usize::from(start.is_some()) + usize::from(end.is_some())
        };
        targets.iter().map(count).sum::<usize>() as f64 / 2.0
    }

    fn evaluator(&self) -> AnswerEvaluator {
        AnswerEvaluator::new(self.clone())
    }

    fn evaluate(
        &self,
        model: &QuestionAnsweringModel,
        input: &Input<'_, LastHiddenState>,
        targets: &[SpanTarget],
        evaluator: &mut AnswerEvaluator,
    ) -> Result<(), TaskError> {
        let logits = logits(model, input, &ForwardOptions::default())?;
        let loss = loss_of(logits.clone(), targets)?.into_scalar::<f32>();
        let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
        evaluator.add(targets, f64::from(loss) * self.weight(targets), &logits);
        Ok(())
    }

    fn decided_by(&self, evaluator: &AnswerEvaluator) -> Self {
        let null_threshold = evaluator.threshold();
        Self {
            settings: AnswerSettings {
                null_threshold,
                ..self.settings.clone()
            },
            is_tuned: false,
            ..self.clone()
        }
    }

    fn as_saved(&self, checkpoint: &Checkpoint) -> Result<Self, TaskError> {
        let saved = AnswerSettings::read(checkpoint.folder())?;
        Ok(Self {
            settings: saved.unwrap_or_else(|| self.settings.clone()),
            is_tuned: false,
            ..self.clone()
        })
    }

    fn direction(&self, metric: &str) -> Option<Direction> {
        match metric {
            "loss" => Some(Direction::LowerIsBetter),
            "exact_match" | "f1" => Some(Direction::HigherIsBetter),
            "best_exact_match" | "best_f1" if self.settings.unanswerable => {
                Some(Direction::HigherIsBetter)
            }
            _ => None,
        }
    }
}

/// The logits of start and end of every token of a batch, `[tokens, 2]`.
fn logits(
    model: &QuestionAnsweringModel,
    input: &Input<'_, LastHiddenState>,
    options: &ForwardOptions,
) -> Result<Tensor<2>, TaskError> {
    Ok(match input {
        Input::Tokens(batch) => model.forward(batch, options)?,
        Input::Features(_, states) => model.answer((*states).clone(), options),
    })
}

fn loss_of(logits: Tensor<2>, targets: &[SpanTarget]) -> Result<Tensor<1>, TaskError> {
    let lengths: Vec<usize> = targets
        .iter()
        .map(|target| target.window.ids.len())
        .collect();
    let positions: Vec<SpanPositions> = targets.iter().map(|target| target.positions).collect();
    Ok(span_cross_entropy(logits, &lengths, &positions)?)
}

#[cfg(test)]
mod tests;
