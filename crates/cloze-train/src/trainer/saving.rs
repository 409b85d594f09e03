//! What a run writes besides its log.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cloze_core::output::OutputFolder;
use cloze_model::checkpoint::{Checkpoint, GENERATION_CONFIG};
use cloze_tasks::metrics::Evaluation;
use cloze_tasks::{Evaluator, Task};

use super::Trainer;
use crate::error::TrainError;
use crate::events::{Event, SplitName};
use crate::optimizer_file;
use crate::results::PredictionsFile;
use crate::state::RunState;

/// Epochs of a head on kept features may take less time than the whole model takes to be written.
const BETWEEN_CHECKPOINTS_OF_A_HEAD: Duration = Duration::from_secs(30);

impl<T: Task + Clone> Trainer<'_, T> {
    /// The best model on the test rows, and what it says about each; `None` if asked to stop.
    pub(super) fn test(&mut self) -> Result<Option<Evaluation>, TrainError> {
        if self.data.test.examples.is_empty() {
            return Ok(Some(Evaluation::default()));
        }
        let best = Checkpoint::open(&self.folder.model())?;
        let task = self.training.task().as_saved(&best)?;
        let (model, _) = task.load(&best, self.config.seed, self.device.device())?;
        let split = self.data.test.clone();
        // What is said of the windows of a long row is one prediction.
        let mut origins = split.row_origins();
        let mut file = match split.origins.is_empty() {
            true => None,
            false => Some(PredictionsFile::beside(self.folder.test_predictions())?),
        };
        let mut write = |prediction| match (&mut file, origins.next()) {
            (Some(file), Some(origin)) => file.write(&origin?, &prediction),
            _ => Ok(()),
        };
        let evaluator = self.evaluate(&task, &model, SplitName::Test, Some(&mut write))?;
        let Some(evaluator) = evaluator else {
            return Ok(None);
        };
        let evaluation = evaluator.evaluation();
        self.observer.observe(&Event::Test {
            evaluation: &evaluation,
        });
        if let Some(file) = file {
            file.finish()?;
        }
        Ok(Some(evaluation))
    }

    /// Whether an epoch that has just ended gets a checkpoint.
    pub(super) fn is_checkpoint_due(&self) -> bool {
        self.features.is_none()
            || self.is_over()
            || self.saved_at.elapsed() > BETWEEN_CHECKPOINTS_OF_A_HEAD
    }

    /// Puts the best model into `model/`, in one step, if it is not there yet. How it is to write
    /// texts, which somebody may have said meanwhile, stays.
    pub(super) fn save_best(&mut self) -> Result<(), TrainError> {
        let Some((model, task)) = self.unsaved_best.take() else {
            return Ok(());
        };
        let path = self.folder.model();
        let wrong = |source| TrainError::write(&path, source);
        let output = OutputFolder::beside(&path).map_err(wrong)?;
        self.write_model(output.path(), &model, &task)?;
        let settings = path.join(GENERATION_CONFIG);
        if settings.exists() {
            fs::copy(settings, output.path().join(GENERATION_CONFIG)).map_err(wrong)?;
        }
        output.commit().map_err(wrong)
    }

    fn write_model(&self, folder: &Path, model: &T::Model, task: &T) -> Result<(), TrainError> {
        task.save(folder, model, &self.source)?;
        Ok(self.tokenizer.save(folder)?)
    }

    /// Writes where the run stands, and the best model before it, which belongs to it.
    pub(super) fn save_checkpoint(&mut self) -> Result<PathBuf, TrainError> {
        self.save_best()?;
        // The log must be on the disk before a checkpoint that counts on it.
        self.records.sync(&mut self.progress)?;
        self.progress.run_seconds = self.run_seconds();
        let state = RunState {
            progress: self.progress.clone(),
            config: self.config.clone(),
            fingerprints: self.data.fingerprints.clone(),
            device: self.device.to_string(),
        };
        let path = self.checkpoints.save(&state, |folder| {
            self.write_model(folder, self.training.model(), self.training.task())?;
            optimizer_file::write(folder, self.training.optimizer(), self.training.ema())
        })?;
        self.observer.observe(&Event::Checkpoint { path: &path });
        self.last_checkpoint = Some(path.clone());
        self.saved_at = Instant::now();
        Ok(path)
    }
}
