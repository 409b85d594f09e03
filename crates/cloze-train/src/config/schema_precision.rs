//! The values of `train.precision`.

use cloze_model::Precision;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What matrix products are computed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrecisionConfig {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with the range of `f32`.
    Bf16,
    /// 16 bits with more digits and less range.
    F16,
}

impl From<PrecisionConfig> for Precision {
    fn from(config: PrecisionConfig) -> Self {
        match config {
            PrecisionConfig::F32 => Self::F32,
            PrecisionConfig::Bf16 => Self::Bf16,
            PrecisionConfig::F16 => Self::F16,
        }
    }
}
