//! Masked language models: the words that stand behind masked tokens; and pretraining as in
//! BERT's paper, which also tells whether the second text follows the first.
//!
//! The loss is the mean cross-entropy over masked tokens, for pretraining plus that of
//! next-sentence prediction over pairs, as in `transformers`' `BertForMaskedLM` and
//! `BertForPreTraining`.

mod evaluator;
mod examples;

use std::convert::Infallible;
use std::path::Path;

use burn::tensor::{Device, Tensor};
use cloze_core::PackedBatch;
use cloze_model::checkpoint::{
    Checkpoint, LoadReport, MaskedLanguageMetadata, load_masked_language_model,
    save_masked_language_model,
};
use cloze_model::losses::{CrossEntropy, LossError, cross_entropy};
use cloze_model::{ForwardOptions, MaskedLanguageModel, MaskedLanguageOutput};

use crate::metrics::{Direction, argmax};
use crate::{Input, Objective, Task, TaskError};
pub use evaluator::{MaskedEvaluator, NoPrediction};
pub use examples::{MaskedExamples, Sequences};

/// The name of the task without next-sentence prediction, in configurations and saved models.
pub const NAME: &str = "masked-lm";

/// The name of the task with it.
pub const PRETRAINING: &str = "pretraining";

const MASKED_LOSS: &str = "masked_loss";
const NEXT_SENTENCE_LOSS: &str = "next_sentence_loss";

/// What a masked language model should say about a sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaskedTarget {
    /// Positions in the sequence that were chosen, and the ids that stood there.
    pub masked: Vec<(usize, u32)>,
    /// Whether the second text follows the first; nothing where next sentences are not predicted.
    pub follows: Option<bool>,
}

impl MaskedTarget {
    /// The class of next-sentence prediction, as `transformers` numbers it: 0 if the second text
    /// follows the first.
    fn next_sentence(&self) -> usize {
        usize::from(self.follows != Some(true))
    }
}

/// Masked language modelling, with next-sentence prediction or without.
#[derive(Clone, Debug)]
pub struct MaskedLm {
    max_length: usize,
    next_sentence: bool,
    /// Of the words, in training.
    loss: CrossEntropy,
}

impl MaskedLm {
    /// Masked words alone, in sequences of at most so many tokens.
    pub fn new(max_length: usize) -> Self {
        Self {
            max_length,
            next_sentence: false,
            loss: CrossEntropy::default(),
        }
    }

    /// Spreads this share of every masked word evenly over the vocabulary, in training alone:
    /// evaluations tell the plain loss, so that perplexities can be compared.
    #[must_use]
    pub fn with_label_smoothing(mut self, share: f64) -> Self {
        self.loss.label_smoothing = share;
        self
    }

    /// Masked words and next sentences.
    pub fn pretraining(max_length: usize) -> Self {
        Self {
            next_sentence: true,
            ..Self::new(max_length)
        }
    }
}

impl Task for MaskedLm {
    type Model = MaskedLanguageModel;
    type Target = MaskedTarget;
    type Evaluator = MaskedEvaluator;
    type Features = Infallible;

    fn name(&self) -> &'static str {
        if self.next_sentence {
            PRETRAINING
        } else {
            NAME
        }
    }

    fn max_length(&self) -> usize {
        self.max_length
    }

    fn load(
        &self,
        checkpoint: &Checkpoint,
        seed: u64,
        device: &Device,
    ) -> Result<(MaskedLanguageModel, LoadReport), TaskError> {
        let next_sentence = self.next_sentence;
        Ok(load_masked_language_model(
            checkpoint,
            next_sentence,
            seed,
            device,
        )?)
    }

    fn save(
        &self,
        folder: &Path,
        model: &MaskedLanguageModel,
        source: &Checkpoint,
    ) -> Result<(), TaskError> {
        let metadata = MaskedLanguageMetadata {
            config: source.config(),
            task: self.name(),
            max_length: Some(self.max_length),
        };
        Ok(save_masked_language_model(folder, model, &metadata)?)
    }

    fn pack_weights(&self, model: &mut MaskedLanguageModel) {
        model.pack_weights();
    }

    fn frozen_features(&self, _: &MaskedLanguageModel) -> Option<Infallible> {
        None
    }

    fn encode(
        &self,
        _: &MaskedLanguageModel,
        features: Infallible,
        _: &PackedBatch,
    ) -> Result<Tensor<2>, TaskError> {
        match features {}
    }

    fn loss(
        &self,
        model: &MaskedLanguageModel,
        input: &Input<'_, Infallible>,
        targets: &[MaskedTarget],
        options: &ForwardOptions,
    ) -> Result<Objective, TaskError> {
        let (output, words) = forward(model, input, targets, options)?;
        let masked = cross_entropy(output.logits, &words, &self.loss)?;
        let weight = self.weight(targets);
        let Some(logits) = output.next_sentence else {
            return Ok(Objective {
                loss: masked,
                weight,
                parts: Vec::new(),
            });
        };
        let next_sentence = next_sentence_loss(logits, targets)?;
        Ok(Objective {
            loss: masked.clone() + next_sentence.clone(),
            weight,
            parts: vec![(MASKED_LOSS, masked), (NEXT_SENTENCE_LOSS, next_sentence)],
        })
    }

    fn weight(&self, targets: &[MaskedTarget]) -> f64 {
        if self.next_sentence {
            // Two means of different things are added: neither number of terms fits both.
            return targets.len() as f64;
        }
        targets
            .iter()
            .map(|target| target.masked.len())
            .sum::<usize>() as f64
    }

    fn evaluator(&self) -> MaskedEvaluator {
        MaskedEvaluator::new(self.next_sentence)
    }

    fn evaluate(
        &self,
        model: &MaskedLanguageModel,
        input: &Input<'_, Infallible>,
        targets: &[MaskedTarget],
        evaluator: &mut MaskedEvaluator,
    ) -> Result<(), TaskError> {
        let (output, words) = forward(model, input, targets, &ForwardOptions::default())?;
        let loss = cross_entropy(output.logits.clone(), &words, &CrossEntropy::default())?;
        evaluator.add_masked(scalar(loss), &classes(output.logits), &words);
        if let Some(logits) = output.next_sentence {
            let loss = next_sentence_loss(logits.clone(), targets)?;
            let expected: Vec<usize> = targets.iter().map(MaskedTarget::next_sentence).collect();
            evaluator.add_pairs(scalar(loss), &classes(logits), &expected);
        }
        Ok(())
    }

    fn direction(&self, metric: &str) -> Option<Direction> {
        match metric {
            "loss" | "perplexity" | MASKED_LOSS => Some(Direction::LowerIsBetter),
            "masked_accuracy" => Some(Direction::HigherIsBetter),
            NEXT_SENTENCE_LOSS if self.next_sentence => Some(Direction::LowerIsBetter),
            "next_sentence_accuracy" if self.next_sentence => Some(Direction::HigherIsBetter),
            _ => None,
        }
    }
}

/// What the model says where tokens were masked, and the ids that it should say there.
fn forward(
    model: &MaskedLanguageModel,
    input: &Input<'_, Infallible>,
    targets: &[MaskedTarget],
    options: &ForwardOptions,
) -> Result<(MaskedLanguageOutput, Vec<usize>), TaskError> {
    let batch = match input {
        Input::Tokens(batch) => batch,
        Input::Features(none, _) => match *none {},
    };
    let mut rows = Vec::new();
    let mut words = Vec::new();
    for (target, &start) in targets.iter().zip(batch.offsets()) {
        for &(position, word) in &target.masked {
            rows.push(start + position);
            words.push(word as usize);
        }
    }
    if rows.is_empty() {
        return Err(LossError::Empty.into());
    }
    Ok((model.forward(batch, &rows, options)?, words))
}

fn next_sentence_loss(logits: Tensor<2>, targets: &[MaskedTarget]) -> Result<Tensor<1>, LossError> {
    let classes: Vec<usize> = targets.iter().map(MaskedTarget::next_sentence).collect();
    cross_entropy(logits, &classes, &CrossEntropy::default())
}

fn scalar(loss: Tensor<1>) -> f64 {
    f64::from(loss.into_scalar::<f32>())
}

/// The likeliest class of every row.
fn classes(logits: Tensor<2>) -> Vec<usize> {
    let [_, classes] = logits.dims();
    let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
    logits.chunks(classes).map(argmax).collect()
}

#[cfg(test)]
mod tests;
