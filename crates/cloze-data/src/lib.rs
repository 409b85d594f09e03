//! From text to packed batches: tokenizer, dataset readers, splits, sampling, packing.
//!
//! - [`readers`]: data files → rows, labelled texts
//! - [`splits`]: rows → training, validation and test rows; texts that stand in two of them
//! - [`sampling`]: the batches of an epoch, decided by seed and epoch alone
//! - [`packing`]: encodings → packed batches
//! - [`reports`]: what a data set looks like before it is trained on
//! - [`fingerprint`]: files and rows → hashes that tell whether they changed

pub mod readers;
