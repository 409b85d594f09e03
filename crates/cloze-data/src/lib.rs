//! From text to packed batches: tokenizer, dataset readers, splits, corpora, masking, sampling, packing.
//!
//! - [`tokenizer`]: text ↔ token ids, as the checkpoint folder states it
//! - [`readers`]: data files → rows, labelled texts, sentences with tagged words, questions
//! - [`alignment`]: labels of words → labels of sub-words
//! - [`windows`]: long texts → windows that overlap
//! - [`question_windows`]: a question with its context → windows that overlap
//! - [`tags`]: schemes of tags: validated, converted, entities of them
//! - [`row_writer`]: rows → a file
//! - [`vector_file`]: vectors → a file
//! - [`splits`]: rows → training, validation and test rows; texts that stand in two of them
//! - [`sentences`]: raw text → sentences
//! - [`corpus`]: texts of any number → token sequences on the disk; blocks and sentence pairs of them
//! - [`masking`]: token sequences → what a masked language model sees and is to predict
//! - [`sampling`]: the batches of an epoch, decided by seed and epoch alone
//! - [`packing`]: encodings → packed batches
//! - [`records`]: rows and examples of any number, on the disk
//! - [`reports`]: what a data set looks like before it is trained on
//! - [`RandomStream`]: the random numbers behind them, the same for ever
//! - [`fingerprint`]: files and rows → hashes that tell whether they changed

pub mod alignment;
pub mod corpus;
pub mod fingerprint;
pub mod masking;
pub mod packing;
pub mod question_windows;
mod random;
pub mod readers;
pub mod records;
pub mod reports;
pub mod row_writer;
pub mod sampling;
pub mod sentences;
pub mod splits;
pub mod tags;
pub mod tokenizer;
pub mod vector_file;
pub mod windows;

pub use random::RandomStream;
