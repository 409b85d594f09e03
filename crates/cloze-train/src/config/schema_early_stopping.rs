//! The keys of `train.early_stopping`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BestMetric;

/// When a run ends before its last epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlyStoppingConfig {
    /// Evaluations in a row without an improvement after which the run ends.
    #[schemars(range(min = 1))]
    pub patience: u64,
    /// The validation metric that is to improve; `train.best` where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<BestMetric>,
    /// By how much more than this the metric has to be better than it was to count as improved.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub min_delta: f64,
}
