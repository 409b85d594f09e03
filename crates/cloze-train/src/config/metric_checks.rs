//! Keys that choose a metric, and keys that want validation rows.

use cloze_core::InputError;

use super::document::Document;
use super::{BestMetric, RunConfig, SplitConfig, TaskKind};

/// A metric that is chosen must be one of the task's.
pub(super) fn check_metric(
    key: &str,
    metric: Option<BestMetric>,
    config: &RunConfig,
    document: &Document,
) -> Result<(), InputError> {
    use BestMetric::{
        Accuracy, ExactMatch, F1, Loss, MacroF1, MaskedAccuracy, MeanAveragePrecision,
        MeanSquaredError, MicroF1, NextSentenceAccuracy, NextTokenAccuracy, Pearson, Perplexity,
        Spearman, StrictF1, SubsetAccuracy, WeightedF1,
    };
    let known: &[BestMetric] = match config.task {
        TaskKind::TextClassification => &[Accuracy, MacroF1, MicroF1, WeightedF1, Loss],
        TaskKind::MultiLabel => &[
            SubsetAccuracy,
            MacroF1,
            MicroF1,
            WeightedF1,
            MeanAveragePrecision,
            Loss,
        ],
        TaskKind::Regression => &[Pearson, Spearman, MeanSquaredError, Loss],
        TaskKind::TokenClassification => &[F1, StrictF1, Accuracy, MacroF1, WeightedF1, Loss],
        TaskKind::QuestionAnswering => &[F1, ExactMatch, Loss],
        TaskKind::MaskedLm => &[Loss, Perplexity, MaskedAccuracy],
        TaskKind::Pretraining => &[Loss, Perplexity, MaskedAccuracy, NextSentenceAccuracy],
        TaskKind::Continuation => &[Loss, Perplexity, NextTokenAccuracy],
    };
    match metric {
        Some(best) if !known.contains(&best) => {
            let names: Vec<&str> = known.iter().map(|metric| metric.name()).collect();
            Err(document.error(
                key,
                format!("{:?}", best.name()),
                format!("a metric of {}: {}", config.task.name(), names.join(", ")),
            ))
        }
        _ => Ok(()),
    }
}

/// What is found on validation rows needs some.
pub(super) fn check_tuned(
    key: &str,
    is_tuned: bool,
    config: &RunConfig,
    document: &Document,
) -> Result<(), InputError> {
    match is_tuned {
        true => check_validation(key, "\"tuned\"", "a number", config, document),
        false => Ok(()),
    }
}

/// `found` needs validation rows; without them there can only be `other`.
pub(super) fn check_validation(
    key: &str,
    found: &str,
    other: &str,
    config: &RunConfig,
    document: &Document,
) -> Result<(), InputError> {
    let data = &config.data;
    let has_share = |share: &SplitConfig| share.validation > 0.0;
    if data.validation.is_some() || data.split.as_ref().is_some_and(has_share) {
        return Ok(());
    }
    Err(document.error(
        key,
        format!("{found} without validation rows"),
        format!("`data.validation` or `data.split.validation` beside it, or {other}"),
    ))
}
