//! Batches of a step: tokens, or the features that are kept of them.

use burn::tensor::Tensor;
use cloze_core::PackedBatch;
use cloze_tasks::{Input, Task, TaskError, pack};

use super::Trainer;
use crate::events::SplitName;
use crate::step::InputBatch;

/// A batch that a step lends to the model.
pub(super) struct StepBatch<T: Task> {
    content: Content<T::Features>,
    targets: Vec<T::Target>,
}

enum Content<F> {
    Tokens(PackedBatch),
    Features(F, Tensor<2>),
}

/// The batches as a step wants them.
pub(super) fn inputs<'a, T: Task>(batches: &'a [StepBatch<T>]) -> Vec<InputBatch<'a, T>> {
    let input = |StepBatch { content, targets }: &'a StepBatch<T>| {
        let input = match content {
            Content::Tokens(packed) => Input::Tokens(packed),
            Content::Features(kind, rows) => Input::Features(*kind, rows),
        };
        (input, targets.as_slice())
    };
    batches.iter().map(input).collect()
}

impl<T: Task + Clone> Trainer<'_, T> {
    /// The batches of a step, each given as the numbers of its training rows.
    pub(super) fn batches(&self, group: &[Vec<usize>]) -> Result<Vec<StepBatch<T>>, TaskError> {
        group.iter().map(|rows| self.batch(rows)).collect()
    }

    fn batch(&self, rows: &[usize]) -> Result<StepBatch<T>, TaskError> {
        let (source, epoch) = (&self.data.train.examples, self.progress.epoch);
        let examples = rows
            .iter()
            .map(|&row| source.example(row, epoch))
            .collect::<Result<Vec<_>, _>>()?;
        let content = match &self.features {
            Some(features) => {
                let rows = rows.iter().copied();
                let device = self.device.device().clone().autodiff();
                let kept = features.select(SplitName::Train, rows, &device);
                Content::Features(features.kind(), kept)
            }
            None => Content::Tokens(pack(examples.iter().map(AsRef::as_ref))?),
        };
        Ok(StepBatch {
            content,
            targets: examples
                .iter()
                .map(|example| example.target.clone())
                .collect(),
        })
    }
}
