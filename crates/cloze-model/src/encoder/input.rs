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
        /// [`EncoderConfig::longest_sequence`].
        limit: usize,
    },
    /// A sequence has nothing that the head could read.
    #[error("sequence {sequence} has {length} tokens, the head reads {wanted} at least")]
    TooShort {
        /// Position of the sequence in the batch.
        sequence: usize,
        /// Its tokens.
        length: usize,
        /// The fewest tokens, special ones included.
        wanted: usize,
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
    let limit = config.longest_sequence();
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

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use cloze_core::PositionNumbering;

    use super::*;
    use crate::testing::{batch, classifier, head, tiny_config};
    use crate::{Encoder, Features, ForwardOptions, RandomParameters};

    fn error(batch: &PackedBatch) -> String {
        let model = classifier(&head(Features::Cls, &[]), &Device::flex());
        model
            .forward(batch, &ForwardOptions::default())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_does_not_fit_the_model_is_named() {
        assert_eq!(
            error(&batch(&[&[1], &[1; 7]])),
            "sequence 1 has 7 tokens, the model reads 6 at most"
        );
        assert_eq!(
            error(&batch(&[&[1, 2], &[10, 3, 11]])),
            "token 2 of sequence 1 has id 11, the model's vocabulary ends at 10: \
             do tokenizer and model belong together?"
        );
        let pair = PackedBatch::new(vec![1, 2, 3], vec![0, 1, 2], vec![0, 1, 3]).unwrap();
        assert_eq!(
            error(&pair),
            "token 1 of sequence 1 has token type 2, the model has 2 types"
        );
    }

    #[test]
    fn the_longest_sequence_and_the_last_id_are_read() {
        let model = classifier(&head(Features::Cls, &[]), &Device::flex());
        assert!(
            model
                .forward(&batch(&[&[10; 6]]), &ForwardOptions::default())
                .is_ok()
        );
    }

    #[test]
    fn positions_behind_padding_leave_room_for_fewer_tokens() {
        let config = EncoderConfig {
            position_numbering: PositionNumbering::AfterPadding,
            pad_token_id: 1,
            ..tiny_config()
        };
        let device = Device::flex();
        let encoder = Encoder::new(&config, &mut RandomParameters::new(0), &device).unwrap();
        let read = |ids: &[u32]| encoder.forward(&batch(&[ids]), &ForwardOptions::default());
        assert!(read(&[5; 4]).is_ok());
        assert_eq!(
            read(&[5; 5]).unwrap_err().to_string(),
            "sequence 0 has 5 tokens, the model reads 4 at most"
        );
    }

    #[test]
    fn an_architecture_without_token_types_or_pooler_says_so_or_ignores_them() {
        let mut config = tiny_config();
        (config.type_vocab_size, config.pooler) = (0, false);
        let device = Device::flex();
        let encoder = Encoder::new(&config, &mut RandomParameters::new(0), &device).unwrap();
        let batch = PackedBatch::new(vec![1, 2], vec![0, 1], vec![0, 2]).unwrap();
        let output = encoder.forward(&batch, &ForwardOptions::default()).unwrap();
        assert_eq!(
            encoder
                .pooled(output.last_hidden_state, &batch)
                .unwrap_err()
                .to_string(),
            "this bert encoder has no pooler, so there is no pooled output"
        );
    }
}
