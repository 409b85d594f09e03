use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result};
use cloze_core::PackedBatch;
use serde::Deserialize;

/// Batches of token ids, as `bench/batches.py` writes them.
#[derive(Debug, Deserialize)]
pub struct BatchFile {
    /// In the order in which they are computed.
    pub batches: Vec<StoredBatch>,
}

/// Token ids and labels of the sequences of a batch.
#[derive(Debug, Deserialize)]
pub struct StoredBatch {
    /// `[batch][seq]`, without padding.
    pub input_ids: Vec<Vec<u32>>,
    /// `[batch]`.
    pub labels: Vec<usize>,
}

impl BatchFile {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or is no such file.
    pub fn read(file: &Path) -> Result<Self> {
        let name = || file.display().to_string();
        let reader = BufReader::new(File::open(file).with_context(name)?);
        serde_json::from_reader(reader).with_context(name)
    }

    /// The number of different labels: the highest one and 1.
    ///
    /// # Errors
    /// If there is no label.
    pub fn labels(&self) -> Result<usize> {
        let labels = self.batches.iter().flat_map(|batch| &batch.labels);
        Ok(labels.max().context("there are no labels")? + 1)
    }
}

impl StoredBatch {
    /// The sequences without padding; all tokens are of type 0.
    ///
    /// # Errors
    /// If there is no sequence, or an empty one.
    pub fn packed(&self) -> Result<PackedBatch> {
        let longest = self.input_ids.iter().map(Vec::len).max().unwrap_or(0);
        let type_ids = vec![0; longest];
        let sequences = self
            .input_ids
            .iter()
            .map(|ids| (ids.as_slice(), &type_ids[..ids.len()]));
        Ok(PackedBatch::from_sequences(sequences)?)
    }
}
