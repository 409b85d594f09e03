use std::path::Path;

use burn::tensor::Device;
use cloze_core::PackedBatch;
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::{Checkpoint, load_continuation};
use cloze_model::{ContinuationConfig, ContinuationModel, ForwardOptions};

use super::ContinuationInput;
use crate::TaskError;

/// A trained model that says how likely every token is to come next.
#[derive(Debug)]
pub struct NextTokenModel {
    model: ContinuationModel,
    config: ContinuationConfig,
    input: ContinuationInput,
}

impl NextTokenModel {
    /// Loads what a run of this task has saved. `tokenizer` is that of the same folder.
    ///
    /// # Errors
    /// If the folder holds no such model, a tensor of it is missing, or its weights cannot be read.
    pub fn open(folder: &Path, tokenizer: &Tokenizer, device: &Device) -> Result<Self, TaskError> {
        let checkpoint = Checkpoint::open(folder)?;
        let config = checkpoint.wanted_continuation()?.clone();
        let (mut model, report) = load_continuation(&checkpoint, &config.head, 0, device)?;
        if !report.missing.is_empty() {
            return Err(TaskError::MissingWeights {
                folder: folder.into(),
                missing: report.missing,
            });
        }
        model.pack_weights();
        Ok(Self {
            input: ContinuationInput::new(&config, tokenizer.special()),
            model,
            config,
        })
    }

    /// What the model reads, and its head.
    pub fn config(&self) -> &ContinuationConfig {
        &self.config
    }

    /// Encoder and head.
    pub fn model(&self) -> &ContinuationModel {
        &self.model
    }

    /// How the sequences are made that the model reads.
    pub fn input(&self) -> &ContinuationInput {
        &self.input
    }

    /// The most tokens of a text that have a say in what comes next: what stands before them costs
    /// nothing.
    pub fn context(&self) -> usize {
        self.input.context()
    }

    /// Logits of one text: one for every token of the vocabulary.
    pub fn vocab_size(&self) -> usize {
        self.model.encoder.config().vocab_size
    }

    /// The logits of the token behind each of these texts, given as their ids without special
    /// tokens: `[texts, vocab]`, row by row. A text that is longer than the model reads is read
    /// from its end. What it says about a text does not depend on the others.
    ///
    /// # Errors
    /// If there is no text, one has no token, or an id is none of the vocabulary's.
    pub fn next_logits(&self, written: &[&[u32]]) -> Result<Vec<f32>, TaskError> {
        let sequences: Vec<Vec<u32>> = written
            .iter()
            .map(|text| self.input.sequence(text))
            .collect();
        let longest = sequences.iter().map(Vec::len).max().unwrap_or(0);
        let types = vec![0; longest];
        let packed = sequences
            .iter()
            .map(|ids| (ids.as_slice(), &types[..ids.len()]));
        let packed = PackedBatch::from_sequences(packed)?;
        let logits = self.model.forward(&packed, &ForwardOptions::default())?;
        Ok(logits.into_data().iter::<f32>().collect())
    }
}
