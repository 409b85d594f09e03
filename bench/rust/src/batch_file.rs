use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result};
use cloze_core::PackedBatch;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Token ids and labels of the sequences of a batch.
#[derive(Debug, Deserialize)]
pub struct StoredBatch {
    /// `[batch][seq]`, without padding.
    pub input_ids: Vec<Vec<u32>>,
    /// `[batch]`.
    pub labels: Vec<usize>,
}

/// Token ids of the sequences of a batch after masking, and what was masked.
#[derive(Debug, Deserialize)]
pub struct MaskedBatch {
    /// `[batch][seq]`, without padding.
    pub input_ids: Vec<Vec<u32>>,
    /// `[batch][masked]`: where in its sequence.
    pub positions: Vec<Vec<usize>>,
    /// `[batch][masked]`: the ids that stood there.
    pub targets: Vec<Vec<u32>>,
}

/// Token ids of the sequences of a batch, and their labels.
#[derive(Debug, Deserialize)]
pub struct TaggedBatch {
    /// `[batch][seq]`, without padding.
    pub input_ids: Vec<Vec<u32>>,
    /// `[batch][seq]`; below 0 where a token has none.
    pub labels: Vec<Vec<i64>>,
}

/// Reads a file of batches, as `bench/batches.py` writes them, in the order in which they are
/// computed.
///
/// # Errors
/// If it cannot be read, or is no such file.
pub fn read_batches<B: DeserializeOwned>(file: &Path) -> Result<Vec<B>> {
    #[derive(Deserialize)]
    struct BatchFile<B> {
        batches: Vec<B>,
    }
    let name = || file.display().to_string();
    let reader = BufReader::new(File::open(file).with_context(name)?);
    let file: BatchFile<B> = serde_json::from_reader(reader).with_context(name)?;
    Ok(file.batches)
}

/// The number of different labels: the highest one and 1.
///
/// # Errors
/// If there is no label.
pub fn labels(batches: &[StoredBatch]) -> Result<usize> {
    let labels = batches.iter().flat_map(|batch| &batch.labels);
    Ok(labels.max().context("there are no labels")? + 1)
}

impl StoredBatch {
    /// As [`packed`].
    ///
    /// # Errors
    /// As [`packed`].
    pub fn packed(&self) -> Result<PackedBatch> {
        packed(&self.input_ids)
    }
}

/// The sequences without padding; all tokens are of type 0.
///
/// # Errors
/// If there is no sequence, or an empty one.
pub fn packed(input_ids: &[Vec<u32>]) -> Result<PackedBatch> {
    let longest = input_ids.iter().map(Vec::len).max().unwrap_or(0);
    let type_ids = vec![0; longest];
    let sequences = input_ids
        .iter()
        .map(|ids| (ids.as_slice(), &type_ids[..ids.len()]));
    Ok(PackedBatch::from_sequences(sequences)?)
}
