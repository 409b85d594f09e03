use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cloze_core::{EncoderConfig, PackedBatch};

use super::BuildError;
use crate::bridge::linear_forward;
use crate::encoder::{
    Builder, DropoutKey, Encoder, ForwardError, ForwardOptions, Linear, Site, dropout, is_frozen,
};
use crate::parameter_source::ParameterSource;

/// Outputs of the head for every token: that the answer starts there, that it ends there.
const OUTPUTS: usize = 2;

/// Says of every token how much it looks like the first one of the answer, and like the last one:
/// a linear layer, as in `transformers`' `BertForQuestionAnswering`; dropout before it where the
/// architecture has one there (DistilBERT).
#[derive(Module, Debug)]
pub struct QuestionAnsweringHead {
    /// `[2, hidden]`; `qa_outputs` among canonical names.
    pub qa_outputs: Linear,
    #[module(skip)]
    dropout: f64,
}

impl QuestionAnsweringHead {
    /// Probability with which training drops an element of the states.
    pub fn dropout(&self) -> f64 {
        self.dropout
    }

    /// States, `[tokens, hidden]` → logits of start and end, `[tokens, 2]`.
    fn forward(&self, states: Tensor<2>, key: Option<DropoutKey>) -> Tensor<2> {
        let key = key.filter(|_| !is_frozen(self));
        let states = dropout(states, key, Site::HeadOutput, self.dropout);
        linear_forward(&self.qa_outputs, states)
    }
}

/// An encoder, without pooler, with a head that finds where answers start and end.
#[derive(Module, Debug)]
pub struct QuestionAnsweringModel {
    /// The encoder.
    pub encoder: Encoder,
    /// What stands on top of it.
    pub head: QuestionAnsweringHead,
}

impl QuestionAnsweringModel {
    /// Builds a model out of the tensors of a source.
    ///
    /// # Errors
    /// If a tensor cannot be had, or `dropout` is no probability.
    pub fn new(
        config: &EncoderConfig,
        dropout: f64,
        source: &mut dyn ParameterSource,
        device: &Device,
    ) -> Result<Self, BuildError> {
        if !(0.0..1.0).contains(&dropout) {
            return Err(BuildError::Dropout(dropout));
        }
        let config = EncoderConfig {
            pooler: false,
            ..config.clone()
        };
        let encoder = Encoder::new(&config, source, device)?;
        let mut builder = Builder::new(source, device, config.initializer_range);
        let qa_outputs = Linear::new(&mut builder, "qa_outputs", config.hidden_size, OUTPUTS)?;
        let head = QuestionAnsweringHead {
            qa_outputs,
            dropout,
        };
        Ok(Self { encoder, head })
    }

    /// Runs a batch of questions with their contexts through encoder and head: the logits of start
    /// and end of every token, `[tokens, 2]`.
    ///
    /// # Errors
    /// As [`Encoder::forward`].
    pub fn forward(
        &self,
        batch: &PackedBatch,
        options: &ForwardOptions,
    ) -> Result<Tensor<2>, ForwardError> {
        let states = self.encoder.forward(batch, options)?.last_hidden_state;
        Ok(self.answer(states, options))
    }

    /// The head on states: `[tokens, hidden]` → `[tokens, 2]`.
    pub fn answer(&self, states: Tensor<2>, options: &ForwardOptions) -> Tensor<2> {
        self.head.forward(states, options.dropout)
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

    fn model(dropout: f64, device: &Device) -> QuestionAnsweringModel {
        let mut source = RandomParameters::new(5);
        QuestionAnsweringModel::new(&tiny_config(), dropout, &mut source, device).unwrap()
    }

    fn values(tensor: Tensor<2>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn there_is_no_pooler_and_the_head_is_called_qa_outputs() {
        let names = parameter_names(&model(0.0, &Device::flex()));
        assert!(!names.iter().any(|name| name.starts_with("pooler.")));
        let head = &names[names.len() - 2..];
        assert_eq!(head, ["qa_outputs.weight", "qa_outputs.bias"]);
    }

    #[test]
    fn every_token_has_a_start_and_an_end_that_do_not_depend_on_other_sequences() {
        let model = model(0.0, &Device::flex());
        let run = |sequences: &[&[u32]]| {
            let logits = model.forward(&batch(sequences), &ForwardOptions::default());
            values(logits.unwrap())
        };
        let together = run(&[&[1, 2, 3], &[4, 5]]);
        assert_eq!(together.len(), 5 * OUTPUTS);
        assert_eq!(together[6..], run(&[&[4, 5]]));
    }

    #[test]
    fn kept_states_of_a_frozen_encoder_give_the_same_logits_with_dropout_too() {
        let device = Device::flex().autodiff();
        let spec = FreezeSpec::parse(&["encoder"]).unwrap();
        let (model, _) = spec.apply(model(0.4, &device), &Bert).unwrap();
        assert!(model.has_frozen_encoder());
        let batch = batch(&[&[1, 2, 3], &[4, 5]]);
        let states = model.encode(&batch).unwrap();
        let key = DropoutKey { seed: 4, step: 2 };
        let with_dropout = ForwardOptions {
            dropout: Some(key),
            ..ForwardOptions::default()
        };
        let run = |options: &ForwardOptions| {
            let whole = values(model.forward(&batch, options).unwrap());
            assert_eq!(values(model.answer(states.clone(), options)), whole);
            whole
        };
        assert_ne!(run(&with_dropout), run(&ForwardOptions::default()));
    }

    #[test]
    fn a_dropout_of_everything_is_refused() {
        let mut source = RandomParameters::new(5);
        let error = QuestionAnsweringModel::new(&tiny_config(), 1.0, &mut source, &Device::flex());
        assert!(error.unwrap_err().to_string().ends_with("found 1"));
    }
}
