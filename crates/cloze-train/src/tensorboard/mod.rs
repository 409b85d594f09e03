//! Event files of TensorBoard: what the log says, as scalars by step.
//!
//! A file is a sequence of TFRecords, each an `Event` of TensorFlow's `event.proto`. Everything of a
//! run is in one file, which a resumed run cuts back to its checkpoint and goes on with, so that
//! no point is there twice.

mod event;
mod record;

use std::fs;
use std::io;
use std::path::Path;

use crate::appended_file::AppendedFile;
use crate::log::LogLine;

/// The file's name; TensorBoard looks for `tfevents` in it.
pub(crate) const FILE: &str = "events.out.tfevents.cloze";

/// An event file, open for appending.
#[derive(Debug)]
pub(crate) struct EventFile(AppendedFile);

impl EventFile {
    /// Opens the file in `folder`, which is made if it is not there, and cuts it back to its first
    /// `length` bytes. `now` is the time in seconds since 1970.
    pub(crate) fn open(folder: &Path, length: u64, now: f64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut file = AppendedFile::open(&folder.join(FILE), length)?;
        if file.length() == 0 {
            file.append(&record::framed(&event::version(now)))?;
        }
        Ok(Self(file))
    }

    /// Whether the file in `folder` has the `length` bytes that a checkpoint counts on.
    pub(crate) fn is_whole(folder: &Path, length: u64) -> bool {
        let found = fs::metadata(folder.join(FILE)).map_or(0, |file| file.len());
        found >= length
    }

    /// Appends what a line of the log says, if it says a number.
    pub(crate) fn append(&mut self, line: &LogLine, now: f64) -> io::Result<()> {
        let (step, scalars) = scalars(line);
        if scalars.is_empty() {
            return Ok(());
        }
        let event = event::scalars(now, step, &scalars);
        self.0.append(&record::framed(&event))
    }

    /// Brings the file to the disk and returns its length in bytes.
    pub(crate) fn sync(&mut self) -> io::Result<u64> {
        self.0.sync()
    }
}

/// The step of a line and its numbers, by tag.
fn scalars(line: &LogLine) -> (u64, Vec<(String, f64)>) {
    match line {
        LogLine::Step {
            step,
            loss,
            parts,
            learning_rate,
            gradient_norm,
            tokens,
            seconds,
            ..
        } => {
            let mut scalars = vec![("train/loss".to_owned(), *loss)];
            let part = |(name, value): (&str, f64)| (format!("train/{name}"), value);
            scalars.extend(parts.iter().map(part));
            scalars.push(("train/learning_rate".into(), *learning_rate));
            scalars.push(("train/gradient_norm".into(), *gradient_norm));
            if *tokens > 0 && *seconds > 0.0 {
                let speed = *tokens as f64 / seconds;
                scalars.push(("train/tokens_per_second".into(), speed));
            }
            (*step, scalars)
        }
        LogLine::Epoch(record) => {
            let mut scalars = vec![("train/epoch_loss".to_owned(), record.train_loss)];
            scalars.extend(validation(&record.validation));
            (record.step, scalars)
        }
        LogLine::Start {
            validation: metrics,
        } => (0, validation(metrics).collect()),
        _ => (0, Vec::new()),
    }
}

fn validation(metrics: &cloze_tasks::metrics::Metrics) -> impl Iterator<Item = (String, f64)> {
    let tagged = |(name, value): (&str, f64)| (format!("validation/{name}"), value);
    metrics.iter().map(tagged).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use cloze_tasks::metrics::Metrics;

    use super::*;
    use crate::log::EpochRecord;

    fn metrics(values: &[(&'static str, f64)]) -> Metrics {
        let mut metrics = Metrics::new();
        for (name, value) in values {
            metrics.set(*name, *value);
        }
        metrics
    }

    fn lines() -> [LogLine; 4] {
        [
            LogLine::Start {
                validation: metrics(&[("loss", 0.75)]),
            },
            LogLine::Step {
                step: 1,
                epoch: 0.5,
                loss: 0.5,
                parts: metrics(&[("masked_loss", 0.25)]),
                learning_rate: 2e-5,
                gradient_norm: 1.5,
                tokens: 300,
                seconds: 0.25,
            },
            LogLine::Resume { step: 1 },
            LogLine::Epoch(EpochRecord {
                epoch: 1,
                step: 300,
                train_loss: 0.0,
                validation: metrics(&[("accuracy", 0.9), ("loss", -0.125)]),
                best: true,
                data_wait_seconds: 0.0,
                seconds: 1.0,
            }),
        ]
    }

    /// `tools/reference/tensorboard_events.py` has TensorBoard's own classes write these events.
    #[test]
    fn the_file_is_that_of_tensorboard_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let mut events = EventFile::open(folder.path(), 0, 1000.5).unwrap();
        for (number, line) in lines().iter().enumerate() {
            events.append(line, 1001.5 + number as f64).unwrap();
        }
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/tensorboard.bin");
        let written = fs::read(folder.path().join(FILE)).unwrap();
        assert_eq!(written, fs::read(golden).unwrap());
    }

    #[test]
    fn a_reopened_file_has_no_point_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tensorboard");
        let [start, step, ..] = lines();
        let mut events = EventFile::open(&path, 0, 1.0).unwrap();
        events.append(&start, 2.0).unwrap();
        let length = events.sync().unwrap();
        events.append(&step, 3.0).unwrap();
        let whole = fs::read(path.join(FILE)).unwrap();
        let mut events = EventFile::open(&path, length, 9.0).unwrap();
        events.append(&step, 3.0).unwrap();
        assert_eq!(fs::read(path.join(FILE)).unwrap(), whole);
        assert!(EventFile::open(&path, 10_000, 9.0).is_err());
    }
}
