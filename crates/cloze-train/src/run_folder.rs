//! What lies where in a run's folder.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cloze_core::output::{remove_leftovers, write_file};
use cloze_model::device::ComputeDevice;
use cloze_platform::threads;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::RunConfig;
use crate::error::TrainError;
use crate::parameter_groups::ParameterGroup;
use crate::state::Fingerprints;

/// The paths of a run's folder:
///
/// | | |
/// |---|---|
/// | `config.toml` | the configuration with every default filled in; trains the same model again |
/// | `run.json` | version, device, seed, fingerprints of data and tokenizer, learning rates |
/// | `splits.json` | row numbers of every split, from 0, where each example is a row |
/// | `log.jsonl` | every step and epoch |
/// | `curves.svg`, `curves.png` | loss, learning rate and validation metrics over the steps |
/// | `tensorboard/` | the same for TensorBoard, where it is wanted |
/// | `checkpoints/` | where to resume |
/// | `model/` | the best model, for `transformers` and cloze |
/// | `metrics.json` | what the run came to |
/// | `predictions-test.jsonl` | what the best model says about each test row, where each example is one |
#[derive(Clone, Debug)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// The paths below `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// `config.toml`.
    pub fn config(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// `run.json`.
    pub fn run(&self) -> PathBuf {
        self.0.join("run.json")
    }

    /// `splits.json`.
    pub fn splits(&self) -> PathBuf {
        self.0.join("splits.json")
    }

    /// `log.jsonl`.
    pub fn log(&self) -> PathBuf {
        self.0.join("log.jsonl")
    }

    /// `curves.svg` or `curves.png`.
    pub fn curves(&self, extension: &str) -> PathBuf {
        self.0.join(format!("curves.{extension}"))
    }

    /// `tensorboard/`.
    pub fn tensorboard(&self) -> PathBuf {
        self.0.join("tensorboard")
    }

    /// `checkpoints/`.
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoints")
    }

    /// `model/`.
    pub fn model(&self) -> PathBuf {
        self.0.join("model")
    }

    /// `metrics.json`.
    pub fn metrics(&self) -> PathBuf {
        self.0.join("metrics.json")
    }

    /// `predictions-test.jsonl`.
    pub fn test_predictions(&self) -> PathBuf {
        self.0.join("predictions-test.jsonl")
    }

    /// Refuses a folder that holds anything already.
    pub(crate) fn refuse_unless_empty(&self) -> Result<(), TrainError> {
        let empty = match fs::read_dir(&self.0) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(TrainError::read(&self.0, error)),
        };
        if empty {
            return Ok(());
        }
        Err(TrainError::OutputExists {
            path: self.0.clone(),
            resumable: self.config().exists(),
        })
    }

    /// Makes the folder, and removes what a killed process left half-written in it.
    pub(crate) fn create(&self) -> Result<(), TrainError> {
        let create = || {
            fs::create_dir_all(&self.0)?;
            remove_leftovers(&self.0)
        };
        create().map_err(|source| TrainError::write(&self.0, source))
    }

    pub(crate) fn write_json(&self, path: &Path, value: &impl Serialize) -> Result<(), TrainError> {
        let write = |out: &mut dyn Write| {
            serde_json::to_writer_pretty(&mut *out, value)?;
            out.write_all(b"\n")
        };
        write_file(path, write).map_err(|source| TrainError::write(path, source))
    }

    /// Writes what is known before the first step; `config.toml` last, as it makes the folder a
    /// run that can be resumed.
    pub(crate) fn describe(
        &self,
        config: &RunConfig,
        facts: &RunFacts<'_>,
        splits: &Splits<'_>,
    ) -> Result<(), TrainError> {
        self.write_json(&self.splits(), splits)?;
        let description = RunDescription::new(config, facts);
        self.write_json(&self.run(), &description)?;
        let path = self.config();
        write_file(&path, |out| out.write_all(config.to_toml().as_bytes()))
            .map_err(|source| TrainError::write(&path, source))
    }
}

/// What `run.json` says that the configuration does not.
pub(crate) struct RunFacts<'a> {
    pub(crate) device: &'a ComputeDevice,
    pub(crate) fingerprints: &'a Fingerprints,
    pub(crate) parameter_groups: &'a [ParameterGroup],
}

/// `splits.json`.
#[derive(Debug, Serialize)]
pub(crate) struct Splits<'a> {
    /// Row numbers; absent where examples come from no single row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) train: Option<Vec<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) validation: Option<Vec<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) test: Option<Vec<usize>>,
    /// The file of each split's rows.
    pub(crate) files: BTreeMap<&'static str, &'a Path>,
}

#[derive(Debug, Serialize)]
struct RunDescription<'a> {
    cloze: &'static str,
    platform: String,
    device: String,
    threads: usize,
    seed: u64,
    started: String,
    fingerprints: &'a Fingerprints,
    parameter_groups: &'a [ParameterGroup],
}

impl<'a> RunDescription<'a> {
    fn new(config: &RunConfig, facts: &RunFacts<'a>) -> Self {
        Self {
            cloze: env!("CARGO_PKG_VERSION"),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            device: facts.device.to_string(),
            threads: threads::worthwhile().get(),
            seed: config.seed,
            started: OffsetDateTime::now_utc()
                .format(&Rfc3339)
                .unwrap_or_default(),
            fingerprints: facts.fingerprints,
            parameter_groups: facts.parameter_groups,
        }
    }
}

/// The most memory that this process has held, where the system tells.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_in_it_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        run.refuse_unless_empty().unwrap();
        RunFolder::new(folder.path().join("new"))
            .refuse_unless_empty()
            .unwrap();
        fs::write(run.config(), "seed = 1").unwrap();
        let message = run.refuse_unless_empty().unwrap_err().to_string();
        let place = folder.path().display();
        assert_eq!(
            message,
            format!(
                "{place} holds a run already: choose another `output`, or go on with it by `cloze train --resume {place}`"
            )
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_peak_is_at_least_what_is_held() {
        let held = vec![1_u8; 32 << 20];
        assert!(peak_memory().unwrap() > held.len() as u64);
    }
}
