//! What a schema cannot say: keys that exclude or need each other.

use std::path::PathBuf;

use cloze_core::InputError;

use super::document::Document;
use super::task_checks as task;
use super::{FeatureCacheConfig, RunConfig, ScheduleKind};

pub(super) fn check(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    check_batches(config, document)?;
    check_splits(config, document)?;
    check_schedule(config, document)?;
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

fn check_schedule(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    let schedule = &config.train.schedule;
    let only = |name: &str, given: bool, kind: ScheduleKind, kind_name: &str| {
        if given && schedule.kind != kind {
            return Err(document.error(
                &format!("train.schedule.{name}"),
                "a key that this kind of schedule has no use for",
                format!("`kind = \"{kind_name}\"` beside it"),
            ));
        }
        Ok(())
    };
    only(
        "step_size",
        schedule.step_size.is_some(),
        ScheduleKind::Step,
        "step",
    )?;
    only(
        "gamma",
        schedule.gamma.is_some(),
        ScheduleKind::Step,
        "step",
    )?;
    only("unit", schedule.unit.is_some(), ScheduleKind::Step, "step")?;
    only(
        "power",
        schedule.power.is_some(),
        ScheduleKind::Polynomial,
        "polynomial",
    )?;
    if schedule.kind == ScheduleKind::Step && schedule.step_size.is_none() {
        return Err(document.error(
            "train.schedule.step_size",
            "nothing",
            "the epochs (or steps, with `unit = \"steps\"`) between two changes",
        ));
    }
    if schedule.warmup >= 1.0 && schedule.warmup.fract() != 0.0 {
        return Err(document.error(
            "train.schedule.warmup",
            schedule.warmup.to_string(),
            "a share below 1 or a whole number of steps",
        ));
    }
    Ok(())
}
