//! `metrics.json` and the predictions on the test rows.

use std::io::{self, Write};
use std::path::PathBuf;

use cloze_core::output::OutputFile;
use cloze_data::readers::Value as RowId;
use cloze_tasks::metrics::{Evaluation, Metrics};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::data::RowOrigin;
use crate::error::TrainError;
use crate::log::EpochRecord;
use crate::run_folder::{RunFolder, peak_memory};
use crate::state::Progress;

/// What a run came to; the content of `metrics.json`.
#[derive(Clone, Debug)]
pub struct RunResults {
    /// Metrics on the validation rows before the first step, where they were wanted.
    pub before: Option<Metrics>,
    /// The best epoch's metrics on the validation rows.
    pub validation: Option<Evaluation>,
    /// The best model's metrics on the test rows.
    pub test: Option<Evaluation>,
    /// Number of the best epoch, from 1; the last one where there are no validation rows.
    pub best_epoch: u64,
    /// Every epoch.
    pub history: Vec<EpochRecord>,
    /// Wall time of all training steps together, and of the features of a frozen encoder.
    pub train_seconds: f64,
    /// The part of the steps' time in which they waited for batches that were not yet read.
    pub data_wait_seconds: f64,
    /// The part of the training time that the features of a frozen encoder took, where they were kept.
    pub feature_seconds: Option<f64>,
    /// Tokens that a second of training steps has read; where features were kept, a second of
    /// computing them. `None` if a file had them all, so that no token was read.
    pub tokens_per_second: Option<f64>,
    /// Wall time of the run, with validation, test, and writing; without the time between a stop
    /// and a resume.
    pub run_seconds: f64,
    /// The most memory that the process has held, where the system tells.
    pub peak_memory_bytes: Option<u64>,
}

impl RunResults {
    fn to_json(&self) -> Value {
        let splits = [("validation", &self.validation), ("test", &self.test)];
        let splits: Vec<(&str, &Evaluation)> = splits
            .into_iter()
            .filter_map(|(name, split)| Some((name, split.as_ref()?)))
            .collect();
        let metrics = |metrics: &Metrics| {
            let items = metrics
                .iter()
                .map(|(name, value)| (name.to_owned(), json!(value)));
            Value::Object(items.collect())
        };
        let mut json = Map::new();
        for (name, split) in &splits {
            json.insert((*name).into(), metrics(&split.metrics));
        }
        if let Some(before) = &self.before {
            json.insert("before".into(), metrics(before));
        }
        json.insert("train_seconds".into(), json!(self.train_seconds));
        json.insert("data_wait_seconds".into(), json!(self.data_wait_seconds));
        if let Some(seconds) = self.feature_seconds {
            json.insert("feature_seconds".into(), json!(seconds));
        }
        json.insert("tokens_per_second".into(), json!(self.tokens_per_second));
        json.insert("peak_memory_bytes".into(), json!(self.peak_memory_bytes));
        json.insert("run_seconds".into(), json!(self.run_seconds));
        json.insert("best_epoch".into(), json!(self.best_epoch));
        json.insert("epochs".into(), json!(self.history));
        for (name, split) in &splits {
            for table in &split.tables {
                let tables = json.entry(table.name.clone()).or_insert_with(|| json!({}));
                if let Value::Object(tables) = tables {
                    tables.insert((*name).into(), table.to_json());
                }
            }
        }
        Value::Object(json)
    }
}

/// Writes `metrics.json`; an evaluation without metrics is one of no rows.
pub(crate) fn write(
    folder: &RunFolder,
    progress: &Progress,
    test: Evaluation,
) -> Result<RunResults, TrainError> {
    let some =
        |evaluation: &Evaluation| (evaluation.metrics.iter().len() > 0).then(|| evaluation.clone());
    let best = progress.best.as_ref();
    let feature_seconds = progress.features.as_ref().map(|_| progress.feature_seconds);
    let reading_seconds = feature_seconds.unwrap_or(progress.step_seconds);
    let results = RunResults {
        before: progress.before.clone(),
        validation: best.and_then(|best| some(&best.evaluation)),
        test: some(&test),
        best_epoch: best.map_or(progress.epoch, |best| best.epoch),
        history: progress.history.clone(),
        train_seconds: progress.step_seconds + progress.feature_seconds,
        data_wait_seconds: progress.data_wait_seconds,
        feature_seconds,
        tokens_per_second: (progress.tokens > 0)
            .then(|| progress.tokens as f64 / reading_seconds.max(f64::MIN_POSITIVE)),
        run_seconds: progress.run_seconds,
        peak_memory_bytes: peak_memory(),
    };
    folder.write_json(&folder.metrics(), &results.to_json())?;
    Ok(results)
}

#[derive(Serialize)]
struct PredictionLine<'a, P> {
    row: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RowId>,
    #[serde(flatten)]
    prediction: P,
}

/// The file of predictions in the making: a line for each row, as they come. It is in its place when
/// it is [finished](Self::finish), and otherwise leaves nothing behind.
pub(crate) struct PredictionsFile {
    file: OutputFile,
    path: PathBuf,
}

impl PredictionsFile {
    pub(crate) fn beside(path: PathBuf) -> Result<Self, TrainError> {
        match OutputFile::beside(&path) {
            Ok(file) => Ok(Self { file, path }),
            Err(source) => Err(TrainError::write(&path, source)),
        }
    }

    pub(crate) fn write(
        &mut self,
        origin: &RowOrigin,
        prediction: &impl Serialize,
    ) -> Result<(), TrainError> {
        let line = PredictionLine {
            row: origin.row,
            id: origin.id.as_ref(),
            prediction,
        };
        serde_json::to_writer(&mut self.file, &line)
            .map_err(io::Error::from)
            .and_then(|()| self.file.write_all(b"\n"))
            .map_err(|source| TrainError::write(&self.path, source))
    }

    pub(crate) fn finish(self) -> Result<(), TrainError> {
        let Self { file, path } = self;
        file.commit()
            .map_err(|source| TrainError::write(&path, source))
    }
}
