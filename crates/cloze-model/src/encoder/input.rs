use cloze_core::{EncoderConfig, PackedBatch};
use thiserror::Error;

/// Why a batch cannot go through a model.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ForwardError {
    /// A sequence is longer than the position embeddings.
    #[error("sequence {sequence} has {length} tokens, the model reads {limit} at most")]
    TooLong {
        /// Position of the sequence in the batch.
        sequence: usize,
        /// Its tokens.
        length: usize,
        /// `max_position_embeddings`.
        limit: usize,
    },
    /// A token id lies outside the vocabulary.
    #[error(
        "token {position} of sequence {sequence} has id {id}, the model's vocabulary ends at {}: \
         do tokenizer and model belong together?", .vocab_size - 1
    )]
    TokenId {
        /// Position of the sequence in the batch.
        sequence: usize,
        /// Position of the token in its sequence.
        position: usize,
        /// The id.
        id: u32,
        /// `vocab_size`.
        vocab_size: usize,
    },
    /// A token type id lies outside its table.
    #[error(
        "token {position} of sequence {sequence} has token type {id}, the model has {} types",
        .type_vocab_size
    )]
    TokenType {
        /// Position of the sequence in the batch.
        sequence: usize,
        /// Position of the token in its sequence.
        position: usize,
        /// The token type id.
        id: u32,
        /// `type_vocab_size`.
        type_vocab_size: usize,
    },
    /// Pooled output is wanted of an encoder without pooler.
    #[error("this {model_type} encoder has no pooler, so there is no pooled output")]
    NoPooler {
        /// The architecture.
        model_type: String,
    },
}

/// Checks what tensor operations would panic over. An architecture without token types ignores
/// them, as in `transformers`.
pub(super) fn check(batch: &PackedBatch, config: &EncoderConfig) -> Result<(), ForwardError> {
    let limit = config.max_position_embeddings;
    if let Some((sequence, length)) = batch.lengths().enumerate().find(|(_, n)| *n > limit) {
        return Err(ForwardError::TooLong {
            sequence,
            length,
            limit,
        });
    }
    let vocab_size = config.vocab_size;
    if let Some((row, id)) = outside(batch.input_ids(), vocab_size) {
        let (sequence, position) = place(batch, row);
        return Err(ForwardError::TokenId {
            sequence,
            position,
            id,
            vocab_size,
        });
    }
    let type_vocab_size = config.type_vocab_size;
    if type_vocab_size > 0
        && let Some((row, id)) = outside(batch.token_type_ids(), type_vocab_size)
    {
        let (sequence, position) = place(batch, row);
        return Err(ForwardError::TokenType {
            sequence,
            position,
            id,
            type_vocab_size,
        });
    }
    Ok(())
}

fn outside(ids: &[u32], size: usize) -> Option<(usize, u32)> {
    ids.iter()
        .copied()
        .enumerate()
        .find(|(_, id)| *id as usize >= size)
}

/// Sequence and position of a row.
fn place(batch: &PackedBatch, row: usize) -> (usize, usize) {
    let sequence = batch.offsets().partition_point(|&offset| offset <= row) - 1;
    (sequence, row - batch.offsets()[sequence])
}
