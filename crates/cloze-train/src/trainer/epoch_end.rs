//! What comes after the steps of an epoch: validation, the record of the epoch, its checkpoint.

use cloze_tasks::metrics::{Evaluation, Metrics};
use cloze_tasks::{Evaluator, Task};

use super::Trainer;
use crate::error::TrainError;
use crate::evaluation::{Predicted, Rows, evaluate};
use crate::events::{Event, SplitName};
use crate::log::{EpochRecord, LogLine};
use crate::state::Best;

/// What the validation rows say about a model.
pub(super) struct Validation<T> {
    pub(super) evaluation: Evaluation,
    /// The task with what they decide beside the weights.
    task: T,
}

impl<T: Task + Clone> Trainer<'_, T> {
    /// The current model on the validation rows; an evaluation of nothing where there are none,
    /// `None` if the run was asked to stop.
    pub(super) fn validate(&mut self) -> Result<Option<Validation<T>>, TrainError> {
        let task = self.training.task().clone();
        if self.data.validation.examples.is_empty() {
            let evaluation = Evaluation::default();
            return Ok(Some(Validation { evaluation, task }));
        }
        let model = self.training.evaluation_model();
        let evaluator = self.evaluate(&task, &model, SplitName::Validation, None)?;
        Ok(evaluator.map(|evaluator| Validation {
            evaluation: evaluator.evaluation(),
            task: task.decided_by(&evaluator),
        }))
    }

    pub(super) fn evaluate(
        &mut self,
        task: &T,
        model: &T::Model,
        split: SplitName,
        predicted: Option<Predicted<'_, T>>,
    ) -> Result<Option<T::Evaluator>, TrainError> {
        let device = self.device.device().clone();
        let rows = Rows {
            split,
            examples: &*self.data.split(split).examples,
            features: self.features.as_deref().map(|features| (features, &device)),
            batch_size: self.config.train.evaluation_batch_size,
        };
        evaluate(task, model, &rows, self.observer, self.stop, predicted)
    }

    pub(super) fn finish_epoch(&mut self, validation: Validation<T>) -> Result<(), TrainError> {
        let Validation { evaluation, task } = validation;
        let best = self.is_best(&evaluation.metrics);
        if best {
            self.unsaved_best = Some((self.training.averaged_model(), task));
        }
        let progress = &mut self.progress;
        let record = EpochRecord {
            epoch: progress.epoch + 1,
            step: progress.step,
            train_loss: progress.loss_sum / progress.loss_weight,
            validation: evaluation.metrics.clone(),
            best,
            seconds: progress.epoch_seconds,
            data_wait_seconds: progress.epoch_data_wait_seconds,
        };
        self.observer.observe(&Event::Epoch {
            record: &record,
            epochs: self.config.train.epochs,
            evaluation: (!self.data.validation.examples.is_empty()).then_some(&evaluation),
        });
        if best {
            progress.best = Some(Best {
                epoch: record.epoch,
                evaluation,
            });
        }
        progress.history.push(record.clone());
        progress.epoch += 1;
        progress.position = 0;
        (progress.loss_sum, progress.loss_weight) = (0.0, 0.0);
        progress.epoch_seconds = 0.0;
        progress.epoch_data_wait_seconds = 0.0;
        let (step, validation) = (record.step, record.validation.clone());
        self.append(&LogLine::Epoch(record))?;
        self.consider_stopping(step, &validation)?;
        self.records.draw(self.is_over())?;
        if self.is_checkpoint_due() {
            self.save_checkpoint()?;
        }
        Ok(())
    }

    /// Whether these are the best metrics so far. Without validation rows the last epoch is.
    fn is_best(&self, metrics: &Metrics) -> bool {
        let name = self.config.best().name();
        let Some(value) = metrics.get(name) else {
            return true;
        };
        let best = self
            .progress
            .best
            .as_ref()
            .and_then(|best| best.evaluation.metrics.get(name));
        let direction = self.training.task().direction(name);
        match (best, direction) {
            (Some(best), Some(direction)) => direction.is_better(value, best),
            _ => true,
        }
    }
}
