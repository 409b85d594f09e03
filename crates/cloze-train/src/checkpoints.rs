//! Checkpoints to resume from. Each is a folder `checkpoints/step-00000120`: a Hugging Face model
//! folder, `optimizer.safetensors`, `ema.safetensors` where weights are averaged, `run_state.json`, and `manifest.json` with the hash of every
//! other file. It is made beside its place and renamed, so it is there whole or not at all; what a
//! disk or a user damages later is noticed by the hashes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cloze_core::output::{OutputFolder, remove_leftovers};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::exact_json;
use crate::state::RunState;

const PREFIX: &str = "step-";
const MANIFEST: &str = "manifest.json";
const STATE: &str = "run_state.json";
pub(crate) const OPTIMIZER: &str = "optimizer.safetensors";
pub(crate) const EMA: &str = "ema.safetensors";

/// Files of a checkpoint with their hashes.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Manifest {
    files: BTreeMap<String, FileHash>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct FileHash {
    bytes: u64,
    blake3: String,
}

/// A checkpoint that is there but cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Its folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// A checkpoint whose every file has the right hash.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) state: RunState,
}

/// The checkpoints of a run.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    folder: PathBuf,
    keep: usize,
}

impl Checkpoints {
    /// The checkpoints in `folder`, of which the newest `keep` stay.
    pub(crate) fn new(folder: PathBuf, keep: usize) -> Self {
        Self { folder, keep }
    }

    /// Saves a checkpoint: `write` puts model and optimizer into the folder it is given. Older
    /// checkpoints than the newest `keep` are removed afterwards.
    pub(crate) fn save(
        &self,
        state: &RunState,
        write: impl FnOnce(&Path) -> Result<(), TrainError>,
    ) -> Result<PathBuf, TrainError> {
        let path = self
            .folder
            .join(format!("{PREFIX}{:08}", state.progress.step));
        let wrong = |source| TrainError::write(&path, source);
        let output = OutputFolder::beside(&path).map_err(wrong)?;
        write(output.path())?;
        let finish = || {
            fs::write(output.path().join(STATE), exact_json::to_vec(state)?)?;
            write_manifest(output.path())?;
            output.commit()?;
            self.remove_old()
        };
        finish().map_err(wrong)?;
        Ok(path)
    }

    /// The newest checkpoint that is whole, and newer ones that are not.
    pub(crate) fn newest(&self) -> io::Result<(Option<Found>, Vec<Damaged>)> {
        let mut damaged = Vec::new();
        for path in self.list()?.into_iter().rev() {
            match open(&path) {
                Ok(state) => return Ok((Some(Found { path, state }), damaged)),
                Err(reason) => damaged.push(Damaged { path, reason }),
            }
        }
        Ok((None, damaged))
    }

    /// Removes what a killed process left, and checkpoints that cannot be used.
    pub(crate) fn clean(&self, damaged: &[Damaged]) -> io::Result<()> {
        if self.folder.exists() {
            remove_leftovers(&self.folder)?;
        }
        damaged
            .iter()
            .try_for_each(|checkpoint| fs::remove_dir_all(&checkpoint.path))
    }

    /// Checkpoint folders, oldest first.
    fn list(&self) -> io::Result<Vec<PathBuf>> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let mut found: Vec<(u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            let step = name
                .as_deref()
                .and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
            found.extend(step.map(|step| (step, path)));
        }
        found.sort();
        Ok(found.into_iter().map(|(_, path)| path).collect())
    }

    fn remove_old(&self) -> io::Result<()> {
        let all = self.list()?;
        let old = all.len().saturating_sub(self.keep.max(1));
        all[..old].iter().try_for_each(fs::remove_dir_all)
    }
}

fn hash(path: &Path) -> io::Result<FileHash> {
    let mut hasher = blake3::Hasher::new();
    let bytes = io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(FileHash {
        bytes,
        blake3: hasher.finalize().to_hex().to_string(),
    })
}

fn write_manifest(folder: &Path) -> io::Result<()> {
    let mut manifest = Manifest::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        manifest.files.insert(name, hash(&entry.path())?);
    }
    let mut file = File::create(folder.join(MANIFEST))?;
    serde_json::to_writer_pretty(&mut file, &manifest)?;
    file.write_all(b"\n")
}

/// The state in a checkpoint, or what is wrong with it.
fn open(folder: &Path) -> Result<RunState, String> {
    let unreadable = |name: &str, error: &dyn std::fmt::Display| format!("{name}: {error}");
    let read = |name: &str| fs::read(folder.join(name)).map_err(|error| unreadable(name, &error));
    let manifest: Manifest =
        serde_json::from_slice(&read(MANIFEST)?).map_err(|error| unreadable(MANIFEST, &error))?;
    for (name, wanted) in &manifest.files {
        let found = hash(&folder.join(name)).map_err(|error| unreadable(name, &error))?;
        if found.bytes != wanted.bytes {
            return Err(format!(
                "{name} has {} bytes instead of {}",
                found.bytes, wanted.bytes
            ));
        }
        if found != *wanted {
            return Err(format!("{name} is not what was written: its hash differs"));
        }
    }
    if !manifest.files.contains_key(STATE) {
        return Err(format!("{MANIFEST} does not name {STATE}"));
    }
    exact_json::from_slice(&read(STATE)?).map_err(|error| unreadable(STATE, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunConfig;
    use crate::state::{Fingerprints, Progress};

    fn state(step: u64) -> RunState {
        let text = "task = \"text-classification\"\noutput = \"o\"\n\
                    [model]\npath = \"m\"\n[data]\ntrain = \"t.csv\"\n";
        RunState {
            progress: Progress {
                step,
                loss_sum: 0.1 + 0.2,
                ..Progress::default()
            },
            config: RunConfig::parse(Path::new("run.toml"), text, &[]).unwrap(),
            fingerprints: Fingerprints::new(),
            device: "cpu".into(),
        }
    }

    fn save(checkpoints: &Checkpoints, step: u64) -> PathBuf {
        let write = |folder: &Path| {
            fs::write(folder.join("model.safetensors"), [step as u8; 9]).unwrap();
            Ok(())
        };
        checkpoints.save(&state(step), write).unwrap()
    }

    #[test]
    fn the_newest_few_are_kept_and_the_newest_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(folder.path().join("checkpoints"), 2);
        assert!(checkpoints.newest().unwrap().0.is_none());
        let paths: Vec<PathBuf> = [9, 10, 100].map(|step| save(&checkpoints, step)).into();
        assert_eq!(checkpoints.list().unwrap(), paths[1..]);
        let (found, damaged) = checkpoints.newest().unwrap();
        assert_eq!(found.unwrap().state, state(100));
        assert!(damaged.is_empty());
    }

    #[test]
    fn a_damaged_checkpoint_is_never_picked_up() {
        type Damage = fn(&Path);
        let damages: [(&str, Damage); 4] = [
            (
                "model.safetensors is not what was written: its hash differs",
                |path| {
                    fs::write(path.join("model.safetensors"), [7; 9]).unwrap();
                },
            ),
            ("model.safetensors has 3 bytes instead of 9", |path| {
                fs::write(path.join("model.safetensors"), [2; 3]).unwrap();
            }),
            (
                "manifest.json: EOF while parsing a value at line 1 column 0",
                |path| {
                    fs::write(path.join(MANIFEST), "").unwrap();
                },
            ),
            (
                "run_state.json: No such file or directory (os error 2)",
                |path| {
                    fs::remove_file(path.join(STATE)).unwrap();
                },
            ),
        ];
        for (reason, damage) in damages {
            let folder = tempfile::tempdir().unwrap();
            let checkpoints = Checkpoints::new(folder.path().into(), 2);
            let (old, new) = (save(&checkpoints, 1), save(&checkpoints, 2));
            damage(&new);
            let (found, damaged) = checkpoints.newest().unwrap();
            assert_eq!(found.unwrap().path, old);
            let expected = Damaged {
                path: new,
                reason: reason.into(),
            };
            assert_eq!(damaged, [expected]);
            checkpoints.clean(&damaged).unwrap();
            assert_eq!(checkpoints.list().unwrap(), [old]);
        }
    }

    #[test]
    fn a_failed_save_leaves_the_old_checkpoints() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(folder.path().into(), 1);
        let old = save(&checkpoints, 1);
        let full = |path: &Path| {
            Err(TrainError::write(
                path,
                io::Error::from(io::ErrorKind::StorageFull),
            ))
        };
        assert!(checkpoints.save(&state(2), full).is_err());
        assert_eq!(checkpoints.list().unwrap(), [old]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
