//! The keys of `[masking]` and `[sentences]`, and those of `[data]` that are about long texts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which tokens are hidden, and how. Special tokens never are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MaskingConfig {
    /// The share of tokens (of words, with `whole_word`) that is chosen.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0))]
    pub rate: f64,
    /// The rate of the last epoch, which `rate` changes to in equal steps; where this is absent it
    /// does not change. Validation and test rows are masked at this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0))]
    pub last_rate: Option<f64>,
    /// Of the chosen tokens, the shares that become `[MASK]`, that become a random token, and that
    /// stay as they are; 1 together.
    #[schemars(inner(range(min = 0.0, max = 1.0)))]
    pub shares: [f64; 3],
    /// Whether all tokens of a word are chosen together: `false`; `true`, a word and its sub-words
    /// (`##`); `"spaces"`, what stands between the spaces of a segmented corpus; `"jieba"`, the words
    /// that the segmenter jieba finds in Chinese text.
    pub whole_word: WholeWordConfig,
}

impl Default for MaskingConfig {
    fn default() -> Self {
        Self {
            rate: 0.15,
            last_rate: None,
            shares: [0.8, 0.1, 0.1],
            whole_word: WholeWordConfig::default(),
        }
    }
}

/// What a word is, where whole words are masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum WholeWordConfig {
    /// Whether a word and its sub-words are masked together.
    Switch(bool),
    /// Words that a corpus or a segmenter tells.
    Words(WordsConfig),
}

impl Default for WholeWordConfig {
    fn default() -> Self {
        Self::Switch(false)
    }
}

/// Where the words of Chinese text come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WordsConfig {
    /// The corpus has spaces between words.
    Spaces,
    /// The segmenter jieba.
    Jieba,
}

/// How pretraining makes pairs of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SentencesConfig {
    /// Marks at which a text is cut into sentences, each of which is left out; where this is
    /// absent, the ends of Chinese and Western sentences, which stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_at: Option<String>,
    /// What a pair is made of.
    pub pairs: PairsConfig,
}

/// What the two texts of a pair are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PairsConfig {
    /// Two sentences.
    #[default]
    Sentences,
    /// As many sentences as the length has room for, as in BERT's own pretraining.
    Long,
}

/// The most examples of a split; they are drawn at random.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitConfig {
    /// Of training.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub train: Option<usize>,
    /// Of validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub validation: Option<usize>,
    /// Of test.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub test: Option<usize>,
}
