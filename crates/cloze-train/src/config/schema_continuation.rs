//! The keys of `[continuation]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ActivationConfig;

/// Continuation: what the model reads, and its head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContinuationTableConfig {
    /// How samples are cut from a text: `windows`, so many tokens and the one behind them;
    /// `prefixes`, any number of tokens with a `[MASK]` behind them that stands for the next one.
    pub samples: ContinuationSamplesConfig,
    /// Tokens of a window, or the most tokens of a prefix with its `[MASK]`; `[CLS]` and `[SEP]`
    /// do not count.
    #[schemars(range(min = 2))]
    pub length: usize,
    /// Tokens from one sample to the next.
    #[schemars(range(min = 1))]
    pub stride: usize,
    /// What stands on top of the encoder: `linear`, two dense layers over the row that is read;
    /// `lstm`, an LSTM over all rows; `lstm-attention`, the same with self-attention over its rows;
    /// `masked-lm`, the head that the model has for masked words.
    pub head: ContinuationHeadKindConfig,
    /// Width of the first dense layer, or of the LSTM; that of the encoder where this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub hidden_size: Option<usize>,
    /// Layers of the LSTM.
    #[schemars(range(min = 1))]
    pub layers: usize,
    /// Heads of the self-attention over the LSTM.
    #[schemars(range(min = 1))]
    pub attention_heads: usize,
    /// Function after the first dense layer.
    pub activation: ActivationConfig,
    /// Dropout between the layers of the LSTM, and before the last layer.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub dropout: f64,
    /// Whether the LSTM reads the rows of `[CLS]` and `[SEP]` too.
    pub special_rows: bool,
}

impl Default for ContinuationTableConfig {
    fn default() -> Self {
        Self {
            samples: ContinuationSamplesConfig::default(),
            length: 32,
            stride: 1,
            head: ContinuationHeadKindConfig::default(),
            hidden_size: None,
            layers: 1,
            attention_heads: 4,
            activation: ActivationConfig::Gelu,
            dropout: 0.1,
            special_rows: true,
        }
    }
}

/// How samples are cut from a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ContinuationSamplesConfig {
    /// A fixed number of tokens, and the one behind them.
    #[default]
    Windows,
    /// Any number of tokens up to a maximum, with a `[MASK]` that stands for the next one.
    Prefixes,
}

/// What stands on top of the encoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ContinuationHeadKindConfig {
    /// Two dense layers over the row that is read.
    #[default]
    Linear,
    /// An LSTM over all rows.
    Lstm,
    /// An LSTM, and self-attention over its rows.
    LstmAttention,
    /// The head for masked words.
    MaskedLm,
}
