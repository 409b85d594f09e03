//! Corpora of any size: token sequences in a file on the disk, and what they are read as.
//!
//! Building and reading take the same memory whatever the size of the corpus.
//!
//! - [`WordRule`], [`WordMarker`]: which tokens belong to one word
//! - [`TokenFile`], [`TokenFileWriter`], [`Token`]: sequences of tokens on the disk
//! - [`Blocks`]: the sequences laid end to end and cut into blocks of one size

mod blocks;
mod error;
mod output_file;
#[cfg(test)]
pub(crate) mod small_tokenizer;
mod tensor_file;
mod token;
mod token_file;
mod words;

pub use blocks::Blocks;
pub use error::CorpusError;
pub use token::Token;
pub use token_file::{Sequence, Sequences, TokenFile, TokenFileWriter};
pub use words::{MarkedText, WordMarker, WordRule};
