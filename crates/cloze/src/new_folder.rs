//! Folders that a command makes: never over something that is there already.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use anyhow::Context;
use cloze_core::output::{OutputFolder, remove_abandoned};

use crate::failure::hint;
use crate::signals::remove_on_signals;

/// A folder in the making; dropped before [`commit`](Self::commit), or when the program is asked to
/// end, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct NewFolder {
    folder: OutputFolder,
    target: PathBuf,
}

impl NewFolder {
    /// Opens a folder that will be `target`, which must not exist, or be an empty folder. What
    /// commands that were killed left beside it goes.
    pub(crate) fn create(target: &Path) -> anyhow::Result<Self> {
        let is_free = match fs::read_dir(target) {
            Ok(mut entries) => entries.next().is_none(),
            Err(_) => !target.exists(),
        };
        if !is_free {
            let error = anyhow::anyhow!("{} exists already", target.display());
            return Err(hint(error, "choose another folder, or remove this one"));
        }
        remove_abandoned(target);
        let place = remove_on_signals();
        let mut made = place.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = OutputFolder::beside(target)
            .with_context(|| format!("cannot make {}", target.display()))?;
        *made = Some(folder.path().into());
        Ok(Self {
            folder,
            target: target.into(),
        })
    }

    /// Where to write the files.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts the folder in its place.
    pub(crate) fn commit(self) -> anyhow::Result<()> {
        let Self { folder, target } = self;
        folder
            .commit()
            .with_context(|| format!("cannot write {}", target.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_never_replaced() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("out");
        NewFolder::create(&target).unwrap().commit().unwrap();
        let folder = NewFolder::create(&target).unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        folder.commit().unwrap();
        let error = NewFolder::create(&target).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{} exists already", target.display())
        );
        assert!(NewFolder::create(&target.join("file")).is_err());
    }
}
