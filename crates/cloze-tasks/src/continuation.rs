//! Continuation: the token that comes next in a long text, said by an encoder that has read a window
//! of it, or a prefix with a `[MASK]` at its end.
//!
//! The loss is the mean cross-entropy of the next tokens. [`NextTokenModel`] asks a trained model
//! for the token behind what is written, with the sequences that training made: what writes texts is
//! built on it.

mod evaluator;
mod examples;
mod input;
mod next_token;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::path::Path;

use burn::tensor::{Device, Tensor};
use cloze_core::PackedBatch;
use cloze_model::checkpoint::{
    Checkpoint, ContinuationMetadata, LoadReport, load_continuation, save_continuation,
};
use cloze_model::losses::{CrossEntropy, cross_entropy};
use cloze_model::{ContinuationConfig, ContinuationModel, ForwardOptions};

use crate::metrics::{Direction, argmax};
use crate::{Input, Objective, Task, TaskError};
pub use evaluator::{ContinuationEvaluator, NoPrediction};
pub use examples::{ContinuationExamples, TextPart};
pub use input::ContinuationInput;
pub use next_token::NextTokenModel;

/// The name of the task, in configurations and saved models.
pub const NAME: &str = "continuation";

const NEXT_TOKEN_ACCURACY: &str = "next_token_accuracy";

/// `[CLS]` and `[SEP]` around what is read of a text.
const SPECIAL: usize = 2;

/// The id of the token that comes next.
pub type NextToken = u32;

/// The token that comes next, among all of the vocabulary.
#[derive(Clone, Debug, PartialEq)]
pub struct Continuation {
    config: ContinuationConfig,
    loss: CrossEntropy,
}

impl Continuation {
    /// The task of a model that reads texts, and has a head, as `config` says.
    pub fn new(config: ContinuationConfig) -> Self {
        Self {
            config,
            loss: CrossEntropy::default(),
        }
    }

    /// Spreads a share of the target over the vocabulary in training; what is measured is without.
    #[must_use]
    pub fn with_label_smoothing(mut self, share: f64) -> Self {
        self.loss.label_smoothing = share;
        self
    }

    /// What the model reads, and its head.
    pub fn config(&self) -> &ContinuationConfig {
        &self.config
    }
}

impl Task for Continuation {
    type Model = ContinuationModel;
    type Target = NextToken;
    type Evaluator = ContinuationEvaluator;
    type Features = Infallible;

    fn name(&self) -> &'static str {
        NAME
    }

    fn max_length(&self) -> usize {
        self.config.length + SPECIAL
    }

    fn load(
        &self,
        checkpoint: &Checkpoint,
        seed: u64,
        device: &Device,
    ) -> Result<(ContinuationModel, LoadReport), TaskError> {
        Ok(load_continuation(
            checkpoint,
            &self.config.head,
            seed,
            device,
        )?)
    }

    fn save(
        &self,
        folder: &Path,
        model: &ContinuationModel,
        source: &Checkpoint,
    ) -> Result<(), TaskError> {
        let metadata = ContinuationMetadata {
            config: source.config(),
            continuation: &self.config,
            task: NAME,
            max_length: self.max_length(),
        };
        Ok(save_continuation(folder, model, &metadata)?)
    }

    fn pack_weights(&self, model: &mut ContinuationModel) {
        model.pack_weights();
    }

    fn frozen_features(&self, _: &ContinuationModel) -> Option<Infallible> {
        None
    }

    fn encode(
        &self,
        _: &ContinuationModel,
        features: Infallible,
        _: &PackedBatch,
    ) -> Result<Tensor<2>, TaskError> {
        match features {}
    }

    fn loss(
        &self,
        model: &ContinuationModel,
        input: &Input<'_, Infallible>,
        targets: &[NextToken],
        options: &ForwardOptions,
    ) -> Result<Objective, TaskError> {
        let logits = forward(model, input, options)?;
        Ok(Objective {
            loss: cross_entropy(logits, &classes(targets), &self.loss)?,
            weight: self.weight(targets),
            parts: Vec::new(),
        })
    }

    fn weight(&self, targets: &[NextToken]) -> f64 {
        targets.len() as f64
    }

    fn evaluator(&self) -> ContinuationEvaluator {
        ContinuationEvaluator::default()
    }

    fn evaluate(
        &self,
        model: &ContinuationModel,
        input: &Input<'_, Infallible>,
        targets: &[NextToken],
        evaluator: &mut ContinuationEvaluator,
    ) -> Result<(), TaskError> {
        let logits = forward(model, input, &ForwardOptions::default())?;
        let targets = classes(targets);
        let loss = cross_entropy(logits.clone(), &targets, &CrossEntropy::default())?;
        let [_, vocabulary] = logits.dims();
        let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
        let found: Vec<usize> = logits.chunks(vocabulary).map(argmax).collect();
        evaluator.add(f64::from(loss.into_scalar::<f32>()), &found, &targets);
        Ok(())
    }

    fn direction(&self, metric: &str) -> Option<Direction> {
        match metric {
            "loss" | "perplexity" => Some(Direction::LowerIsBetter),
            NEXT_TOKEN_ACCURACY => Some(Direction::HigherIsBetter),
            _ => None,
        }
    }
}

/// Logits of the next tokens, `[batch, vocab]`.
fn forward(
    model: &ContinuationModel,
    input: &Input<'_, Infallible>,
    options: &ForwardOptions,
) -> Result<Tensor<2>, TaskError> {
    match input {
        Input::Tokens(batch) => Ok(model.forward(batch, options)?),
        Input::Features(none, _) => match *none {},
    }
}

fn classes(targets: &[NextToken]) -> Vec<usize> {
    targets.iter().map(|&id| id as usize).collect()
}
