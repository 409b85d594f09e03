use std::io;
use std::path::{Path, PathBuf};

use cloze_core::InputError;
use thiserror::Error;

use crate::readers::ReadError;
use crate::sentences::FEWEST_SENTENCES;
use crate::tokenizer::TokenizerError;

/// Why a corpus cannot be built or read.
#[derive(Debug, Error)]
pub enum CorpusError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of a corpus is damaged, or is another kind of file.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The texts cannot be read.
    #[error(transparent)]
    Texts(#[from] ReadError),
    /// A text cannot be tokenized.
    #[error("text {number} of the corpus")]
    Text {
        /// Its place among the texts, counted from 1.
        number: u64,
        /// Why.
        source: Box<TokenizerError>,
    },
    /// The vocabulary has ids that a [`Token`](super::Token) cannot hold.
    #[error("the vocabulary has ids up to {last}, wanted less than 2³¹")]
    LargeVocabulary {
        /// The greatest id.
        last: u32,
    },
    /// There would be no sequence.
    #[error(
        "{path}{}: found none among {texts} texts, wanted at least one text that is not blank and \
         not of unknown tokens alone",
        .split.map(|split| format!(", {split} split")).unwrap_or_default()
    )]
    EmptySplit {
        /// The token file.
        path: PathBuf,
        /// `train`, `validation` or `test`, where texts are divided among several.
        split: Option<&'static str>,
        /// How many texts were read for all splits together.
        texts: u64,
    },
    /// The texts do not fill one block.
    #[error("{path}: found {tokens} tokens, wanted enough for a block of {size}")]
    NoBlock {
        /// The token file.
        path: PathBuf,
        /// How many tokens it has.
        tokens: u64,
        /// How many a block has.
        size: usize,
    },
    /// The texts do not fill one sample.
    #[error("{path}, {split} split: found {tokens} tokens, wanted {wanted} at least")]
    ShortText {
        /// The token file.
        path: PathBuf,
        /// `train`, `validation` or `test`.
        split: &'static str,
        /// How many tokens the split has.
        tokens: u64,
        /// How many a sample takes, with the token that comes next.
        wanted: u64,
    },
    /// There are too few sentences to draw a random one at a distance over 1 for each.
    #[error(
        "{path}: found {found} sentence{}, wanted at least {FEWEST_SENTENCES}",
        if *found == 1 { "" } else { "s" }
    )]
    TooFewSentences {
        /// The token file.
        path: PathBuf,
        /// How many sentences it has.
        found: u64,
    },
    /// No sentence has a next one in its document.
    #[error(
        "{path}: found {sentences} documents of one sentence each, wanted at least one sentence \
         that another one follows"
    )]
    NoNeighbours {
        /// The token file.
        path: PathBuf,
        /// How many sentences it has.
        sentences: u64,
    },
    /// Sequences that are too short to hold two sentences.
    #[error(
        "found a length of {max_length} tokens, wanted at least {wanted}: three special tokens \
         and two sentences of one token"
    )]
    ShortPairs {
        /// The length asked for.
        max_length: usize,
        /// The least length.
        wanted: usize,
    },
    /// Whoever watched the building asked it to stop.
    #[error("stopped")]
    Stopped,
}

impl CorpusError {
    /// The error about texts that came from this file, where it is about what they came to and not
    /// about the token file itself.
    #[must_use]
    pub fn of_texts(mut self, texts: &Path) -> Self {
        if let Self::NoBlock { path, .. }
        | Self::ShortText { path, .. }
        | Self::EmptySplit { path, .. }
        | Self::TooFewSentences { path, .. }
        | Self::NoNeighbours { path, .. } = &mut self
        {
            *path = texts.into();
        }
        self
    }
}

impl CorpusError {
    /// For `map_err`: a file that cannot be read.
    pub(super) fn read(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Read {
            path: path.into(),
            source,
        }
    }

    /// For `map_err`: a file that cannot be written.
    pub(super) fn write(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Write {
            path: path.into(),
            source,
        }
    }
}
