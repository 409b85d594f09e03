//! Word embeddings that grow with the vocabulary.

use burn::tensor::Tensor;
use thiserror::Error;

use crate::encoder::Encoder;
use crate::parameter_source::{Init, ParameterError, ParameterSource, RandomParameters};

/// Why embeddings cannot be resized.
#[derive(Debug, Error)]
pub enum ResizeError {
    /// Words would be lost.
    #[error("the vocabulary has {from} words and cannot shrink to {to}")]
    Shrinks {
        /// Words now.
        from: usize,
        /// Words wanted.
        to: usize,
    },
    /// The new rows could not be drawn.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
}

/// Grows the word embeddings to `vocab_size` rows. Old rows stay as they are; new ones are drawn
/// with the model's `initializer_range`. Whether they are trainable stays too.
///
/// # Errors
/// If the vocabulary would shrink.
pub fn resize_embeddings(
    mut encoder: Encoder,
    vocab_size: usize,
    seed: u64,
) -> Result<Encoder, ResizeError> {
    let config = encoder.config();
    let (from, hidden) = (config.vocab_size, config.hidden_size);
    if vocab_size < from {
        return Err(ResizeError::Shrinks {
            from,
            to: vocab_size,
        });
    }
    if vocab_size == from {
        return Ok(encoder);
    }
    let rows = RandomParameters::new(seed).get(
        &format!("embeddings.word_embeddings.weight from {from}"),
        &[vocab_size - from, hidden],
        Init::Normal(config.initializer_range),
    )?;
    let table = &mut encoder.embeddings.word_embeddings;
    let trainable = table.weight.is_require_grad();
    table.weight = table.weight.clone().map(|old| {
        let device = old.device();
        let new = Tensor::<2>::from_data(rows, &device);
        // A parameter is a leaf: the sum of its parts must not remember them.
        let old = old.detach().set_require_grad(false);
        let grown = Tensor::cat(vec![old, new], 0).detach();
        if trainable {
            grown.require_grad()
        } else {
            grown
        }
    });
    encoder.config_mut().vocab_size = vocab_size;
    Ok(encoder)
}
