//! The keys of `[loss]`.

use std::collections::BTreeMap;

use cloze_tasks::ClassWeights;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is added to the plain cross-entropy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LossConfig {
    /// Text and token classification: `balanced` (rows / (classes · rows of the class), as in
    /// scikit-learn; words in the place of rows for tokens), or a weight for each label, 1 for those
    /// not named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<ClassWeightsConfig>,
    /// Multi-label classification: how much a row that has a label counts for it, where one that
    /// has it not counts 1. `balanced` (rows without it / rows with it), or a weight for each label,
    /// 1 for those not named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub positive_weights: Option<ClassWeightsConfig>,
    /// Text and token classification, masked language models: share of the target that is spread
    /// evenly over all labels, or over the vocabulary.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub label_smoothing: f64,
}

/// Weights of the classes in the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ClassWeightsConfig {
    /// Weights that the data decide.
    Named(NamedClassWeights),
    /// A weight for each label.
    #[schemars(extend("additionalProperties" = {"type": "number", "exclusiveMinimum": 0}))]
    Table(BTreeMap<String, f64>),
}

impl From<&ClassWeightsConfig> for ClassWeights {
    fn from(config: &ClassWeightsConfig) -> Self {
        match config {
            ClassWeightsConfig::Named(NamedClassWeights::Balanced) => Self::Balanced,
            ClassWeightsConfig::Table(table) => Self::Table(table.clone()),
        }
    }
}

/// Class weights that the data decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NamedClassWeights {
    /// Those that make rare classes count as much as frequent ones.
    Balanced,
}
