//! What a run with a frozen encoder does before its first step.

use std::time::Instant;

use cloze_tasks::{FrozenFeatures, Task};

use super::{Flow, Trainer};
use crate::data::TOKENIZER;
use crate::error::TrainError;
use crate::events::Event;
use crate::features::{Keep, Obtained, Wanted, obtain};
use crate::log::{FeatureRecord, LogLine};

impl<T: Task + Clone> Trainer<'_, T> {
    /// Computes or finds the features of all rows, if the encoder is frozen, they are to be kept
    /// and the rows are in memory.
    pub(super) fn obtain_features(&mut self) -> Result<Flow, TrainError> {
        let start = Instant::now();
        let Some(obtained) = self.obtain()? else {
            return Ok(Flow::Continue);
        };
        let seconds = start.elapsed().as_secs_f64();
        self.progress.feature_seconds += seconds;
        self.progress.tokens += obtained.tokens as u64;
        let Some(features) = obtained.features else {
            return Ok(Flow::Stop);
        };
        let first = self.progress.features.is_none();
        let record = FeatureRecord {
            features: features.kind().name().into(),
            texts: self
                .data
                .all()
                .map(|split| split.examples.len())
                .iter()
                .sum(),
            cached: obtained.tokens == 0,
            // With the time of computations that were stopped.
            seconds: if first {
                self.progress.feature_seconds
            } else {
                seconds
            },
        };
        self.features = Some(features);
        self.observer.observe(&Event::Features {
            record: &record,
            path: obtained.path.as_deref(),
        });
        // Once a run, so that the log of a resumed one is that of the run that was never stopped.
        if first {
            self.progress.features = Some(record.clone());
            self.append(&LogLine::Features(record))?;
        }
        Ok(Flow::Continue)
    }

    /// `None` where no features are kept.
    fn obtain(&mut self) -> Result<Option<Obtained<T::Features>>, TrainError> {
        let folder = match &self.keep {
            Keep::Nothing => return Ok(None),
            Keep::InMemory => None,
            Keep::In(folder) => Some(folder.as_path()),
        };
        let task = self.training.task();
        let kind = task.frozen_features(self.training.model());
        let (Some(kind), Some(splits)) = (kind, self.data.in_memory()) else {
            return Ok(None);
        };
        let wanted = Wanted {
            task,
            model: &self.training.evaluation_model(),
            config: self.source.encoder_config(),
            tokenizer: self
                .data
                .fingerprints
                .get(TOKENIZER)
                .map_or("", String::as_str),
            device: &self.device.to_string(),
            splits,
            kind,
        };
        Ok(Some(obtain(&wanted, folder, self.observer, self.stop)?))
    }
}
