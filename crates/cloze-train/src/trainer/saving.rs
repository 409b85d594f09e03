//! What a run writes besides its log.

use std::path::{Path, PathBuf};

use cloze_core::output::OutputFolder;
use cloze_model::checkpoint::Checkpoint;
use cloze_tasks::metrics::Evaluation;
use cloze_tasks::{Evaluator, Task};

use super::Trainer;
use crate::error::TrainError;
use crate::events::{Event, SplitName};
use crate::optimizer_file;
use crate::results;
use crate::state::RunState;

impl<T: Task + Clone> Trainer<'_, T> {
    /// The best model on the test rows, and what it says about each; `None` if asked to stop.
    pub(super) fn test(&mut self) -> Result<Option<Evaluation>, TrainError> {
        if self.data.test.examples.is_empty() {
            return Ok(Some(Evaluation::default()));
        }
        let best = Checkpoint::open(&self.folder.model())?;
        let task = self.training.task().clone();
        let (model, _) = task.load(&best, self.config.seed, self.device.device())?;
        let Some(evaluator) = self.evaluate(&model, SplitName::Test)? else {
            return Ok(None);
        };
        let evaluation = evaluator.evaluation();
        self.observer.observe(&Event::Test {
            evaluation: &evaluation,
        });
        let predictions = self.data.test.origins.iter().zip(evaluator.predictions());
        results::write_predictions(&self.folder.test_predictions(), predictions)?;
        Ok(Some(evaluation))
    }

    /// Puts the current model into `model/`, in one step.
    pub(super) fn save_model(&self) -> Result<(), TrainError> {
        let path = self.folder.model();
        let wrong = |source| TrainError::write(&path, source);
        let output = OutputFolder::beside(&path).map_err(wrong)?;
        self.write_model(output.path())?;
        output.commit().map_err(wrong)
    }

    fn write_model(&self, folder: &Path) -> Result<(), TrainError> {
        self.training
            .task()
            .save(folder, self.training.model(), &self.source)?;
        Ok(self.tokenizer.save(folder)?)
    }

    pub(super) fn save_checkpoint(&mut self) -> Result<PathBuf, TrainError> {
        let log_path = self.folder.log();
        // The log must be on the disk before a checkpoint that counts on it.
        self.progress.log_bytes = self
            .log
            .sync()
            .map_err(|source| TrainError::write(&log_path, source))?;
        self.progress.run_seconds = self.run_seconds();
        let state = RunState {
            progress: self.progress.clone(),
            config: self.config.clone(),
            fingerprints: self.data.fingerprints.clone(),
            device: self.device.to_string(),
        };
        let path = self.checkpoints.save(&state, |folder| {
            self.write_model(folder)?;
            optimizer_file::write(folder, self.training.optimizer())
        })?;
        self.observer.observe(&Event::Checkpoint { path: &path });
        self.last_checkpoint = Some(path.clone());
        Ok(path)
    }
}
