use std::path::PathBuf;

use cloze_core::{ConfigError, InputError};
use thiserror::Error;

/// Why a tokenizer cannot be loaded, trained, extended, used or saved.
#[derive(Debug, Error)]
pub enum TokenizerError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A JSON file cannot be read, or a value in it is of the wrong type.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something is wrong with the content of a file.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The sequence length asked for has no room for the special tokens.
    #[error("a length of {max_length} tokens has no room for the {special} special tokens")]
    NoRoom {
        /// The length asked for.
        max_length: usize,
        /// How many special tokens the input gets.
        special: usize,
    },
    /// Windows that overlap this much never advance.
    #[error("windows of {window} tokens cannot overlap by {stride}: the stride must be smaller")]
    Stride {
        /// Tokens of the text that a window holds.
        window: usize,
        /// The overlap asked for.
        stride: usize,
    },
    /// Only one text of a pair may be cut, and that is not enough.
    #[error(
        "cannot cut {excess} tokens from the {which} text alone, it has {length}: \
         allow a greater length, or cut the longest text first"
    )]
    TooShortToCut {
        /// `first` or `second`.
        which: &'static str,
        /// Its length in tokens.
        length: usize,
        /// How many tokens must go.
        excess: usize,
    },
    /// Padding to the greatest length, but none is given and the tokenizer knows none.
    #[error("padding to the greatest length needs one: the tokenizer states no model_max_length")]
    NoMaxLength,
    /// Padding to a multiple of zero.
    #[error("cannot pad to a multiple of 0 tokens")]
    ZeroMultiple,
    /// Padding to a multiple would go beyond the length asked for.
    #[error("a length of {max_length} tokens is not a multiple of {multiple}, to which is padded")]
    NotAMultiple {
        /// The length asked for.
        max_length: usize,
        /// What is padded to.
        multiple: usize,
    },
    /// An id that is not in the vocabulary.
    #[error("the vocabulary has no id {id}, its ids end at {last}")]
    UnknownId {
        /// The id.
        id: u32,
        /// The greatest id there is.
        last: u32,
    },
    /// A token that can never be found in a text.
    #[error("cannot add {token:?} as a token: nothing is left of it after normalization")]
    EmptyToken {
        /// The token as given.
        token: String,
    },
    /// Tokens cannot be appended to a vocabulary that leaves ids out.
    #[error("cannot add tokens: the vocabulary has {tokens} tokens but ids up to {last}")]
    Gaps {
        /// Number of tokens.
        tokens: usize,
        /// The greatest id.
        last: u32,
    },
    /// A vocabulary was to be trained without anything to learn from.
    #[error("there is no text to train a vocabulary from")]
    NoText,
    /// The vocabulary to be trained is too small to hold anything but the special tokens.
    #[error("a vocabulary of {size} tokens has no room beside its {special} special tokens")]
    VocabularyTooSmall {
        /// The size asked for.
        size: usize,
        /// Number of special tokens.
        special: usize,
    },
    /// One text of a batch cannot be encoded.
    #[error("text {number} of the batch")]
    InBatch {
        /// Its place in the batch, counted from 1.
        number: usize,
        /// Why.
        source: Box<TokenizerError>,
    },
    /// One line of a file cannot be encoded.
    #[error("{path}, line {line}")]
    AtLine {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// Why.
        source: Box<TokenizerError>,
    },
    /// The `tokenizers` library refuses.
    #[error("cannot {action}")]
    Library {
        /// What was being done.
        action: &'static str,
        /// What the library says.
        source: tokenizers::Error,
    },
}

impl TokenizerError {
    /// For `map_err`: an error of the `tokenizers` library, with what was being done.
    pub(super) fn library(action: &'static str) -> impl Fn(tokenizers::Error) -> Self {
        move |source| Self::Library { action, source }
    }

    /// For `map_err`: a file that cannot be read.
    pub(super) fn read(path: &std::path::Path) -> impl Fn(std::io::Error) -> Self + '_ {
        move |source| Self::Read {
            path: path.into(),
            source,
        }
    }
}
