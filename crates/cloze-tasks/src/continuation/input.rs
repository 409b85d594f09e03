use cloze_data::tokenizer::SpecialTokens;
use cloze_model::{ContinuationConfig, ContinuationSamples};

/// Makes the sequence by which a model is asked for the token behind a text: training and writing
/// both use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContinuationInput {
    samples: ContinuationSamples,
    length: usize,
    cls: u32,
    sep: u32,
    mask: u32,
}

impl ContinuationInput {
    /// For a model that reads texts as `config` says, with the special tokens of its tokenizer.
    pub fn new(config: &ContinuationConfig, special: &SpecialTokens) -> Self {
        Self {
            samples: config.samples,
            length: config.length,
            cls: special.cls.id,
            sep: special.sep.id,
            mask: special.mask.id,
        }
    }

    /// How samples are made.
    pub fn samples(&self) -> ContinuationSamples {
        self.samples
    }

    /// The most tokens of a text that are read before the one that is wanted.
    pub fn context(&self) -> usize {
        match self.samples {
            ContinuationSamples::Windows => self.length,
            ContinuationSamples::Prefixes => self.length - 1,
        }
    }

    /// Tokens of the sequence for a text that is read as a whole.
    pub fn sequence_length(&self, read: usize) -> usize {
        let mask = usize::from(self.samples == ContinuationSamples::Prefixes);
        read + mask + super::SPECIAL
    }

    /// `[CLS] tokens [SEP]` or `[CLS] tokens [MASK] [SEP]` of the last tokens of a text, as many as
    /// the model reads.
    pub fn sequence(&self, written: &[u32]) -> Vec<u32> {
        let read = &written[written.len().saturating_sub(self.context())..];
        let mut ids = Vec::with_capacity(self.sequence_length(read.len()));
        ids.push(self.cls);
        ids.extend_from_slice(read);
        if self.samples == ContinuationSamples::Prefixes {
            ids.push(self.mask);
        }
        ids.push(self.sep);
        ids
    }
}
