//! Keys that belong to other tasks than the run's.

use cloze_core::InputError;

use super::document::Document;
use super::{
    BestMetric, LossConfig, MaskingConfig, RunConfig, SentencesConfig, TagsConfig, TaskKind,
};

pub(super) fn check(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    let tags = config.task == TaskKind::TokenClassification;
    let classes = config.task == TaskKind::TextClassification;
    let masked = matches!(config.task, TaskKind::MaskedLm | TaskKind::Pretraining);
    let pretraining = config.task == TaskKind::Pretraining;
    let data = &config.data;
    for (key, is_given, fits, tasks) in [
        ("head", config.head.is_some(), classes, CLASSIFICATION),
        (
            "loss",
            config.loss != LossConfig::default(),
            classes,
            CLASSIFICATION,
        ),
        ("data.label", data.label.is_some(), !masked, LABELLED),
        (
            "data.text_pair",
            data.text_pair.is_some(),
            classes,
            CLASSIFICATION,
        ),
        ("data.id", data.id.is_some(), !masked, LABELLED),
        (
            "tags",
            config.tags != TagsConfig::default(),
            tags,
            "token-classification",
        ),
        (
            "masking",
            config.masking != MaskingConfig::default(),
            masked,
            MASKED,
        ),
        (
            "data.limit",
            data.limit != Default::default(),
            masked,
            MASKED,
        ),
        (
            "data.chunk_size",
            data.chunk_size.is_some(),
            masked && !pretraining,
            "masked-lm",
        ),
        (
            "data.line_by_line",
            data.line_by_line,
            masked && !pretraining,
            "masked-lm",
        ),
        (
            "sentences",
            config.sentences != SentencesConfig::default(),
            pretraining,
            "pretraining",
        ),
    ] {
        if is_given && !fits {
            return Err(document.error(
                key,
                format!("`task = \"{}\"` beside it", config.task.name()),
                format!("this key with the task {tasks} alone"),
            ));
        }
    }
    check_best(config, document)?;
    let files = data.train.as_slice().len();
    if files != 1 && (!masked || files == 0) {
        let wanted = match masked {
            true => "one file or several",
            false => "one file: several are for the task masked-lm or pretraining",
        };
        return Err(document.error("data.train", format!("{files} files"), wanted));
    }
    if masked {
        check_masking(config, document)?;
    }
    Ok(())
}

const CLASSIFICATION: &str = "text-classification";
const LABELLED: &str = "text-classification or token-classification";
const MASKED: &str = "masked-lm or pretraining";

fn check_best(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    use BestMetric::{
        Accuracy, F1, Loss, MacroF1, MaskedAccuracy, MicroF1, NextSentenceAccuracy, Perplexity,
        StrictF1, WeightedF1,
    };
    let known: &[BestMetric] = match config.task {
        TaskKind::TextClassification => &[Accuracy, MacroF1, MicroF1, WeightedF1, Loss],
        TaskKind::TokenClassification => &[F1, StrictF1, Accuracy, MacroF1, WeightedF1, Loss],
        TaskKind::MaskedLm => &[Loss, Perplexity, MaskedAccuracy],
        TaskKind::Pretraining => &[Loss, Perplexity, MaskedAccuracy, NextSentenceAccuracy],
    };
    match config.train.best {
        Some(best) if !known.contains(&best) => {
            let names: Vec<&str> = known.iter().map(|metric| metric.name()).collect();
            Err(document.error(
                "train.best",
                format!("{:?}", best.name()),
                format!("a metric of {}: {}", config.task.name(), names.join(", ")),
            ))
        }
        _ => Ok(()),
    }
}

fn check_masking(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    let shares = config.masking.shares;
    let together: f64 = shares.iter().sum();
    if (together - 1.0).abs() > 1e-9 {
        return Err(document.error(
            "masking.shares",
            format!("{shares:?}, {together} together"),
            "three shares that are 1 together",
        ));
    }
    let data = &config.data;
    if data.line_by_line && data.chunk_size.is_some() {
        return Err(document.error(
            "data.chunk_size",
            "`line_by_line = true` beside it",
            "blocks or lines; `max_length` cuts lines",
        ));
    }
    if !data.line_by_line && config.task == TaskKind::MaskedLm && data.max_length.is_some() {
        return Err(document.error(
            "data.max_length",
            "blocks, which are as long as `chunk_size` says",
            "`chunk_size`, or `line_by_line = true` beside it",
        ));
    }
    Ok(())
}
