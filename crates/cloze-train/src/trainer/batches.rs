//! Batches of a step: tokens, or the features that are kept of them.

use burn::tensor::Tensor;
use cloze_core::PackedBatch;
use cloze_tasks::{Input, Task};

use super::Trainer;
use super::ahead::{BatchReader, Content, ReadBatch};
use crate::step::InputBatch;

/// A batch that was read for a task.
pub(super) type ReadBatchOf<T> = ReadBatch<<T as Task>::Target, <T as Task>::Features>;

/// A batch that a step lends to the model.
pub(super) struct StepBatch<T: Task> {
    /// The numbers of its training examples.
    pub(super) rows: Vec<usize>,
    content: StepContent<T::Features>,
    targets: Vec<T::Target>,
}

enum StepContent<F> {
    Tokens(PackedBatch),
    Features(F, Tensor<2>),
}

/// The batches as a step wants them.
pub(super) fn inputs<'a, T: Task>(batches: &'a [StepBatch<T>]) -> Vec<InputBatch<'a, T>> {
    let input = |batch: &'a StepBatch<T>| {
        let input = match &batch.content {
            StepContent::Tokens(packed) => Input::Tokens(packed),
            StepContent::Features(kind, rows) => Input::Features(*kind, rows),
        };
        (input, batch.targets.as_slice())
    };
    batches.iter().map(input).collect()
}

impl<T: Task + Clone> Trainer<'_, T> {
    /// What reads the batches of the current epoch.
    pub(super) fn batch_reader(&self) -> BatchReader<T::Target, T::Features> {
        BatchReader {
            examples: self.data.train.examples.clone(),
            features: self.features.clone(),
            epoch: self.progress.epoch,
        }
    }

    /// A batch on the device that trains.
    pub(super) fn batch(&self, batch: ReadBatchOf<T>) -> StepBatch<T> {
        let ReadBatch {
            rows,
            content,
            targets,
        } = batch;
        let content = match content {
            Content::Tokens(packed) => StepContent::Tokens(packed),
            Content::Features(kind, kept) => {
                let device = self.device.device().clone().autodiff();
                StepContent::Features(kind, kept.tensor(&device))
            }
        };
        StepBatch {
            rows,
            content,
            targets,
        }
    }
}
