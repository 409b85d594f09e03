//! Token classification: a label for every word of a sentence (named entities, parts of speech,
//! chunks).
//!
//! The loss is the mean cross-entropy over labelled tokens, as in `transformers`'
//! `BertForTokenClassification` with -100 everywhere else, with class weights and label smoothing as
//! in PyTorch's `CrossEntropyLoss`; the model's head computes these alone.
//! A word is judged by what the model says at its first sub-word. Sentences that are longer than
//! the model reads are read in windows that overlap, in which every word is labelled and judged
//! once.

mod evaluator;
mod examples;

use std::path::Path;

use burn::tensor::{Device, Tensor};
use cloze_core::{InputError, LabelSet, PackedBatch};
use cloze_data::alignment::LabelledSubWords;
use cloze_data::readers::tagged::TaggedSentence;
use cloze_data::tags::TagScheme;
use cloze_model::checkpoint::{
    Checkpoint, CheckpointError, LoadReport, TokenClassifierMetadata, TokenClassifierOptions,
    load_token_classifier, save_token_classifier,
};
use cloze_model::losses::{CrossEntropy, LossError, cross_entropy};
use cloze_model::named::is_encoder_name;
use cloze_model::{ForwardOptions, TokenClassifier};

use crate::metrics::{Direction, argmax};
use crate::text_classification::ClassWeights;
use crate::{FrozenFeatures, Input, Objective, Task, TaskError};
pub use evaluator::{TagEvaluator, TagPrediction};
pub use examples::{TagTarget, TaggedToken};

/// The task's name in configurations and saved models.
pub const NAME: &str = "token-classification";

/// The part of a window that is repeated where nobody says how much: a quarter.
const OVERLAP: usize = 4;

/// Token classification with a given set of labels.
#[derive(Clone, Debug)]
pub struct TokenClassification {
    labels: LabelSet,
    scheme: TagScheme,
    /// For every label, the one that a word's sub-words after its first have.
    continuation: Vec<usize>,
    labelled: LabelledSubWords,
    max_length: usize,
    overlap: Option<usize>,
    loss: CrossEntropy,
}

impl TokenClassification {
    /// The task with its labels and the most tokens of a window. All sub-words of a word are
    /// labelled, and windows repeat a quarter.
    pub fn new(labels: LabelSet, max_length: usize) -> Self {
        let scheme = TagScheme::of_labels(labels.names());
        let continued = |(id, name): (usize, &String)| {
            let continuation = scheme.continuation(name);
            labels.id(&continuation).unwrap_or(id)
        };
        Self {
            continuation: labels.names().iter().enumerate().map(continued).collect(),
            scheme,
            labels,
            labelled: LabelledSubWords::default(),
            max_length,
            overlap: None,
            loss: CrossEntropy::default(),
        }
    }

    /// Which sub-words of a word have a label in training.
    #[must_use]
    pub fn with_labelled_sub_words(mut self, labelled: LabelledSubWords) -> Self {
        self.labelled = labelled;
        self
    }

    /// How many tokens a window repeats of the one before, at least.
    #[must_use]
    pub fn with_overlap(mut self, overlap: Option<usize>) -> Self {
        self.overlap = overlap;
        self
    }

    /// Weighs the labels in the loss. `targets` are those of the training sentences' words.
    ///
    /// # Errors
    /// If a weight is given for a label that does not exist.
    pub fn with_class_weights(
        mut self,
        weights: &ClassWeights,
        targets: &[usize],
    ) -> Result<Self, TaskError> {
        self.loss.class_weights = Some(weights.of_labels(&self.labels, targets)?);
        Ok(self)
    }

    /// Spreads this share of every target evenly over all labels.
    #[must_use]
    pub fn with_label_smoothing(mut self, share: f64) -> Self {
        self.loss.label_smoothing = share;
        self
    }

    /// The labels, by id.
    pub fn labels(&self) -> &LabelSet {
        &self.labels
    }

    /// How the labels describe entities.
    pub fn scheme(&self) -> TagScheme {
        self.scheme
    }

    /// How many tokens a window repeats of the one before, at least.
    pub fn overlap(&self) -> usize {
        self.overlap
            .unwrap_or(self.max_length.saturating_sub(2) / OVERLAP)
    }

    /// The label ids of sentences whose tags follow a scheme; `file` and `column` are for error
    /// messages.
    ///
    /// # Errors
    /// If tags cannot be converted to the scheme of the labels, or one is not among the labels.
    pub fn targets<'a>(
        &self,
        sentences: impl IntoIterator<Item = &'a TaggedSentence>,
        scheme: TagScheme,
        file: &Path,
        column: &str,
    ) -> Result<Vec<Vec<usize>>, InputError> {
        let ids = |sentence: &TaggedSentence| {
            let converted = match self.scheme {
                TagScheme::Plain => Ok(sentence.tags.clone()),
                labels => scheme.convert(&sentence.tags, labels),
            };
            let tags = converted.map_err(|error| sentence.error(file, column, &error))?;
            let id = |(word, tag): (usize, &String)| {
                self.labels.id(tag).ok_or_else(|| {
                    let wanted = format!("one of the labels {}", self.labels.names().join(", "));
                    InputError::new(file, format!("the tag {tag:?}"), wanted)
                        .at_line(sentence.line_of(word))
                        .in_field(column)
                })
            };
            tags.iter().enumerate().map(id).collect()
        };
        sentences.into_iter().map(ids).collect()
    }

    /// Whether the checkpoint has no head for these labels.
    fn needs_new_head(&self, checkpoint: &Checkpoint) -> Result<bool, CheckpointError> {
        if !checkpoint.is_token_classifier() {
            return Ok(true);
        }
        Ok(match checkpoint.labels()? {
            Some(labels) => labels != self.labels,
            None => checkpoint.num_labels()? != self.labels.len(),
        })
    }
}

/// What is kept of a sentence whose encoder is frozen: the last hidden state of every token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastHiddenState;

impl FrozenFeatures for LastHiddenState {
    fn name(self) -> &'static str {
        "last_hidden_state"
    }

    fn rows(self, tokens: usize) -> usize {
        tokens
    }

    fn depend_on(self, parameter: &str) -> bool {
        is_encoder_name(parameter) && !parameter.starts_with("pooler.")
    }
}

impl Task for TokenClassification {
    type Model = TokenClassifier;
    type Target = TagTarget;
    type Evaluator = TagEvaluator;
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
    ) -> Result<(TokenClassifier, LoadReport), TaskError> {
        let options = TokenClassifierOptions {
            num_labels: Some(self.labels.len()),
            new_head: self.needs_new_head(checkpoint)?,
            seed,
        };
        Ok(load_token_classifier(checkpoint, &options, device)?)
    }

    fn save(
        &self,
        folder: &Path,
        model: &TokenClassifier,
        source: &Checkpoint,
    ) -> Result<(), TaskError> {
        let metadata = TokenClassifierMetadata {
            config: source.config(),
            labels: &self.labels,
            task: NAME,
            max_length: Some(self.max_length),
        };
        Ok(save_token_classifier(folder, model, &metadata)?)
    }

    fn pack_weights(&self, model: &mut TokenClassifier) {
        model.encoder.pack_weights();
    }

    fn frozen_features(&self, model: &TokenClassifier) -> Option<LastHiddenState> {
        model.has_frozen_encoder().then_some(LastHiddenState)
    }

    fn encode(
        &self,
        model: &TokenClassifier,
        _: LastHiddenState,
        batch: &PackedBatch,
    ) -> Result<Tensor<2>, TaskError> {
        Ok(model.encode(batch)?)
    }

    fn loss(
        &self,
        model: &TokenClassifier,
        input: &Input<'_, LastHiddenState>,
        targets: &[TagTarget],
        options: &ForwardOptions,
    ) -> Result<Objective, TaskError> {
        let labels = labels(targets);
        let logits = logits(model, input, targets, options)?;
        Ok(Objective {
            loss: cross_entropy(logits, &labels, &self.loss)?,
            weight: self.weight(targets),
            parts: Vec::new(),
        })
    }

    fn weight(&self, targets: &[TagTarget]) -> f64 {
        let labels = labels(targets);
        match &self.loss.class_weights {
            Some(weights) => labels.iter().map(|&label| f64::from(weights[label])).sum(),
            None => labels.len() as f64,
        }
    }

    fn evaluator(&self) -> TagEvaluator {
        TagEvaluator::new(self.clone())
    }

    fn evaluate(
        &self,
        model: &TokenClassifier,
        input: &Input<'_, LastHiddenState>,
        targets: &[TagTarget],
        evaluator: &mut TagEvaluator,
    ) -> Result<(), TaskError> {
        let logits = logits(model, input, targets, &ForwardOptions::default())?;
        let loss = cross_entropy(logits.clone(), &labels(targets), &self.loss)?;
        let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
        let predicted: Vec<usize> = logits.chunks(self.labels.len()).map(argmax).collect();
        evaluator.add(targets, f64::from(loss.into_scalar::<f32>()), &predicted);
        Ok(())
    }

    fn direction(&self, metric: &str) -> Option<Direction> {
        match metric {
            "loss" => Some(Direction::LowerIsBetter),
            "strict_f1" if !evaluator::has_strict_mode(self.scheme) => None,
            "f1" | "precision" | "recall" | "accuracy" | "macro_f1" | "weighted_f1"
            | "strict_f1" => Some(Direction::HigherIsBetter),
            _ => None,
        }
    }
}

/// The labels of all labelled tokens of a batch.
fn labels(targets: &[TagTarget]) -> Vec<usize> {
    let tokens = targets.iter().flat_map(|target| &target.tokens);
    tokens.map(|token| token.label).collect()
}

/// What the model says at the labelled tokens: `[labelled tokens, labels]`.
fn logits(
    model: &TokenClassifier,
    input: &Input<'_, LastHiddenState>,
    targets: &[TagTarget],
    options: &ForwardOptions,
) -> Result<Tensor<2>, TaskError> {
    let mut rows = Vec::new();
    let mut start = 0;
    for target in targets {
        rows.extend(target.tokens.iter().map(|token| start + token.position));
        start += target.length;
    }
    if rows.is_empty() {
        return Err(LossError::Empty.into());
    }
    Ok(match input {
        Input::Tokens(batch) => model.forward(batch, &rows, options)?,
        Input::Features(_, states) => model.classify(states, &rows, options),
    })
}

#[cfg(test)]
mod tests;
