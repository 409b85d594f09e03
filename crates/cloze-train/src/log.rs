//! `log.jsonl`: one line a step, an epoch and a resume, and one each for the features of a frozen
//! encoder, an evaluation before the first step, and an end before the last epoch.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use cloze_tasks::metrics::Metrics;
use serde::{Deserialize, Serialize};

use crate::appended_file::AppendedFile;

/// A line of the log. Fields whose names end in `seconds` or `_per_second` are timings; all others
/// of a resumed run are those of the run that was never stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LogLine {
    /// After an optimizer step.
    Step {
        /// Optimizer steps so far.
        step: u64,
        /// Epochs so far, the current one as a fraction.
        epoch: f64,
        /// Mean loss of the step's examples.
        loss: f64,
        /// The losses that it is the sum of, where a task adds several.
        #[serde(default, skip_serializing_if = "Metrics::is_empty")]
        parts: Metrics,
        /// The rate that the step was taken with.
        learning_rate: f64,
        /// Norm of all gradients together, before clipping.
        gradient_norm: f64,
        /// Tokens that the step has read: none where kept features took their place.
        tokens: usize,
        /// Wall time of the step.
        seconds: f64,
    },
    /// After an epoch and its validation.
    Epoch(EpochRecord),
    /// After the epoch that is the last one because validation no longer got better.
    EarlyStop {
        /// Optimizer steps so far.
        step: u64,
        /// The metric that was to improve.
        metric: String,
        /// Its best value that counted as an improvement; absent if there was none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        best: Option<f64>,
        /// Evaluations since then.
        evaluations: u64,
    },
    /// Once the features of a frozen encoder are there.
    Features(FeatureRecord),
    /// Before the first step, where the model is evaluated there.
    Start {
        /// Metrics on the validation rows.
        validation: Metrics,
    },
    /// Where a resumed run goes on.
    Resume {
        /// Optimizer steps of the checkpoint.
        step: u64,
    },
}

/// What one epoch came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Number of the epoch, from 1.
    pub epoch: u64,
    /// Optimizer steps so far.
    pub step: u64,
    /// Mean training loss over the epoch's examples.
    pub train_loss: f64,
    /// Metrics on the validation rows; empty where there are none.
    pub validation: Metrics,
    /// Whether this epoch's model is the best so far.
    pub best: bool,
    /// Wall time of the epoch's training steps.
    pub seconds: f64,
    /// The part of it in which they waited for batches that were not yet read.
    #[serde(default)]
    pub data_wait_seconds: f64,
}

/// How a run came by the features of its frozen encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureRecord {
    /// What is kept of a text: `pooled`, `cls`, `mean`.
    pub features: String,
    /// Texts of all splits.
    pub texts: usize,
    /// Whether a file had them all, so that the encoder did not run.
    pub cached: bool,
    /// Wall time of computing or finding them, before a stop too.
    pub seconds: f64,
}

/// The log file, open for appending.
#[derive(Debug)]
pub(crate) struct Log(AppendedFile);

impl Log {
    /// Opens the log and cuts it back to its first `length` bytes.
    pub(crate) fn open(path: &Path, length: u64) -> io::Result<Self> {
        Ok(Self(AppendedFile::open(path, length)?))
    }

    /// Appends a line; it reaches the file at once, so that others can follow. Returns the line as
    /// it is read back: the last digit of a number may be another.
    pub(crate) fn append(&mut self, line: &LogLine) -> io::Result<LogLine> {
        let mut text = serde_json::to_string(line).map_err(io::Error::other)?;
        text.push('\n');
        self.0.append(text.as_bytes())?;
        parse(&text)
    }

    /// Brings the log to the disk and returns its length in bytes.
    pub(crate) fn sync(&mut self) -> io::Result<u64> {
        self.0.sync()
    }
}

/// The lines of the log so far; none if there is no log.
pub(crate) fn read_lines(path: &Path) -> io::Result<Vec<LogLine>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let lines = BufReader::new(file).lines();
    lines.map(|text| parse(&text?)).collect()
}

fn parse(text: &str) -> io::Result<LogLine> {
    serde_json::from_str(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resume(step: u64) -> LogLine {
        LogLine::Resume { step }
    }

    #[test]
    fn a_reopened_log_forgets_what_came_after_the_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut log = Log::open(&path, 0).unwrap();
        log.append(&resume(1)).unwrap();
        let length = log.sync().unwrap();
        log.append(&resume(2)).unwrap();
        drop(log);
        let mut log = Log::open(&path, length).unwrap();
        log.append(&resume(3)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "{\"event\":\"resume\",\"step\":1}\n{\"event\":\"resume\",\"step\":3}\n"
        );
        assert!(Log::open(&path, 1000).is_err());
    }
}
