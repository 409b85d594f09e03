use cloze_core::Activation;
use serde::{Deserialize, Serialize};

use super::super::BuildError;

/// What stands between the encoder and the vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContinuationHeadKind {
    /// A dense layer and an activation on the row that is read.
    Linear,
    /// An LSTM over the rows of the sequence, from a zero state.
    Lstm,
    /// Such an LSTM, then self-attention over its rows, added to what the LSTM says.
    LstmAttention,
    /// The head that the architecture has for masked words, with the word embeddings as its last
    /// matrix: a checkpoint of a masked language model brings it along.
    MaskedLm,
}

impl ContinuationHeadKind {
    /// Whether there is an LSTM.
    pub fn has_lstm(self) -> bool {
        matches!(self, Self::Lstm | Self::LstmAttention)
    }
}

/// The head of a model that says which token comes next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContinuationHeadConfig {
    /// What it is made of.
    pub kind: ContinuationHeadKind,
    /// Width of the dense layer, or of the LSTM; the head of masked words has the architecture's own.
    pub hidden_size: usize,
    /// Layers of the LSTM.
    pub layers: usize,
    /// Heads of the self-attention, which share the width of the LSTM.
    pub attention_heads: usize,
    /// After the dense layer; the head of masked words has the architecture's own.
    pub activation: Activation,
    /// Dropout between the layers of the LSTM, and before the vocabulary; the head of masked words
    /// has none.
    pub dropout: f64,
    /// Whether the LSTM reads the rows of `[CLS]` and `[SEP]` too.
    pub special_rows: bool,
}

impl ContinuationHeadConfig {
    /// Whether two heads compute the same outside training, with the same parameters.
    pub fn same_function(&self, other: &Self) -> bool {
        let attends = self.kind == ContinuationHeadKind::LstmAttention;
        if self.kind == ContinuationHeadKind::MaskedLm {
            return other.kind == self.kind;
        }
        self.kind == other.kind
            && self.hidden_size == other.hidden_size
            && match self.kind.has_lstm() {
                true => self.layers == other.layers && self.special_rows == other.special_rows,
                false => self.activation == other.activation,
            }
            && (!attends || self.attention_heads == other.attention_heads)
    }

    pub(super) fn check(&self) -> Result<(), BuildError> {
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(BuildError::Dropout(self.dropout));
        }
        let Self {
            kind,
            hidden_size,
            layers,
            attention_heads,
            ..
        } = *self;
        if hidden_size == 0 || (kind.has_lstm() && layers == 0) {
            let widths = vec![hidden_size; layers.max(1)];
            return Err(BuildError::Empty { widths });
        }
        if kind == ContinuationHeadKind::LstmAttention
            && !hidden_size.is_multiple_of(attention_heads)
        {
            return Err(BuildError::AttentionHeads {
                heads: attention_heads,
                width: hidden_size,
            });
        }
        Ok(())
    }
}

/// How a model that says which token comes next is given a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContinuationSamples {
    /// `[CLS] tokens [SEP]`, and the token behind the last one is wanted.
    Windows,
    /// `[CLS] tokens [MASK] [SEP]`, and the token behind the mask is wanted.
    Prefixes,
}

/// A model that says which token comes next: what it reads, and its head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContinuationConfig {
    /// How it is given a text.
    pub samples: ContinuationSamples,
    /// Tokens of a window, or the most tokens of a prefix with its `[MASK]`; without `[CLS]` and
    /// `[SEP]`.
    pub length: usize,
    /// Tokens from one sample to the next in training.
    pub stride: usize,
    /// The head.
    pub head: ContinuationHeadConfig,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(kind: ContinuationHeadKind) -> ContinuationHeadConfig {
        ContinuationHeadConfig {
            kind,
            hidden_size: 8,
            layers: 1,
            attention_heads: 2,
            activation: Activation::Gelu,
            dropout: 0.1,
            special_rows: true,
        }
    }

    #[test]
    fn only_what_a_head_computes_with_tells_it_from_another() {
        type Change = fn(&mut ContinuationHeadConfig);
        let changes: [(Change, [bool; 4]); 6] = [
            (|head| head.dropout = 0.5, [true, true, true, true]),
            (|head| head.hidden_size = 4, [false, false, false, true]),
            (
                |head| head.activation = Activation::Relu,
                [false, true, true, true],
            ),
            (|head| head.layers = 2, [true, false, false, true]),
            (|head| head.special_rows = false, [true, false, false, true]),
            (|head| head.attention_heads = 4, [true, true, false, true]),
        ];
        let kinds = [
            ContinuationHeadKind::Linear,
            ContinuationHeadKind::Lstm,
            ContinuationHeadKind::LstmAttention,
            ContinuationHeadKind::MaskedLm,
        ];
        for (index, (change, same)) in changes.into_iter().enumerate() {
            let found = kinds.map(|kind| {
                let mut other = head(kind);
                change(&mut other);
                other.same_function(&head(kind))
            });
            assert_eq!(found, same, "change {index}");
        }
    }

    #[test]
    fn a_head_without_width_or_with_uneven_attention_is_refused() {
        let check = |kind, change: fn(&mut ContinuationHeadConfig)| {
            let mut head = head(kind);
            change(&mut head);
            head.check().map_err(|error| error.to_string())
        };
        let lstm = ContinuationHeadKind::Lstm;
        assert!(check(lstm, |head| head.layers = 0).is_err());
        assert!(check(ContinuationHeadKind::Linear, |head| head.layers = 0).is_ok());
        assert!(check(lstm, |head| head.hidden_size = 0).is_err());
        assert!(check(lstm, |head| head.dropout = 1.0).is_err());
        let uneven: fn(&mut ContinuationHeadConfig) = |head| head.attention_heads = 3;
        assert!(check(lstm, uneven).is_ok());
        assert_eq!(
            check(ContinuationHeadKind::LstmAttention, uneven).unwrap_err(),
            "3 attention heads do not share a width of 8 evenly"
        );
    }
}
