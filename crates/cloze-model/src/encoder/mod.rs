//! The encoder, one for all architectures, on packed batches.

mod activation;
mod attention;
mod build;
mod dropout;
mod embeddings;
mod frozen;
mod input;
mod layer;
mod layer_norm;
mod linear;
mod padding;
mod precision;

use std::cell::OnceCell;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use cloze_core::{EncoderConfig, PackedBatch};
use cloze_platform::threads;

pub use attention::{Attention, ResidualOutput, SelfAttention};
pub use dropout::DropoutKey;
pub use embeddings::{Embedding, Embeddings};
pub use input::ForwardError;
pub use layer::{EncoderLayer, Intermediate};
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use padding::unpack;
pub use precision::Precision;

pub(crate) use activation::{activate, kernel_activation};
pub(crate) use build::Builder;
pub(crate) use dropout::{Site, dropout};
pub(crate) use embeddings::position_ids;
pub(crate) use frozen::is_frozen;
pub(crate) use layer::{LayerContext, LayerOutput};
pub(crate) use linear::affine;
pub(crate) use padding::Padding;

use crate::bridge::{self, PackedLayers};
use crate::parameter_source::{ParameterError, ParameterSource};

/// What a forward pass does besides the usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForwardOptions {
    /// Drops activations, as training does; parts of a model without a trainable parameter run
    /// without dropout all the same.
    pub dropout: Option<DropoutKey>,
    /// Keeps of every layer only its input and computes the rest again on the way back: less
    /// memory for a third more work.
    pub gradient_checkpointing: bool,
    /// What the matrix products of the layers are computed in.
    pub precision: Precision,
    /// Keeps the hidden states of every layer.
    pub output_hidden_states: bool,
    /// Keeps the attention weights of every layer.
    pub output_attentions: bool,
}

/// What an encoder gives.
#[derive(Clone, Debug)]
pub struct EncoderOutput {
    /// `[tokens, hidden]`; [`unpack`] makes `[batch, seq, hidden]` of it.
    pub last_hidden_state: Tensor<2>,
    /// `layers + 1` times `[tokens, hidden]`, of which the first are the embeddings, if asked for.
    pub hidden_states: Option<Vec<Tensor<2>>>,
    /// `layers` times `[batch, heads, seq, seq]`, if asked for: what the softmax gave, after
    /// dropout if there is any, as in `transformers`. Zero at padding.
    pub attentions: Option<Vec<Tensor<4>>>,
}

/// A dense layer and tanh over the first row of every sequence.
#[derive(Module, Debug)]
pub struct Pooler {
    /// `[hidden, hidden]`.
    pub dense: Linear,
}

/// A stack of encoder layers over embeddings (Devlin et al. 2018), with a pooler where the
/// architecture has one.
#[derive(Module, Debug)]
pub struct Encoder {
    /// Word, position and token type embeddings.
    pub embeddings: Embeddings,
    /// The layers, first to last.
    pub layers: Vec<EncoderLayer>,
    /// Where the architecture has one.
    pub pooler: Option<Pooler>,
    #[module(skip)]
    config: EncoderConfig,
    #[module(skip)]
    packed: Option<Arc<PackedLayers>>,
}

impl Encoder {
    /// Builds an encoder out of the tensors of a source. On a device with autodiff all
    /// parameters are trainable.
    ///
    /// # Errors
    /// If the source does not have a tensor in the shape that the configuration wants.
    pub fn new(
        config: &EncoderConfig,
        source: &mut dyn ParameterSource,
        device: &Device,
    ) -> Result<Self, ParameterError> {
        let mut builder = Builder::new(source, device, config.initializer_range);
        let hidden = config.hidden_size;
        Ok(Self {
            embeddings: Embeddings::new(&mut builder, config)?,
            layers: (0..config.num_hidden_layers)
                .map(|index| EncoderLayer::new(&mut builder, index, config))
                .collect::<Result<_, _>>()?,
            pooler: config
                .pooler
                .then(|| Linear::new(&mut builder, "pooler.dense", hidden, hidden))
                .transpose()?
                .map(|dense| Pooler { dense }),
            config: config.clone(),
            packed: None,
        })
    }

    /// Packs the weights of the layers, for a model that will compute many batches and not be
    /// trained: on the CPU every batch would pack them again. Results stay the same to the bit.
    /// It costs the memory of the layers once more, and does nothing on other devices.
    ///
    /// The weights must not be changed afterwards.
    pub fn pack_weights(&mut self) {
        self.packed = PackedLayers::new(&self.layers, &self.config).map(Arc::new);
    }

    /// Runs a forward pass, or a part of one, where its products are: with packed weights, on the
    /// threads of the CPU.
    pub(crate) fn run<T: Send>(&self, pass: impl FnOnce() -> T + Send) -> T {
        match self.packed {
            Some(_) => threads::run(pass),
            None => pass(),
        }
    }

    /// What a layer needs to know in a pass.
    fn context<'a>(
        &'a self,
        index: usize,
        batch: &'a PackedBatch,
        padding: &'a OnceCell<Padding>,
        options: &ForwardOptions,
    ) -> LayerContext<'a> {
        LayerContext {
            config: &self.config,
            batch,
            padding,
            layer: index,
            packed: self.packed.as_deref().map(|packed| packed.layer(index)),
            dropout: options.dropout.filter(|_| !is_frozen(&self.layers[index])),
            gradient_checkpointing: options.gradient_checkpointing,
            precision: options.precision,
            output_attentions: options.output_attentions,
        }
    }

    /// What the encoder is made of.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    pub(crate) fn config_mut(&mut self) -> &mut EncoderConfig {
        &mut self.config
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.embeddings.word_embeddings.weight.device()
    }

    /// Runs a batch through all layers.
    ///
    /// # Errors
    /// If a sequence is longer than the position embeddings, or an id lies outside its table.
    pub fn forward(
        &self,
        batch: &PackedBatch,
        options: &ForwardOptions,
    ) -> Result<EncoderOutput, ForwardError> {
        input::check(batch, &self.config)?;
        Ok(self.run(|| self.all_layers(batch, options)))
    }

    fn all_layers(&self, batch: &PackedBatch, options: &ForwardOptions) -> EncoderOutput {
        let padding = OnceCell::new();
        let mut hidden =
            bridge::embeddings_forward(&self.embeddings, batch, &self.config, options.dropout);
        let mut hidden_states = options.output_hidden_states.then(|| vec![hidden.clone()]);
        let mut attentions = options.output_attentions.then(Vec::new);
        for (index, layer) in self.layers.iter().enumerate() {
            let context = self.context(index, batch, &padding, options);
            let output = bridge::layer_forward(layer, hidden, &context);
            hidden = output.hidden;
            if let Some(states) = &mut hidden_states {
                states.push(hidden.clone());
            }
            if let (Some(all), Some(weights)) = (&mut attentions, output.attentions) {
                all.push(weights);
            }
        }
        EncoderOutput {
            last_hidden_state: hidden,
            hidden_states,
            attentions,
        }
    }

    /// The first row of every sequence, that of `[CLS]`: `[tokens, hidden]` → `[batch, hidden]`.
    pub fn first_rows(&self, hidden: Tensor<2>, batch: &PackedBatch) -> Tensor<2> {
        let rows: Vec<i64> = batch.offsets()[..batch.sequences()]
            .iter()
            .map(|&row| row as i64)
            .collect();
        let rows = Tensor::<1, Int>::from_data(rows.as_slice(), &hidden.device());
        hidden.select(0, rows)
    }

    /// The pooled output: `[tokens, hidden]` → `[batch, hidden]`.
    ///
    /// # Errors
    /// If the encoder has no pooler.
    pub fn pooled(
        &self,
        hidden: Tensor<2>,
        batch: &PackedBatch,
    ) -> Result<Tensor<2>, ForwardError> {
        self.pool(self.first_rows(hidden, batch))
    }

    /// The pooled output of first rows: `[batch, hidden]` → the same shape.
    ///
    /// # Errors
    /// If the encoder has no pooler.
    pub fn pool(&self, first_rows: Tensor<2>) -> Result<Tensor<2>, ForwardError> {
        let pooler = self.pooler.as_ref().ok_or_else(|| ForwardError::NoPooler {
            model_type: self.config.model_type.clone(),
        })?;
        Ok(bridge::linear_forward(&pooler.dense, first_rows).tanh())
    }
}
