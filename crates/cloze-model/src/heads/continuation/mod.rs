//! A model that says which token comes next: an encoder, a head over its rows, one number a word of
//! the vocabulary.

mod attention;
mod config;
mod lstm;
mod rows;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cloze_core::{EncoderConfig, PackedBatch};

pub use attention::RowAttention;
pub use config::{
    ContinuationConfig, ContinuationHeadConfig, ContinuationHeadKind, ContinuationSamples,
};
pub use lstm::LstmLayer;
use rows::HeadRows;

use super::{BuildError, MaskedLanguageHead};
use crate::bridge::{PackedMatrix, linear_forward};
use crate::encoder::{
    Builder, DropoutKey, Encoder, ForwardError, ForwardOptions, Linear, Site, activate, dropout,
    is_frozen,
};
use crate::parameter_source::ParameterSource;

/// Tokens of the shortest sequence: `[CLS]`, one that is read, `[SEP]`.
const SHORTEST: usize = 3;

/// What stands between the encoder and the logits of the next token.
///
/// The row that is read is that of the last token before `[SEP]`: the last one of a window, the
/// `[MASK]` of a prefix.
#[derive(Module, Debug)]
pub struct ContinuationHead {
    /// `[width, hidden]`, where the head is of two dense layers.
    pub dense: Option<Linear>,
    /// Layers, first to last, where the head has an LSTM.
    pub lstm: Vec<LstmLayer>,
    /// Where the head has one.
    pub attention: Option<RowAttention>,
    /// `[vocab, width]`; none where the word embeddings stand in its place.
    pub decoder: Option<Linear>,
    /// The head of masked words, where that is the head.
    pub masked: Option<MaskedLanguageHead>,
    #[module(skip)]
    config: ContinuationHeadConfig,
    #[module(skip)]
    packed: Option<Arc<PackedMatrix>>,
}

impl ContinuationHead {
    fn new(
        builder: &mut Builder<'_>,
        config: &ContinuationHeadConfig,
        encoder: &EncoderConfig,
    ) -> Result<Self, BuildError> {
        config.check()?;
        let (hidden, width) = (encoder.hidden_size, config.hidden_size);
        let is_linear = config.kind == ContinuationHeadKind::Linear;
        let attends = config.kind == ContinuationHeadKind::LstmAttention;
        let is_masked = config.kind == ContinuationHeadKind::MaskedLm;
        let dense = is_linear.then(|| Linear::new(builder, "head.dense", hidden, width));
        let layers = if config.kind.has_lstm() {
            config.layers
        } else {
            0
        };
        let lstm = (0..layers).map(|index| {
            let inputs = if index == 0 { hidden } else { width };
            LstmLayer::new(builder, "head.lstm", index, inputs, width)
        });
        Ok(Self {
            dense: dense.transpose()?,
            lstm: lstm.collect::<Result<_, _>>()?,
            attention: attends
                .then(|| RowAttention::new(builder, "head.attention", width))
                .transpose()?,
            decoder: (!is_masked)
                .then(|| Linear::new(builder, "head.decoder", width, encoder.vocab_size))
                .transpose()?,
            masked: is_masked
                .then(|| MaskedLanguageHead::new(builder, encoder, config.activation))
                .transpose()?,
            config: config.clone(),
            packed: None,
        })
    }

    /// What the head is made of.
    pub fn config(&self) -> &ContinuationHeadConfig {
        &self.config
    }

    /// States, `[tokens, hidden]`, and word embeddings, `[vocab, embedding]` → logits,
    /// `[batch, vocab]`.
    fn forward(
        &self,
        states: Tensor<2>,
        words: Tensor<2>,
        batch: &PackedBatch,
        key: Option<DropoutKey>,
    ) -> Tensor<2> {
        let read = |states| HeadRows::with_special(batch).select_read(states);
        let decoder = match (&self.masked, &self.decoder) {
            (Some(masked), _) => return masked.forward(read(states), words),
            (None, Some(decoder)) => decoder,
            (None, None) => unreachable!("a head has a decoder or is that of masked words"),
        };
        let key = key.filter(|_| !is_frozen(self));
        let rows = match &self.dense {
            Some(dense) => activate(self.config.activation, linear_forward(dense, read(states))),
            None => self.recurrent(states, batch, key),
        };
        let rows = dropout(rows, key, Site::HeadOutput, self.config.dropout);
        match self.packed.as_deref().filter(|_| key.is_none()) {
            Some(packed) => packed.forward(decoder.bias.val(), rows),
            None => linear_forward(decoder, rows),
        }
    }

    /// Packs the matrix of the vocabulary; `words` are the word embeddings, `[vocab, embedding]`.
    fn pack(&mut self, words: &Tensor<2>) {
        if let Some(masked) = &mut self.masked {
            masked.pack_words(words);
        }
        let decoder = self.decoder.as_ref();
        let packed = decoder.and_then(|decoder| PackedMatrix::new(&decoder.weight.val()));
        self.packed = packed.map(Arc::new);
    }

    /// What the LSTM, and the attention over it, say of the rows that are read: `[batch, width]`.
    fn recurrent(
        &self,
        states: Tensor<2>,
        batch: &PackedBatch,
        key: Option<DropoutKey>,
    ) -> Tensor<2> {
        let (rows, mut states) = match self.config.special_rows {
            true => (HeadRows::with_special(batch), states),
            false => {
                let rows = HeadRows::without_special(batch);
                let states = rows.select_all(states);
                (rows, states)
            }
        };
        for (index, layer) in self.lstm.iter().enumerate() {
            if index > 0 {
                let site = Site::HeadLayer { layer: index - 1 };
                states = dropout(states, key, site, self.config.dropout);
            }
            states = layer.forward(states, rows.offsets());
        }
        let read = rows.select_read(states.clone());
        match &self.attention {
            Some(attention) => read + attention.forward(states, &rows, self.config.attention_heads),
            None => read,
        }
    }
}

/// An encoder, without pooler, with a head that says which token comes next.
#[derive(Module, Debug)]
pub struct ContinuationModel {
    /// The encoder.
    pub encoder: Encoder,
    /// What stands on top of it.
    pub head: ContinuationHead,
}

impl ContinuationModel {
    /// Builds a model out of the tensors of a source.
    ///
    /// # Errors
    /// If a tensor cannot be had, or the head has no width.
    pub fn new(
        config: &EncoderConfig,
        head: &ContinuationHeadConfig,
        source: &mut dyn ParameterSource,
        device: &Device,
    ) -> Result<Self, BuildError> {
        let config = EncoderConfig {
            pooler: false,
            ..config.clone()
        };
        let encoder = Encoder::new(&config, source, device)?;
        let mut builder = Builder::new(source, device, config.initializer_range);
        let head = ContinuationHead::new(&mut builder, head, &config)?;
        Ok(Self { encoder, head })
    }

    /// Packs the weights of the encoder's layers and those of the vocabulary, for a model that will
    /// compute many batches and not be trained. Results stay the same to the bit. The weights must
    /// not be changed afterwards. See [`Encoder::pack_weights`].
    pub fn pack_weights(&mut self) {
        self.encoder.pack_weights();
        let words = self.words();
        self.head.pack(&words);
    }

    /// Runs sequences, `[CLS] tokens [SEP]` or `[CLS] tokens [MASK] [SEP]`, through encoder and head:
    /// the logits of the token that comes next, `[batch, vocab]`.
    ///
    /// # Errors
    /// As [`Encoder::forward`], and if a sequence has no token between the special ones.
    pub fn forward(
        &self,
        batch: &PackedBatch,
        options: &ForwardOptions,
    ) -> Result<Tensor<2>, ForwardError> {
        let short = |(_, length): &(usize, usize)| *length < SHORTEST;
        if let Some((sequence, length)) = batch.lengths().enumerate().find(short) {
            return Err(ForwardError::TooShort {
                sequence,
                length,
                wanted: SHORTEST,
            });
        }
        self.encoder.run(|| {
            let states = self.encoder.forward(batch, options)?.last_hidden_state;
            Ok(self
                .head
                .forward(states, self.words(), batch, options.dropout))
        })
    }

    /// The word embeddings, `[vocab, embedding]`.
    fn words(&self) -> Tensor<2> {
        self.encoder.embeddings.word_embeddings.weight.val()
    }
}
