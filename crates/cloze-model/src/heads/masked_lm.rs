use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use cloze_core::{Activation, EncoderConfig, PackedBatch};

use super::BuildError;
use crate::bridge::{PackedMatrix, affine_forward, linear_forward};
use crate::encoder::{
    Builder, Encoder, EncoderOutput, ForwardError, ForwardOptions, LayerNorm, Linear, activate,
};
use crate::parameter_source::{Init, ParameterError, ParameterSource};

/// Turns the states of tokens into one number a word of the vocabulary: a dense layer, an
/// activation and LayerNorm, then the product with the word embeddings (Devlin et al. 2018).
#[derive(Module, Debug)]
pub struct MaskedLanguageHead {
    /// `[embedding, hidden]`; `cls.predictions.transform.dense` among canonical names.
    pub transform: Linear,
    /// `cls.predictions.transform.LayerNorm` among canonical names.
    pub transform_norm: LayerNorm,
    /// `[vocab]`; `cls.predictions.bias` among canonical names.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    packed_words: Option<Arc<PackedMatrix>>,
}

impl MaskedLanguageHead {
    pub(super) fn new(
        builder: &mut Builder<'_>,
        config: &EncoderConfig,
        activation: Activation,
    ) -> Result<Self, ParameterError> {
        const PREDICTIONS: &str = "cls.predictions";
        // The product with the word embeddings follows.
        let (hidden, width) = (config.hidden_size, config.embedding_size);
        let transform = format!("{PREDICTIONS}.transform");
        Ok(Self {
            transform: Linear::new(builder, &format!("{transform}.dense"), hidden, width)?,
            transform_norm: LayerNorm::new(
                builder,
                &format!("{transform}.LayerNorm"),
                width,
                config.layer_norm_eps,
            )?,
            bias: builder.vector(
                &format!("{PREDICTIONS}.bias"),
                config.vocab_size,
                Init::Zeros,
            )?,
            activation,
            packed_words: None,
        })
    }

    /// States, `[rows, hidden]`, and word embeddings, `[vocab, embedding]` → `[rows, vocab]`.
    pub(super) fn forward(&self, states: Tensor<2>, words: Tensor<2>) -> Tensor<2> {
        let states = activate(self.activation, linear_forward(&self.transform, states));
        let states = self.transform_norm.forward(states);
        match &self.packed_words {
            Some(packed) => packed.forward(self.bias.val(), states),
            None => affine_forward(words, self.bias.val(), states),
        }
    }

    /// Packs the word embeddings, `[vocab, embedding]`, which must not be changed afterwards.
    pub(super) fn pack_words(&mut self, words: &Tensor<2>) {
        self.packed_words = PackedMatrix::new(words).map(Arc::new);
    }
}

/// An encoder with the head of a masked language model, whose last matrix is that of the word
/// embeddings, and, for pretraining as in BERT's paper, next-sentence prediction.
#[derive(Module, Debug)]
pub struct MaskedLanguageModel {
    /// The encoder; without pooler unless there is next-sentence prediction.
    pub encoder: Encoder,
    /// What says which words were masked.
    pub head: MaskedLanguageHead,
    /// `[2, hidden]`; `cls.seq_relationship` among canonical names. Class 0 says that the second
    /// text follows the first.
    pub next_sentence: Option<Linear>,
}

/// What a masked language model gives.
#[derive(Clone, Debug)]
pub struct MaskedLanguageOutput {
    /// `[rows, vocab]`, for the rows that were asked for.
    pub logits: Tensor<2>,
    /// `[batch, 2]`, where the model predicts next sentences.
    pub next_sentence: Option<Tensor<2>>,
    /// What the encoder gave.
    pub encoder: EncoderOutput,
}

impl MaskedLanguageModel {
    /// Builds a model out of the tensors of a source. `activation` is that of the head
    /// ([`Architecture::masked_lm_activation`](crate::Architecture::masked_lm_activation)).
    ///
    /// # Errors
    /// If a tensor cannot be had, or next sentences are to be predicted by an architecture that
    /// has no pooler.
    pub fn new(
        config: &EncoderConfig,
        activation: Activation,
        next_sentence: bool,
        source: &mut dyn ParameterSource,
        device: &Device,
    ) -> Result<Self, BuildError> {
        if next_sentence && !config.pooler {
            return Err(BuildError::NoNextSentence {
                model_type: config.model_type.clone(),
            });
        }
        let config = EncoderConfig {
            pooler: next_sentence,
            ..config.clone()
        };
        let encoder = Encoder::new(&config, source, device)?;
        let mut builder = Builder::new(source, device, config.initializer_range);
        Ok(Self {
            encoder,
            head: MaskedLanguageHead::new(&mut builder, &config, activation)?,
            next_sentence: next_sentence
                .then(|| Linear::new(&mut builder, "cls.seq_relationship", config.hidden_size, 2))
                .transpose()?,
        })
    }

    /// Packs the weights of the encoder's layers and the word embeddings, as
    /// [`Encoder::pack_weights`] does. The weights must not be changed afterwards.
    pub fn pack_weights(&mut self) {
        self.encoder.pack_weights();
        let words = self.encoder.embeddings.word_embeddings.weight.val();
        self.head.pack_words(&words);
    }

    /// Runs a batch through the encoder, and the head on these rows of `[tokens, hidden]` alone.
    ///
    /// # Errors
    /// As [`Encoder::forward`].
    ///
    /// # Panics
    /// If there is no row, or one is none of the batch's tokens.
    pub fn forward(
        &self,
        batch: &PackedBatch,
        rows: &[usize],
        options: &ForwardOptions,
    ) -> Result<MaskedLanguageOutput, ForwardError> {
        self.encoder.run(|| self.pass(batch, rows, options))
    }

    fn pass(
        &self,
        batch: &PackedBatch,
        rows: &[usize],
        options: &ForwardOptions,
    ) -> Result<MaskedLanguageOutput, ForwardError> {
        let encoder = self.encoder.forward(batch, options)?;
        let hidden = encoder.last_hidden_state.clone();
        let next_sentence = match &self.next_sentence {
            Some(linear) => {
                let pooled = self.encoder.pooled(hidden.clone(), batch)?;
                Some(linear_forward(linear, pooled))
            }
            None => None,
        };
        let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
        let rows = Tensor::<1, Int>::from_data(rows.as_slice(), &hidden.device());
        let words = self.encoder.embeddings.word_embeddings.weight.val();
        Ok(MaskedLanguageOutput {
            logits: self.head.forward(hidden.select(0, rows), words),
            next_sentence,
            encoder,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RandomParameters;
    use crate::named::parameter_names;
    use crate::testing::{batch, tiny_config};

    fn model(next_sentence: bool) -> MaskedLanguageModel {
        let mut source = RandomParameters::new(5);
        let (config, device) = (tiny_config(), Device::flex());
        MaskedLanguageModel::new(
            &config,
            Activation::Gelu,
            next_sentence,
            &mut source,
            &device,
        )
        .unwrap()
    }

    #[test]
    fn names_are_those_of_bert_in_transformers() {
        let heads = |model: &MaskedLanguageModel| {
            let names = parameter_names(model).into_iter();
            names
                .filter(|name| name.starts_with("cls.") || name.starts_with("pooler."))
                .collect::<Vec<_>>()
        };
        let masked = [
            "cls.predictions.transform.dense.weight",
            "cls.predictions.transform.dense.bias",
            "cls.predictions.transform.LayerNorm.weight",
            "cls.predictions.transform.LayerNorm.bias",
            "cls.predictions.bias",
        ];
        assert_eq!(heads(&model(false)), masked);
        let mut all = vec!["pooler.dense.weight", "pooler.dense.bias"];
        all.extend(masked);
        all.extend(["cls.seq_relationship.weight", "cls.seq_relationship.bias"]);
        assert_eq!(heads(&model(true)), all);
    }

    #[test]
    fn the_head_sees_the_rows_that_it_is_asked_for() {
        let model = model(true);
        let batch = batch(&[&[1, 2, 3], &[4, 5]]);
        let run = |rows: &[usize]| {
            let output = model.forward(&batch, rows, &ForwardOptions::default());
            let output = output.unwrap();
            assert_eq!(output.next_sentence.unwrap().dims(), [2, 2]);
            let values: Vec<f32> = output.logits.into_data().try_to_vec().unwrap();
            values
        };
        let all = run(&[0, 1, 2, 3, 4]);
        let vocabulary = tiny_config().vocab_size;
        assert_eq!(all.len(), 5 * vocabulary);
        let some = run(&[4, 1]);
        assert_eq!(some[..vocabulary], all[4 * vocabulary..]);
        assert_eq!(some[vocabulary..], all[vocabulary..2 * vocabulary]);
    }

    #[test]
    fn the_word_embeddings_learn_from_both_of_their_uses() {
        let device = Device::flex().autodiff();
        let mut source = RandomParameters::new(5);
        let config = tiny_config();
        let gelu = Activation::Gelu;
        let model = MaskedLanguageModel::new(&config, gelu, false, &mut source, &device).unwrap();
        let batch = batch(&[&[1, 2, 3]]);
        let output = model
            .forward(&batch, &[1], &ForwardOptions::default())
            .unwrap();
        let gradients = output.logits.powi_scalar(2).sum().backward();
        let words = &model.encoder.embeddings.word_embeddings.weight;
        let gradient = words.grad(&gradients).unwrap();
        for row in 0..tiny_config().vocab_size {
            let sum = gradient.clone().narrow(0, row, 1).abs().sum();
            assert!(sum.into_scalar::<f32>() > 0.0, "word {row}");
        }
    }

    #[test]
    fn next_sentences_want_a_pooler() {
        let config = EncoderConfig {
            pooler: false,
            model_type: "distilbert".into(),
            ..tiny_config()
        };
        let mut source = RandomParameters::new(5);
        let (gelu, device) = (Activation::Gelu, Device::flex());
        let refused =
            MaskedLanguageModel::new(&config, gelu, true, &mut source, &device).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "next-sentence prediction needs a pooler, which distilbert does not have: train it \
             as a masked language model alone (`masked-lm`)"
        );
    }
}
