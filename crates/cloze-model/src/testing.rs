//! Tiny models for unit tests.

use burn::tensor::Device;
use cloze_core::{Activation, EncoderConfig, PackedBatch, PositionNumbering};

use crate::{ClassificationHeadConfig, Features, RandomParameters, SequenceClassifier};

pub(crate) fn tiny_config() -> EncoderConfig {
    EncoderConfig {
        model_type: "bert".into(),
        vocab_size: 11,
        embedding_size: 8,
        hidden_size: 8,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: 12,
        hidden_act: Activation::Gelu,
        hidden_dropout_prob: 0.1,
        attention_output_dropout_prob: 0.1,
        attention_probs_dropout_prob: 0.1,
        max_position_embeddings: 6,
        position_numbering: PositionNumbering::FromZero,
        type_vocab_size: 2,
        layer_norm_eps: 1e-12,
        initializer_range: 0.4,
        pad_token_id: 0,
        pooler: true,
    }
}

pub(crate) fn head(features: Features, hidden: &[usize]) -> ClassificationHeadConfig {
    ClassificationHeadConfig {
        features,
        feature_dropout: 0.0,
        hidden: hidden.into(),
        activation: Activation::Tanh,
        dropout: 0.1,
    }
}

/// A classifier with three labels and random weights.
pub(crate) fn classifier(head: &ClassificationHeadConfig, device: &Device) -> SequenceClassifier {
    let mut source = RandomParameters::new(3);
    SequenceClassifier::new(&tiny_config(), head, 3, &mut source, device).unwrap()
}

/// Sequences of these ids, all of token type 0.
pub(crate) fn batch(sequences: &[&[u32]]) -> PackedBatch {
    let types = vec![0; sequences.iter().map(|ids| ids.len()).max().unwrap_or(0)];
    let sequences = sequences.iter().map(|ids| (*ids, &types[..ids.len()]));
    PackedBatch::from_sequences(sequences).unwrap()
}
