//! The keys of `[multi_label]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which labels a text is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MultiLabelConfig {
    /// The probability from which on a label is given: one for all labels, one for each (0.5 for
    /// those not named), or `tuned`, the one with the best F1 of each label on the validation rows.
    pub threshold: ThresholdConfig,
}

/// From which probability on a label is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ThresholdConfig {
    /// The same for all labels.
    #[schemars(extend("minimum" = 0, "maximum" = 1))]
    Same(f64),
    /// Thresholds that the data decide.
    Named(NamedThreshold),
    /// One for each label.
    #[schemars(extend("additionalProperties" = {"type": "number", "minimum": 0, "maximum": 1}))]
    Table(BTreeMap<String, f64>),
}

impl Default for ThresholdConfig {
    fn default() -> Self {
        Self::Same(cloze_tasks::multi_label::USUAL_THRESHOLD)
    }
}

/// Thresholds that the data decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NamedThreshold {
    /// For each label the one with the best F1 on the validation rows.
    Tuned,
}
