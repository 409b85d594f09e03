//! The keys of `train.ema`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An exponential moving average of the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EmaConfig {
    /// The share of the average that every step keeps.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub decay: f64,
    /// Steps before the average begins, at the weights after them: a share of all steps below 1,
    /// their number from 1. Those of the schedule's warm-up where this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub start: Option<f64>,
    /// Whether the average, while it is young, keeps less: `(1 + n) / (10 + n)` after `n` steps of
    /// its own, until that is `decay`.
    pub ramp: bool,
}

impl Default for EmaConfig {
    fn default() -> Self {
        Self {
            decay: 0.999,
            start: None,
            ramp: true,
        }
    }
}
