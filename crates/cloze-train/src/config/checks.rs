//! What a schema cannot say: keys that exclude or need each other.

use std::path::PathBuf;

use cloze_core::InputError;

use super::document::Document;
use super::task_checks as task;
use super::{FeatureCacheConfig, RunConfig, training_checks};

pub(super) fn check(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    check_batches(config, document)?;
    check_splits(config, document)?;
    training_checks::check(config, document)?;
    task::check(config, document)?;
    if config.model.freeze.as_slice().is_empty() {
        return Err(document.error(
            "model.freeze",
            "an empty list",
            "\"none\", or what to freeze",
        ));
    }
    if config.model.feature_cache == FeatureCacheConfig::Folder(PathBuf::new()) {
        return Err(document.error(
            "model.feature_cache",
            "an empty text",
            "true, false or a folder",
        ));
    }
    Ok(())
}

fn check_batches(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    match (config.train.batch_size, config.train.tokens_per_batch) {
        (Some(texts), Some(_)) => Err(document.error(
            "train.tokens_per_batch",
            format!("`batch_size = {texts}` beside it"),
            "one of the two",
        )),
        _ => Ok(()),
    }
}

fn check_splits(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    let data = &config.data;
    let Some(split) = &data.split else {
        return Ok(());
    };
    for (name, share, file) in [
        ("validation", split.validation, &data.validation),
        ("test", split.test, &data.test),
    ] {
        if share > 0.0 && file.is_some() {
            return Err(document.error(
                &format!("data.{name}"),
                format!("`split.{name} = {share}` beside it"),
                "a file or a share of the training rows",
            ));
        }
    }
    let together = split.validation + split.test;
    if together >= 1.0 {
        return Err(document.error(
            "data.split",
            format!("shares of {together} together"),
            "shares below 1 together, so that rows are left for training",
        ));
    }
    Ok(())
}
