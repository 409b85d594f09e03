use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloze_data::splits::Part;
use tempfile::TempDir;

use crate::error::TrainError;

/// Sub-folder of cloze's cache.
const CORPORA: &str = "corpora";

/// Where token files are: in cloze's cache, where later runs find them, or in a folder that goes
/// with the run.
#[derive(Debug)]
pub(in crate::data) struct CorpusPlace {
    folder: PathBuf,
    /// Removed when nobody reads from it any more.
    temporary: Option<Arc<TempDir>>,
}

impl CorpusPlace {
    pub(in crate::data) fn new(cache: Option<&Path>) -> Result<Self, TrainError> {
        let Some(cache) = cache else {
            let path = std::env::temp_dir();
            let temporary = tempfile::tempdir().map_err(|error| TrainError::write(&path, error))?;
            return Ok(Self {
                folder: temporary.path().into(),
                temporary: Some(Arc::new(temporary)),
            });
        };
        let folder = cache.join(CORPORA);
        fs::create_dir_all(&folder).map_err(|error| TrainError::write(&folder, error))?;
        Ok(Self {
            folder,
            temporary: None,
        })
    }

    /// The folder, if later runs find it again.
    pub(in crate::data) fn folder(&self) -> Option<&Path> {
        self.temporary.is_none().then_some(&self.folder)
    }

    /// Whoever reads from a folder that goes with the run keeps this, so that it stays.
    pub(in crate::data) fn keep(&self) -> Option<Arc<TempDir>> {
        self.temporary.clone()
    }

    /// The token file of a part of a corpus with this key.
    pub(in crate::data) fn path(&self, key: &str, part: Part) -> PathBuf {
        self.folder
            .join(format!("{key}-{}.safetensors", part.name()))
    }
}
