use serde::Serialize;

/// What to encode: one text, a pair, or texts that are already split into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextInput<'a> {
    /// One text: `[CLS] text [SEP]`.
    Single(&'a str),
    /// Two texts: `[CLS] first [SEP] second [SEP]`.
    Pair(&'a str, &'a str),
    /// One text as words; [`Encoding::word_ids`] are their positions.
    Words(&'a [&'a str]),
    /// Two texts as words.
    WordsPair(&'a [&'a str], &'a [&'a str]),
}

impl<'a> From<&'a str> for TextInput<'a> {
    fn from(text: &'a str) -> Self {
        Self::Single(text)
    }
}

impl<'a> From<(&'a str, &'a str)> for TextInput<'a> {
    fn from((first, second): (&'a str, &'a str)) -> Self {
        Self::Pair(first, second)
    }
}

/// Which text gives way when the input is longer than [`EncodeOptions::max_length`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Truncation {
    /// Nothing is cut; [`Encoding::untruncated_length`] tells what is too long.
    None,
    /// The longer text of a pair gives way first.
    #[default]
    LongestFirst,
    /// Only the first text is cut.
    OnlyFirst,
    /// Only the second text is cut.
    OnlySecond,
}

/// How far the sequences of a batch are filled up with the padding token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// Not at all.
    #[default]
    None,
    /// To the longest of the batch.
    Longest,
    /// To [`EncodeOptions::max_length`] or else to the tokenizer's `model_max_length`.
    MaxLength,
}

/// How texts become ids.
///
/// ```
/// use cloze_data::tokenizer::{EncodeOptions, Padding};
/// let options = EncodeOptions {
///     max_length: Some(128),
///     padding: Padding::Longest,
///     ..EncodeOptions::default()
/// };
/// assert!(options.add_special_tokens);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeOptions {
    /// `[CLS]` and `[SEP]` are added; true unless set.
    pub add_special_tokens: bool,
    /// Greatest length in tokens, special ones included; without it nothing is cut.
    pub max_length: Option<usize>,
    /// What gives way when the input is longer.
    pub truncation: Truncation,
    /// What is cut off is returned too, as further windows in [`Encoding::overflowing`].
    pub overflowing: bool,
    /// How many tokens of the text a window repeats from the one before.
    pub stride: usize,
    /// How far sequences are filled up.
    pub padding: Padding,
    /// The padded length is rounded up to a multiple of this.
    pub pad_to_multiple_of: Option<usize>,
    /// Offsets, word ids and the special-token mask are kept; true unless set. Without them an
    /// encoding needs a quarter of the memory: training on whole texts uses none of the three.
    pub alignment: bool,
    /// Tokens are kept as strings beside their ids. [`super::Tokenizer::tokens`] has them at any time.
    pub tokens: bool,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self {
            add_special_tokens: true,
            max_length: None,
            truncation: Truncation::default(),
            overflowing: false,
            stride: 0,
            padding: Padding::default(),
            pad_to_multiple_of: None,
            alignment: true,
            tokens: false,
        }
    }
}

/// One encoded input. All arrays have one entry a token, `[seq]`, in the order of the ids; those
/// that were not asked for are empty. Serialized, it has the field names of `transformers`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Encoding {
    /// Token ids.
    #[serde(rename = "input_ids")]
    pub ids: Vec<u32>,
    /// 0 up to and with the first `[SEP]`, then 1; 0 on padding, and 0 everywhere where the
    /// architecture does not tell the texts of a pair apart (RoBERTa).
    #[serde(rename = "token_type_ids")]
    pub type_ids: Vec<u32>,
    /// 1 on tokens, 0 on padding.
    pub attention_mask: Vec<u8>,
    /// Start and end in characters of the original text that the token belongs to; of the word
    /// for pre-split input. `(0, 0)` on special tokens.
    #[serde(rename = "offset_mapping", skip_serializing_if = "Vec::is_empty")]
    pub offsets: Vec<(usize, usize)>,
    /// Position of the word that the token is a part of, in its own text; none on special tokens.
    /// Words are those given, or what spaces and punctuation separate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub word_ids: Vec<Option<u32>>,
    /// 1 on tokens that were added (`[CLS]`, `[SEP]`, padding), 0 on those of the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub special_tokens_mask: Vec<u8>,
    /// The tokens themselves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<String>,
    /// What the length would be without truncation and padding.
    pub untruncated_length: usize,
    /// What was cut off, as further windows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overflowing: Vec<Encoding>,
}

impl Encoding {
    /// Number of entries, padding included.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no token at all (an empty text without special tokens).
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Number of tokens without padding.
    pub fn length(&self) -> usize {
        self.attention_mask
            .iter()
            .filter(|&&mask| mask == 1)
            .count()
    }

    /// Whether a part of the input is missing here.
    pub fn is_truncated(&self) -> bool {
        self.length() < self.untruncated_length
    }
}
