//! Word embeddings that grow with the vocabulary.

use burn::module::Param;
use burn::tensor::{Device, Tensor};
use thiserror::Error;

use crate::encoder::Encoder;
use crate::heads::{ContinuationModel, MaskedLanguageModel};
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
    let (from, width) = (config.vocab_size, config.embedding_size);
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
        &[vocab_size - from, width],
        Init::Normal(config.initializer_range),
    )?;
    let table = &mut encoder.embeddings.word_embeddings;
    let rows = Tensor::from_data(rows, &table.weight.device());
    table.weight = with_rows(&table.weight, rows);
    encoder.config_mut().vocab_size = vocab_size;
    Ok(encoder)
}

/// As [`resize_embeddings`], for a masked language model, whose head has a bias for every word:
/// new ones are 0.
///
/// # Errors
/// If the vocabulary would shrink.
pub fn resize_masked_language_model(
    mut model: MaskedLanguageModel,
    vocab_size: usize,
    seed: u64,
) -> Result<MaskedLanguageModel, ResizeError> {
    let from = model.encoder.config().vocab_size;
    model.encoder = resize_embeddings(model.encoder, vocab_size, seed)?;
    if vocab_size > from {
        let bias = &mut model.head.bias;
        let zeros = Tensor::zeros([vocab_size - from], &bias.device());
        *bias = with_rows(bias, zeros);
    }
    Ok(model)
}

/// As [`resize_embeddings`], for a model that says which token comes next, whose head has a bias for
/// every word and, unless the word embeddings stand in their place, a row of weights: new rows are
/// drawn like those of the embeddings, new biases are 0.
///
/// # Errors
/// If the vocabulary would shrink.
pub fn resize_continuation(
    mut model: ContinuationModel,
    vocab_size: usize,
    seed: u64,
) -> Result<ContinuationModel, ResizeError> {
    let config = model.encoder.config();
    let (from, deviation) = (config.vocab_size, config.initializer_range);
    model.encoder = resize_embeddings(model.encoder, vocab_size, seed)?;
    if vocab_size > from {
        let zeros = |device: &Device| Tensor::zeros([vocab_size - from], device);
        if let Some(masked) = &mut model.head.masked {
            masked.bias = with_rows(&masked.bias, zeros(&masked.bias.device()));
        }
        let Some(decoder) = &mut model.head.decoder else {
            return Ok(model);
        };
        let [_, width] = decoder.weight.dims();
        let rows = RandomParameters::new(seed).get(
            &format!("head.decoder.weight from {from}"),
            &[vocab_size - from, width],
            Init::Normal(deviation),
        )?;
        let device = decoder.weight.device();
        decoder.weight = with_rows(&decoder.weight, Tensor::from_data(rows, &device));
        decoder.bias = with_rows(&decoder.bias, zeros(&device));
    }
    Ok(model)
}

/// A parameter with more rows; whether it is trainable stays.
fn with_rows<const D: usize>(parameter: &Param<Tensor<D>>, rows: Tensor<D>) -> Param<Tensor<D>> {
    let trainable = parameter.is_require_grad();
    parameter.clone().map(|old| {
        // A parameter is a leaf: the sum of its parts must not remember them.
        let old = old.detach().set_require_grad(false);
        let grown = Tensor::cat(vec![old, rows], 0).detach();
        if trainable {
            grown.require_grad()
        } else {
            grown
        }
    })
}

#[cfg(test)]
mod tests {
    use cloze_core::Activation;

    use super::*;
    use crate::testing::{batch, tiny_config};
    use crate::{ForwardError, ForwardOptions};

    fn table(encoder: &Encoder) -> Vec<f32> {
        let table = encoder.embeddings.word_embeddings.weight.val();
        table.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn old_rows_stay_and_new_ones_are_drawn_with_the_initializer_range() {
        let mut config = tiny_config();
        config.initializer_range = 0.5;
        let device = Device::flex().autodiff();
        let encoder = Encoder::new(&config, &mut RandomParameters::new(1), &device).unwrap();
        let before = table(&encoder);
        let new_word = batch(&[&[0, config.vocab_size as u32]]);
        let options = ForwardOptions::default();
        let refused = encoder.forward(&new_word, &options).unwrap_err();
        assert!(matches!(refused, ForwardError::TokenId { position: 1, .. }));

        let encoder = resize_embeddings(encoder, config.vocab_size + 100, 2).unwrap();
        let after = table(&encoder);
        assert_eq!(encoder.config().vocab_size, config.vocab_size + 100);
        assert_eq!(after[..before.len()], before);
        let new = &after[before.len()..];
        assert_eq!(new.len(), 100 * config.hidden_size);
        let square = new.iter().map(|value| value * value).sum::<f32>() / new.len() as f32;
        assert!((square.sqrt() - 0.5).abs() < 0.05);

        // The grown table is a parameter like the old one: a gradient reaches its new row.
        let output = encoder
            .forward(&new_word, &options)
            .unwrap()
            .last_hidden_state;
        let gradients = output.powi_scalar(3).sum().backward();
        let gradient = encoder
            .embeddings
            .word_embeddings
            .weight
            .grad(&gradients)
            .unwrap();
        let row = gradient.narrow(0, config.vocab_size, 1);
        assert!(row.abs().sum().into_scalar::<f32>() > 0.0);
    }

    #[test]
    fn the_head_of_a_masked_language_model_grows_with_the_table() {
        let config = tiny_config();
        let mut source = RandomParameters::new(1);
        let (gelu, device) = (Activation::Gelu, Device::flex());
        let model = MaskedLanguageModel::new(&config, gelu, false, &mut source, &device).unwrap();
        let logits = |model: &MaskedLanguageModel| -> Vec<f32> {
            let output = model
                .forward(&batch(&[&[1, 2]]), &[1], &ForwardOptions::default())
                .unwrap();
            output.logits.into_data().try_to_vec().unwrap()
        };
        let before = logits(&model);
        let grown = resize_masked_language_model(model, config.vocab_size + 3, 0).unwrap();
        let after = logits(&grown);
        assert_eq!(after.len(), before.len() + 3);
        for (after, before) in after.iter().zip(before) {
            assert!((after - before).abs() < 1e-5);
        }
    }

    #[test]
    fn narrow_embeddings_grow_in_their_own_width() {
        let mut config = tiny_config();
        config.embedding_size = 6;
        let device = Device::flex();
        let encoder = Encoder::new(&config, &mut RandomParameters::new(1), &device).unwrap();
        let encoder = resize_embeddings(encoder, config.vocab_size + 2, 0).unwrap();
        let table = encoder.embeddings.word_embeddings.weight.val();
        assert_eq!(table.dims(), [config.vocab_size + 2, 6]);
        let new_word = batch(&[&[config.vocab_size as u32]]);
        let output = encoder.forward(&new_word, &ForwardOptions::default());
        assert_eq!(output.unwrap().last_hidden_state.dims(), [1, 8]);
    }

    #[test]
    fn a_frozen_table_stays_frozen_and_none_shrinks() {
        let config = tiny_config();
        let device = Device::flex().autodiff();
        let mut encoder = Encoder::new(&config, &mut RandomParameters::new(1), &device).unwrap();
        let weight = &mut encoder.embeddings.word_embeddings.weight;
        *weight = weight.clone().set_require_grad(false);
        let encoder = resize_embeddings(encoder, config.vocab_size + 1, 0).unwrap();
        assert!(!encoder.embeddings.word_embeddings.weight.is_require_grad());
        let error = resize_embeddings(encoder, 3, 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the vocabulary has 12 words and cannot shrink to 3"
        );
    }
}
