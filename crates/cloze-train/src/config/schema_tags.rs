//! The keys of `[tags]`.

use cloze_data::alignment::LabelledSubWords;
use cloze_data::tags::TagScheme;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Token classification: what the tags of words mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TagsConfig {
    /// How the tags of the files describe entities; found by the tags of the training file where
    /// this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<TagSchemeConfig>,
    /// The scheme that the model learns; that of the files where this is absent, but `bio` for
    /// `iob1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub convert: Option<TagSchemeConfig>,
    /// The names of tags that the files give as numbers, in the order of these from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Which sub-words of a word are labelled in training: `all` (an entity that begins with the
    /// word goes on in them, `B-PER` then `I-PER`), or the `first` alone.
    pub sub_words: SubWordsConfig,
    /// Tokens that a window of a long sentence repeats of the one before, at least; a quarter of
    /// a window where this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<usize>,
}

/// How tags say where entities begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TagSchemeConfig {
    /// `B-` begins an entity, `I-` goes on with it.
    Bio,
    /// `I-` begins and goes on; `B-` begins right after another entity of the type.
    Iob1,
    /// `B-` begins, `I-` goes on, `E-` ends, `S-` is an entity of a single word.
    Bioes,
    /// `I-` alone.
    Io,
    /// Parts of speech, or any other tags of single words.
    Plain,
}

impl From<TagSchemeConfig> for TagScheme {
    fn from(config: TagSchemeConfig) -> Self {
        match config {
            TagSchemeConfig::Bio => Self::Bio,
            TagSchemeConfig::Iob1 => Self::Iob1,
            TagSchemeConfig::Bioes => Self::Bioes,
            TagSchemeConfig::Io => Self::Io,
            TagSchemeConfig::Plain => Self::Plain,
        }
    }
}

impl From<TagScheme> for TagSchemeConfig {
    fn from(scheme: TagScheme) -> Self {
        match scheme {
            TagScheme::Bio => Self::Bio,
            TagScheme::Iob1 => Self::Iob1,
            TagScheme::Bioes => Self::Bioes,
            TagScheme::Io => Self::Io,
            TagScheme::Plain => Self::Plain,
        }
    }
}

/// Which sub-words of a word are labelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SubWordsConfig {
    /// All of them.
    #[default]
    All,
    /// The first one alone.
    First,
}

impl From<SubWordsConfig> for LabelledSubWords {
    fn from(config: SubWordsConfig) -> Self {
        match config {
            SubWordsConfig::All => Self::All,
            SubWordsConfig::First => Self::First,
        }
    }
}
