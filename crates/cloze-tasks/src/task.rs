use std::convert::Infallible;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cloze_core::{InputError, LabelError, PackedBatch, PackedBatchError};
use cloze_data::corpus::CorpusError;
use cloze_data::records::RecordError;
use cloze_data::reports::ExampleFacts;
use cloze_data::tokenizer::TokenizerError;
use cloze_model::checkpoint::{Checkpoint, CheckpointError, LoadReport};
use cloze_model::losses::LossError;
use cloze_model::{ForwardError, ForwardOptions};
use serde::Serialize;
use thiserror::Error;

use crate::metrics::{Direction, Evaluation};

/// A row as the model sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example<T> {
    /// Token ids, special tokens included; those of several windows one after another.
    pub ids: Vec<u32>,
    /// Token type ids, as many.
    pub type_ids: Vec<u32>,
    /// Lengths in tokens of the windows that a long row is read in; empty where it is one sequence.
    pub windows: Vec<usize>,
    /// What the model should say; `()` where only a prediction is wanted.
    pub target: T,
    /// Position of the row among those that were encoded with it, from 0.
    pub row: usize,
    /// What a report says about it.
    pub facts: ExampleFacts,
}

impl<T> Example<T> {
    /// How many sequences the model reads of the row.
    pub fn sequences(&self) -> usize {
        self.windows.len().max(1)
    }

    /// Token ids and token type ids of every sequence.
    fn parts(&self) -> Vec<(&[u32], &[u32])> {
        if self.windows.is_empty() {
            return vec![(&self.ids, &self.type_ids)];
        }
        let mut start = 0;
        let windows = self.windows.iter().map(|length| {
            let window = start..start + length;
            start = window.end;
            (&self.ids[window.clone()], &self.type_ids[window])
        });
        windows.collect()
    }
}

/// The loss of a batch.
#[derive(Clone, Debug)]
pub struct Objective {
    /// Mean loss, `[1]`.
    pub loss: Tensor<1>,
    /// What the sum of losses was divided by: the number of examples, or the sum of their class
    /// weights. Means of several batches are averaged by it.
    pub weight: f64,
    /// The named losses, `[1]` each, that `loss` is the sum of; none where there is but one.
    pub parts: Vec<(&'static str, Tensor<1>)>,
}

/// What is kept of a row where the encoder is frozen: its features, which are the same in every
/// epoch. [`Infallible`] for a task that keeps nothing.
pub trait FrozenFeatures: Copy + fmt::Debug + Send + Sync {
    /// The name under which they are kept.
    fn name(self) -> &'static str;

    /// How many feature rows a sequence of so many tokens has: one where the sequence is pooled,
    /// as many as tokens where each of them has its own.
    fn rows(self, tokens: usize) -> usize;

    /// Whether they depend on the parameter of this canonical name.
    fn depend_on(self, parameter: &str) -> bool;
}

impl FrozenFeatures for Infallible {
    fn name(self) -> &'static str {
        match self {}
    }

    fn rows(self, _: usize) -> usize {
        match self {}
    }

    fn depend_on(self, _: &str) -> bool {
        match self {}
    }
}

/// What a model reads.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a, F> {
    /// Sequences of tokens, through encoder and head.
    Tokens(&'a PackedBatch),
    /// Kept features, `[rows, width]`, those of the first sequence first: through the head alone.
    Features(F, &'a Tensor<2>),
}

/// Sums up a model's outputs over a data set.
///
/// Of a row nothing is kept but what the metrics need: sums, where sums are enough; where a metric
/// compares all rows with one another, a number or two a row, which the evaluator says. Of rows that
/// are several examples, the windows of a long text, those of which windows are still to come are
/// kept as well.
pub trait Evaluator {
    /// What a task says about one row.
    type Prediction: Serialize;

    /// Metrics over everything that was added.
    fn evaluation(&self) -> Evaluation;

    /// Makes predictions of what is added from now on, for [`take_predictions`]; they are kept
    /// until they are taken.
    ///
    /// [`take_predictions`]: Self::take_predictions
    fn keep_predictions(&mut self);

    /// The predictions of the rows that are complete, in the order of the rows, each once; none where
    /// none are made. Behind every batch it is asked for them, also by whoever wants none, as what is
    /// kept of complete rows is summed up here; or, by whoever adds the examples in another order than
    /// that of the rows, behind every batch that ends where the rows up to one are added.
    fn take_predictions(&mut self) -> Vec<Self::Prediction>;

    /// The other predictions, once everything was added: all of them where all rows together decide
    /// what is predicted, as with thresholds that are found on them.
    fn last_predictions(&mut self) -> Vec<Self::Prediction>;
}

/// What a trainer, an evaluation and a pipeline need to know about a task.
pub trait Task: fmt::Debug {
    /// Encoder and head.
    type Model: Module;
    /// What a model should say about an example.
    type Target: Clone + fmt::Debug + Send + Sync;
    /// Collects outputs.
    type Evaluator: Evaluator;
    /// What is kept of rows whose encoder is frozen.
    type Features: FrozenFeatures;

    /// Name in a run's configuration and in a saved model.
    fn name(&self) -> &'static str;

    /// The most tokens of an example, special tokens included.
    fn max_length(&self) -> usize;

    /// Encoder and head from a checkpoint; what the checkpoint lacks is drawn from `seed`.
    ///
    /// # Errors
    /// If a tensor has another shape than the configuration says, or cannot be read.
    fn load(
        &self,
        checkpoint: &Checkpoint,
        seed: u64,
        device: &Device,
    ) -> Result<(Self::Model, LoadReport), TaskError>;

    /// Writes everything but the tokenizer: a folder that `transformers` and cloze load.
    /// `source` is the checkpoint that the model came from.
    ///
    /// # Errors
    /// If a file cannot be written.
    fn save(
        &self,
        folder: &Path,
        model: &Self::Model,
        source: &Checkpoint,
    ) -> Result<(), TaskError>;

    /// Prepares a model that will compute many batches and not be trained; what it computes stays
    /// the same to the bit. See [`cloze_model::Encoder::pack_weights`].
    fn pack_weights(&self, model: &mut Self::Model);

    /// What can be kept of every row, as training leaves all of the model alone that it depends
    /// on; `None` where there is no such thing. `model` is the one that is trained: others do not
    /// know which parameters want a gradient.
    fn frozen_features(&self, model: &Self::Model) -> Option<Self::Features>;

    /// These features of a batch, without dropout: `[rows, width]`.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    fn encode(
        &self,
        model: &Self::Model,
        features: Self::Features,
        batch: &PackedBatch,
    ) -> Result<Tensor<2>, TaskError>;

    /// The loss of a batch, with its graph if the model's parameters want gradients. It is the
    /// same, but for rounding, for tokens and for their kept features.
    ///
    /// # Errors
    /// If the batch does not fit the model (an id above the vocabulary, a sequence too long).
    fn loss(
        &self,
        model: &Self::Model,
        input: &Input<'_, Self::Features>,
        targets: &[Self::Target],
        options: &ForwardOptions,
    ) -> Result<Objective, TaskError>;

    /// [`Objective::weight`] of these targets, known before the loss is computed.
    fn weight(&self, targets: &[Self::Target]) -> f64;

    /// An evaluator that has seen nothing.
    fn evaluator(&self) -> Self::Evaluator;

    /// Runs the model on a batch, without dropout, and adds what it says to `evaluator`.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    fn evaluate(
        &self,
        model: &Self::Model,
        input: &Input<'_, Self::Features>,
        targets: &[Self::Target],
        evaluator: &mut Self::Evaluator,
    ) -> Result<(), TaskError>;

    /// The task with what the validation rows decide beside the weights, such as thresholds:
    /// `evaluator` has seen them all, of the model that will be saved.
    #[must_use]
    fn decided_by(&self, evaluator: &Self::Evaluator) -> Self
    where
        Self: Sized + Clone,
    {
        let _ = evaluator;
        self.clone()
    }

    /// The task with what was so decided and saved beside the weights in `checkpoint`.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    fn as_saved(&self, checkpoint: &Checkpoint) -> Result<Self, TaskError>
    where
        Self: Sized + Clone,
    {
        let _ = checkpoint;
        Ok(self.clone())
    }

    /// Which way a metric gets better; `None` for a name that the task does not report.
    fn direction(&self, metric: &str) -> Option<Direction>;
}

/// Why a task cannot go on.
#[derive(Debug, Error)]
pub enum TaskError {
    /// A row of a data file does not fit the task.
    #[error(transparent)]
    Row(#[from] InputError),
    /// The training rows have no usable set of labels.
    #[error(transparent)]
    Labels(#[from] LabelError),
    /// A corpus cannot be built or read.
    #[error(transparent)]
    Corpus(Box<CorpusError>),
    /// Examples cannot be kept, or not be read again.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// A text cannot be encoded.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// A model cannot be loaded or saved.
    #[error(transparent)]
    Checkpoint(Box<CheckpointError>),
    /// Examples, or what belongs to a model, cannot be read from where they are kept.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// What belongs to a model cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A trained model is not whole.
    #[error("{}: the weights lack {}", folder.display(), .missing.join(", "))]
    MissingWeights {
        /// Its folder.
        folder: PathBuf,
        /// The tensors that it needs.
        missing: Vec<String>,
    },
    /// Examples do not form a batch.
    #[error(transparent)]
    Batch(#[from] PackedBatchError),
    /// A batch does not fit the model.
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// A loss cannot be computed.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// A class weight, or another number, is given for a label that the data do not have.
    #[error("there is a {what} for {label:?}, but the labels are {known}")]
    UnknownLabel {
        /// What is given.
        what: &'static str,
        /// The label as given.
        label: String,
        /// The labels.
        known: String,
    },
}

impl From<CorpusError> for TaskError {
    fn from(error: CorpusError) -> Self {
        Self::Corpus(Box::new(error))
    }
}

impl From<CheckpointError> for TaskError {
    fn from(error: CheckpointError) -> Self {
        Self::Checkpoint(Box::new(error))
    }
}

/// The batch of some examples, in their order: a sequence for each, or for each of its windows.
///
/// # Errors
/// If there is none, or one has no tokens.
///
/// # Panics
/// If the windows of an example are longer than it.
pub fn pack<'a, T: 'a>(
    examples: impl IntoIterator<Item = &'a Example<T>>,
) -> Result<PackedBatch, PackedBatchError> {
    let mut windows = Vec::new();
    let sequences = examples.into_iter().flat_map(|example| {
        windows.push(example.sequences());
        example.parts()
    });
    PackedBatch::from_sequences(sequences)?.with_windows(&windows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(ids: &[u32], windows: &[usize]) -> Example<()> {
        Example {
            ids: ids.to_vec(),
            type_ids: vec![0; ids.len()],
            windows: windows.to_vec(),
            target: (),
            row: 0,
            facts: ExampleFacts {
                label: None,
                length: ids.len(),
                tokens: ids.len(),
                unknown: 0,
            },
        }
    }

    #[test]
    fn every_window_is_a_sequence_of_its_row() {
        let long = example(&[1, 2, 3, 1, 4, 3, 1, 5], &[3, 3, 2]);
        let batch = pack([&example(&[1, 9], &[]), &long, &example(&[7], &[1])]).unwrap();
        assert_eq!(batch.offsets(), [0, 2, 5, 8, 10, 11]);
        assert_eq!(batch.windows().collect::<Vec<_>>(), [0..1, 1..4, 4..5]);
        assert_eq!(batch.input_ids()[5..8], [1, 4, 3]);
        assert!(!pack([&example(&[1, 9], &[2])]).unwrap().has_windows());
        assert_eq!(long.sequences(), 3);
    }

    #[test]
    fn an_example_with_too_few_types_is_refused() {
        let mut short = example(&[1, 2], &[]);
        short.type_ids.pop();
        assert!(matches!(
            pack([&short]),
            Err(PackedBatchError::TokenTypes { .. })
        ));
    }
}
