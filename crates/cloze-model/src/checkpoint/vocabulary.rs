use super::{Checkpoint, CheckpointError};

/// Refuses a tokenizer that has more entries than the model has embeddings: its last ids would
/// point at nothing. Fewer entries are fine; many models pad their embeddings to a round number.
///
/// # Errors
/// If `tokenizer_len`, the number of entries with added tokens, exceeds `vocab_size`.
pub fn check_vocabulary(
    checkpoint: &Checkpoint,
    tokenizer_len: usize,
    vocab_size: usize,
) -> Result<(), CheckpointError> {
    if tokenizer_len <= vocab_size {
        return Ok(());
    }
    Err(CheckpointError::Vocabulary {
        folder: checkpoint.folder().into(),
        tokenizer: tokenizer_len,
        embeddings: vocab_size,
    })
}
