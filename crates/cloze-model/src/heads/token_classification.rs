use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use cloze_core::{EncoderConfig, PackedBatch};

use super::BuildError;
use crate::bridge::linear_forward;
use crate::encoder::{
    Builder, DropoutKey, Encoder, ForwardError, ForwardOptions, Linear, Site, dropout, is_frozen,
};
use crate::parameter_source::ParameterSource;

/// Turns the states of tokens into one number a class for each of them: dropout, then a linear
/// layer, as in `transformers`' `BertForTokenClassification`.
#[derive(Module, Debug)]
pub struct TokenClassificationHead {
    /// `[labels, hidden]`; `classifier` among canonical names.
    pub output: Linear,
    #[module(skip)]
    dropout: f64,
}

impl TokenClassificationHead {
    /// Number of classes.
    pub fn labels(&self) -> usize {
        self.output.bias.dims()[0]
    }

    /// Probability with which training drops an element of the states.
    pub fn dropout(&self) -> f64 {
        self.dropout
    }

    /// States, `[rows, hidden]` → logits, `[rows, labels]`.
    fn forward(&self, states: Tensor<2>, key: Option<DropoutKey>) -> Tensor<2> {
        let key = key.filter(|_| !is_frozen(self));
        let states = dropout(states, key, Site::HeadOutput, self.dropout);
        linear_forward(&self.output, states)
    }
}

/// An encoder, without pooler, with a head that gives every token one of several classes.
#[derive(Module, Debug)]
pub struct TokenClassifier {
    /// The encoder.
    pub encoder: Encoder,
    /// What stands on top of it.
    pub head: TokenClassificationHead,
}

impl TokenClassifier {
    /// Builds a model for `labels` classes out of the tensors of a source.
    ///
    /// # Errors
    /// If a tensor cannot be had, there are no labels, or `dropout` is no probability.
    pub fn new(
        config: &EncoderConfig,
        dropout: f64,
        labels: usize,
        source: &mut dyn ParameterSource,
        device: &Device,
    ) -> Result<Self, BuildError> {
        if labels == 0 {
            return Err(BuildError::Empty {
                widths: vec![labels],
            });
        }
        if !(0.0..1.0).contains(&dropout) {
            return Err(BuildError::Dropout(dropout));
        }
        let config = EncoderConfig {
            pooler: false,
            ..config.clone()
        };
        let encoder = Encoder::new(&config, source, device)?;
        let mut builder = Builder::new(source, device, config.initializer_range);
        let output = Linear::new(&mut builder, "classifier", config.hidden_size, labels)?;
        let head = TokenClassificationHead { output, dropout };
        Ok(Self { encoder, head })
    }

    /// Runs a batch through the encoder, and the head on these rows of `[tokens, hidden]` alone:
    /// `[rows, labels]`.
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
    ) -> Result<Tensor<2>, ForwardError> {
        let states = self.encoder.forward(batch, options)?.last_hidden_state;
        Ok(self.classify(&states, rows, options))
    }

    /// The head on some rows of states, `[tokens, hidden]` → `[rows, labels]`.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn classify(
        &self,
        states: &Tensor<2>,
        rows: &[usize],
        options: &ForwardOptions,
    ) -> Tensor<2> {
        let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
        let rows = Tensor::<1, Int>::from_data(rows.as_slice(), &states.device());
        self.head
            .forward(states.clone().select(0, rows), options.dropout)
    }

    /// Whether training leaves the encoder alone, so that its states are the same in every epoch.
    pub fn has_frozen_encoder(&self) -> bool {
        is_frozen(&self.encoder)
    }

    /// Last hidden states, without dropout: `[tokens, hidden]`.
    ///
    /// # Errors
    /// As [`Encoder::forward`].
    pub fn encode(&self, batch: &PackedBatch) -> Result<Tensor<2>, ForwardError> {
        let output = self.encoder.forward(batch, &ForwardOptions::default())?;
        Ok(output.last_hidden_state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RandomParameters;
    use crate::architectures::Bert;
    use crate::freeze::FreezeSpec;
    use crate::named::parameter_names;
    use crate::testing::{batch, tiny_config};

    fn model(device: &Device) -> TokenClassifier {
        let mut source = RandomParameters::new(5);
        TokenClassifier::new(&tiny_config(), 0.4, 3, &mut source, device).unwrap()
    }

    fn values(tensor: Tensor<2>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn there_is_no_pooler_and_the_head_is_called_classifier() {
        let names = parameter_names(&model(&Device::flex()));
        assert!(!names.iter().any(|name| name.starts_with("pooler.")));
        let head = &names[names.len() - 2..];
        assert_eq!(head, ["classifier.weight", "classifier.bias"]);
    }

    #[test]
    fn the_head_sees_the_rows_that_it_is_asked_for() {
        let model = model(&Device::flex());
        let batch = batch(&[&[1, 2, 3], &[4, 5]]);
        let run = |rows: &[usize]| {
            let logits = model.forward(&batch, rows, &ForwardOptions::default());
            values(logits.unwrap())
        };
        let all = run(&[0, 1, 2, 3, 4]);
        assert_eq!(all.len(), 5 * 3);
        let some = run(&[4, 1]);
        assert_eq!(some[..3], all[12..]);
        assert_eq!(some[3..], all[3..6]);
    }

    #[test]
    fn kept_states_of_a_frozen_encoder_give_the_same_logits_with_dropout_too() {
        let device = Device::flex().autodiff();
        let spec = FreezeSpec::parse(&["encoder"]).unwrap();
        let (model, _) = spec.apply(model(&device), &Bert).unwrap();
        assert!(model.has_frozen_encoder());
        let batch = batch(&[&[1, 2, 3], &[4, 5]]);
        let states = model.encode(&batch).unwrap();
        let options = ForwardOptions {
            dropout: Some(DropoutKey { seed: 4, step: 2 }),
            ..ForwardOptions::default()
        };
        for options in [options, ForwardOptions::default()] {
            let whole = model.forward(&batch, &[1, 4], &options).unwrap();
            let kept = model.classify(&states, &[1, 4], &options);
            assert_eq!(values(kept), values(whole));
        }
    }

    #[test]
    fn no_labels_and_a_dropout_of_everything_are_refused() {
        let build = |dropout, labels| {
            let mut source = RandomParameters::new(5);
            let device = Device::flex();
            TokenClassifier::new(&tiny_config(), dropout, labels, &mut source, &device)
                .unwrap_err()
                .to_string()
        };
        assert!(build(0.1, 0).ends_with("found [0]"));
        assert!(build(1.0, 2).ends_with("found 1"));
    }
}
