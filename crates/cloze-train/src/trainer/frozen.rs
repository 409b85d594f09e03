//! What a run with a frozen encoder does before its first step.

use std::sync::Arc;
use std::time::Instant;

use cloze_tasks::{ExampleSource, FrozenFeatures, Task, TaskError};

use super::{Flow, Trainer};
use crate::data::TOKENIZER;
use crate::error::TrainError;
use crate::events::{Event, Warning};
use crate::features::{Keep, Obtained, Wanted, obtain};
use crate::log::{FeatureRecord, LogLine};

/// The most bytes of features that are kept: they are computed in memory, and where every token has
/// its own there may be very many.
const MOST_BYTES: usize = 2 << 30;

impl<T: Task + Clone> Trainer<'_, T> {
    /// Computes or finds the features of all rows, if the encoder is frozen, they are to be kept,
    /// there are not too many of them and they are the same in every epoch.
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
        self.features = Some(Arc::new(features));
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
        let is_fixed = self
            .data
            .all()
            .iter()
            .all(|split| split.examples.is_fixed() || split.examples.is_empty());
        let Some(kind) = kind.filter(|_| is_fixed) else {
            return Ok(None);
        };
        let width = self.source.encoder_config().hidden_size;
        let splits = self.data.all().map(|split| &*split.examples);
        let bytes = bytes(splits, kind, width)?;
        if bytes > MOST_BYTES {
            let warning = Warning::FeaturesTooLarge { bytes };
            self.observer.observe(&Event::Warning(warning));
            return Ok(None);
        }
        // All rows are compared with one another, and their features are in memory, too.
        let splits = self.data.in_memory()?;
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
            splits: [&splits[0], &splits[1], &splits[2]],
            kind,
        };
        Ok(Some(obtain(&wanted, folder, self.observer, self.stop)?))
    }
}

/// What the features of all examples take.
fn bytes<T: Clone, F: FrozenFeatures>(
    splits: [&dyn ExampleSource<T>; 3],
    kind: F,
    width: usize,
) -> Result<usize, TaskError> {
    let mut rows = 0;
    for examples in splits {
        for index in 0..examples.len() {
            rows += kind.rows(examples.tokens(index, 0)?);
        }
    }
    Ok(rows * width * size_of::<f32>())
}

#[cfg(test)]
mod tests {
    use cloze_data::reports::ExampleFacts;
    use cloze_model::Features;
    use cloze_tasks::Example;
    use cloze_tasks::token_classification::LastHiddenState;

    use super::*;

    #[test]
    fn a_text_has_one_row_of_features_or_one_for_every_token() {
        let example = |tokens: usize| Example {
            ids: vec![7; tokens],
            type_ids: vec![0; tokens],
            windows: Vec::new(),
            target: (),
            row: 0,
            facts: ExampleFacts {
                label: None,
                length: tokens,
                tokens,
                unknown: 0,
            },
        };
        let (train, test) = (vec![example(5), example(3)], vec![example(4)]);
        let none = Vec::new();
        let splits: [&dyn ExampleSource<()>; 3] = [&train, &none, &test];
        assert_eq!(bytes(splits, Features::Cls, 16).unwrap(), 3 * 16 * 4);
        assert_eq!(bytes(splits, LastHiddenState, 16).unwrap(), 12 * 16 * 4);
    }
}
