//! Corpora of any size: token sequences in a file on the disk, and what they are read as.
//!
//! Building and reading take the same memory whatever the size of the corpus.
//!
//! - [`build_corpus`]: a stream of texts → a token file for each part, on all cores
//! - [`WordRule`], [`WordMarker`]: which tokens belong to one word
//! - [`TokenFile`], [`TokenFileWriter`], [`Token`]: sequences of tokens on the disk
//! - [`Blocks`]: the sequences laid end to end and cut into blocks of one size
//! - [`SentencePairs`]: sentences → pairs for next-sentence prediction
//!
//! ```no_run
//! use std::ops::ControlFlow;
//! use cloze_data::corpus::{Blocks, BuildOptions, Layout, WordRule, build_corpus};
//! use cloze_data::masking::{MaskVocabulary, Masking};
//! use cloze_data::readers::stream::{CorpusTexts, Source};
//! use cloze_data::splits::PerPart;
//! use cloze_data::tokenizer::Tokenizer;
//!
//! let tokenizer = Tokenizer::from_folder("bert-base-chinese".as_ref())?;
//! let texts = CorpusTexts::open(&Source::File("novel.txt".into()), None, None, Default::default())?;
//! let options = BuildOptions {
//!     layout: Layout::Whole,
//!     words: WordRule::Jieba,
//!     split: None,
//!     limits: PerPart::default(),
//! };
//! let paths = PerPart { train: Some("train.safetensors".into()), ..PerPart::default() };
//! let built = build_corpus(texts, &tokenizer, &options, &paths, |_| ControlFlow::Continue(()))?;
//! let blocks = Blocks::new(built.train.expect("it has a path").file, 128_usize.try_into()?)?;
//! let vocabulary = MaskVocabulary::of(&tokenizer);
//! let mut tokens = Vec::new();
//! for index in 0..blocks.len() {
//!     blocks.read(index, &mut tokens)?;
//!     let mut random = Masking::stream(42, 0, index);
//!     let masked = Masking::default().mask(&tokens, &vocabulary, &mut random);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod blocks;
mod build;
mod error;
mod output_file;
mod pairs;
#[cfg(test)]
pub(crate) mod small_tokenizer;
mod tensor_file;
mod token;
mod token_file;
mod words;

pub use blocks::Blocks;
pub use build::{BuildOptions, BuiltPart, Counts, Documents, Layout, Progress, build_corpus};
pub use error::CorpusError;
pub use pairs::{PairOptions, PairRule, SentencePair, SentencePairs};
pub(crate) use tensor_file::read_exact_at;
pub use token::Token;
pub use token_file::{Sequence, Sequences, TokenFile, TokenFileWriter};
pub use words::{MarkedText, WordMarker, WordRule};
