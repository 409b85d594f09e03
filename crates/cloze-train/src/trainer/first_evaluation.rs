//! What the model that a run starts from says about the validation rows.

use cloze_tasks::Task;

use super::epoch_end::Validation;
use super::{Flow, Trainer};
use crate::error::TrainError;
use crate::events::Event;
use crate::log::LogLine;

impl<T: Task + Clone> Trainer<'_, T> {
    /// Evaluates before the first step, where the configuration wants it, once a run.
    pub(super) fn evaluate_first(&mut self) -> Result<Flow, TrainError> {
        let wanted = self.config.train.evaluate_first == Some(true)
            && !self.data.validation.examples.is_empty();
        if !wanted || self.progress.step > 0 || self.progress.before.is_some() {
            return Ok(Flow::Continue);
        }
        let Some(Validation { evaluation, .. }) = self.validate()? else {
            return Ok(Flow::Stop);
        };
        self.observer.observe(&Event::FirstEvaluation {
            evaluation: &evaluation,
        });
        self.append(&LogLine::Start {
            validation: evaluation.metrics.clone(),
        })?;
        self.progress.before = Some(evaluation.metrics);
        self.records.draw(false)?;
        Ok(Flow::Continue)
    }
}
