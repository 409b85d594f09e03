use std::path::{Path, PathBuf};

use cloze_model::checkpoint::{HubOptions, resolve_model};

use crate::InferError;

/// The folder of a model: that folder itself, the `model/` of a run folder, or a snapshot of a
/// model on the Hub (`owner/name`, `owner/name@revision`), which is fetched if need be.
///
/// # Errors
/// If there is no such folder and no such model on the Hub, or the run has no model yet.
pub fn model_folder(name: &str, options: &HubOptions) -> Result<PathBuf, InferError> {
    let folder = Path::new(name);
    let is_run = folder.join("config.toml").is_file() && !folder.join("config.json").exists();
    if !is_run {
        return Ok(resolve_model(name, options)?);
    }
    let model = folder.join("model");
    if model.is_dir() {
        return Ok(model);
    }
    Err(InferError::NoModelYet { run: folder.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_run_folder_stands_for_its_model() {
        let place = tempfile::tempdir().unwrap();
        let find = || model_folder(place.path().to_str().unwrap(), &HubOptions::default());
        assert_eq!(find().unwrap(), place.path());
        fs::write(place.path().join("config.toml"), "").unwrap();
        assert!(
            find()
                .unwrap_err()
                .to_string()
                .ends_with("at the end of the first epoch")
        );
        fs::create_dir(place.path().join("model")).unwrap();
        assert_eq!(find().unwrap(), place.path().join("model"));
        fs::write(place.path().join("config.json"), "").unwrap();
        assert_eq!(find().unwrap(), place.path());
    }
}
