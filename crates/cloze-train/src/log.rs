//! `log.jsonl`: one line a step, an epoch and a resume, and one each for the features of a frozen
//! encoder and an evaluation before the first step.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use cloze_tasks::metrics::Metrics;
use serde::{Deserialize, Serialize};

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
pub(crate) struct Log {
    file: BufWriter<File>,
    length: u64,
}

impl Log {
    /// Opens the log and cuts it back to its first `length` bytes.
    pub(crate) fn open(path: &Path, length: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        if file.metadata()?.len() < length {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!(
                    "{} is shorter than when the checkpoint was saved",
                    path.display()
                ),
            ));
        }
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        Ok(Self {
            file: BufWriter::new(file),
            length,
        })
    }

    /// Appends a line; it reaches the file at once, so that others can follow.
    pub(crate) fn append(&mut self, line: &LogLine) -> io::Result<()> {
        let mut text = serde_json::to_string(line).map_err(io::Error::other)?;
        text.push('\n');
        self.file.write_all(text.as_bytes())?;
        self.file.flush()?;
        self.length += text.len() as u64;
        Ok(())
    }

    /// Brings the log to the disk and returns its length in bytes.
    pub(crate) fn sync(&mut self) -> io::Result<u64> {
        self.file.flush()?;
        self.file.get_ref().sync_data()?;
        Ok(self.length)
    }
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
