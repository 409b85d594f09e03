use cloze_core::PackedBatch;
use cloze_model::ForwardOptions;
use cloze_tasks::NextTokenModel;

use crate::{InferError, MaskedLanguagePipeline};

/// What says which token may come next.
pub trait NextToken: Send + Sync {
    /// Tokens of the vocabulary.
    fn vocab_size(&self) -> usize;

    /// The logits of the token behind each of these texts, given as their ids without special
    /// tokens: `[texts, vocab]`, row by row. What is said of a text does not depend on the others,
    /// and the cost does not grow with its length.
    ///
    /// # Errors
    /// If the model refuses a text.
    fn next_logits(&self, written: &[&[u32]]) -> Result<Vec<f32>, InferError>;

    /// The most tokens of a text that have a say in what comes next.
    fn context(&self) -> usize;
}

impl NextToken for NextTokenModel {
    fn vocab_size(&self) -> usize {
        self.vocab_size()
    }

    fn next_logits(&self, written: &[&[u32]]) -> Result<Vec<f32>, InferError> {
        Ok(self.next_logits(written)?)
    }

    fn context(&self) -> usize {
        self.context()
    }
}

/// A masked language model continues a text by filling the first of a few masks at its end.
///
/// With one mask before `[SEP]` it would write what ends a text: a full stop.
#[derive(Debug)]
pub struct MaskedNextToken {
    model: MaskedLanguagePipeline,
    context: usize,
}

impl MaskedNextToken {
    /// Tokens that are read, where the model reads that many: `[CLS]`, the end of the text, masks
    /// and `[SEP]`.
    pub const WINDOW: usize = 64;
    /// Masks behind the text.
    pub const MASKS: usize = 4;
    const SPECIAL: usize = Self::MASKS + 2;

    /// The model of a pipeline.
    pub fn new(model: MaskedLanguagePipeline) -> Self {
        Self::with_window(model, Self::WINDOW)
    }

    /// The same with another window, in tokens, special ones included.
    pub fn with_window(model: MaskedLanguagePipeline, window: usize) -> Self {
        let window = window.min(model.max_length());
        Self {
            context: window.saturating_sub(Self::SPECIAL),
            model,
        }
    }
}

impl NextToken for MaskedNextToken {
    fn vocab_size(&self) -> usize {
        self.model.model().encoder.config().vocab_size
    }

    fn next_logits(&self, written: &[&[u32]]) -> Result<Vec<f32>, InferError> {
        let special = self.model.tokenizer().special();
        let sequence = |text: &&[u32]| {
            let read = &text[text.len().saturating_sub(self.context)..];
            let mut ids = vec![special.cls.id];
            ids.extend_from_slice(read);
            ids.extend([special.mask.id; Self::MASKS]);
            ids.push(special.sep.id);
            ids
        };
        let sequences: Vec<Vec<u32>> = written.iter().map(sequence).collect();
        let types = vec![0; self.context + Self::SPECIAL];
        let packed = PackedBatch::from_sequences(
            sequences
                .iter()
                .map(|ids| (ids.as_slice(), &types[..ids.len()])),
        )?;
        let ends = packed.offsets().iter().skip(1);
        let rows: Vec<usize> = ends.map(|end| end - Self::MASKS - 1).collect();
        let output = self
            .model
            .model()
            .forward(&packed, &rows, &ForwardOptions::default())?;
        Ok(output.logits.into_data().iter::<f32>().collect())
    }

    fn context(&self) -> usize {
        self.context
    }
}
