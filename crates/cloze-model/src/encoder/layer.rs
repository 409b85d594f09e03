use std::cell::OnceCell;

use burn::module::Module;
use burn::tensor::Tensor;
use cloze_core::{EncoderConfig, PackedBatch};
use cloze_kernels::encoder_layer::PackedLayer;

use super::activation::activate;
use super::attention::{Attention, ResidualOutput};
use super::build::Builder;
use super::dropout::{DropoutKey, Site};
use super::layer_norm::LayerNorm;
use super::linear::Linear;
use super::padding::Padding;
use super::precision::Precision;
use crate::parameter_source::ParameterError;

/// The widening half of the feed-forward block.
#[derive(Module, Debug)]
pub struct Intermediate {
    /// `[intermediate, hidden]`.
    pub dense: Linear,
}

/// Attention and feed-forward block, each with its residual and LayerNorm.
#[derive(Module, Debug)]
pub struct EncoderLayer {
    /// Self-attention.
    pub attention: Attention,
    /// Feed-forward, first half.
    pub intermediate: Intermediate,
    /// Feed-forward, second half.
    pub output: ResidualOutput,
}

/// What a layer needs besides its weights and its input.
pub(crate) struct LayerContext<'a> {
    pub(crate) config: &'a EncoderConfig,
    pub(crate) batch: &'a PackedBatch,
    /// Made when a layer first wants it: the fused one does not.
    pub(crate) padding: &'a OnceCell<Padding>,
    pub(crate) layer: usize,
    /// The same layer with its weights packed.
    pub(crate) packed: Option<&'a PackedLayer>,
    pub(crate) dropout: Option<DropoutKey>,
    pub(crate) gradient_checkpointing: bool,
    pub(crate) precision: Precision,
    pub(crate) output_attentions: bool,
}

impl LayerContext<'_> {
    /// How attention finds the sequences, on the device of `hidden`.
    pub(crate) fn padding(&self, hidden: &Tensor<2>) -> &Padding {
        self.padding
            .get_or_init(|| Padding::new(self.batch, &hidden.device()))
    }
}

/// What a layer gives.
pub(crate) struct LayerOutput {
    /// `[tokens, hidden]`.
    pub(crate) hidden: Tensor<2>,
    /// `[batch, heads, seq, seq]`, if asked for.
    pub(crate) attentions: Option<Tensor<4>>,
}

impl EncoderLayer {
    pub(crate) fn new(
        builder: &mut Builder<'_>,
        index: usize,
        config: &EncoderConfig,
    ) -> Result<Self, ParameterError> {
        let name = format!("encoder.layer.{index}");
        let (hidden, intermediate) = (config.hidden_size, config.intermediate_size);
        Ok(Self {
            attention: Attention::new(builder, &format!("{name}.attention"), config)?,
            intermediate: Intermediate {
                dense: Linear::new(
                    builder,
                    &format!("{name}.intermediate.dense"),
                    hidden,
                    intermediate,
                )?,
            },
            output: ResidualOutput::new(builder, &format!("{name}.output"), intermediate, config)?,
        })
    }

    /// All parameters, matrices and vectors, in the order in which they are computed with.
    pub(crate) fn parameters<T>(
        &self,
        matrix: impl Fn(Tensor<2>) -> T,
        vector: impl Fn(Tensor<1>) -> T,
    ) -> [T; 16] {
        let linear = |linear: &Linear| [matrix(linear.weight.val()), vector(linear.bias.val())];
        let norm = |norm: &LayerNorm| [vector(norm.weight.val()), vector(norm.bias.val())];
        let attention = &self.attention.self_attention;
        let [q, qb] = linear(&attention.query);
        let [k, kb] = linear(&attention.key);
        let [v, vb] = linear(&attention.value);
        let [o, ob] = linear(&self.attention.output.dense);
        let [an, anb] = norm(&self.attention.output.layer_norm);
        let [i, ib] = linear(&self.intermediate.dense);
        let [d, db] = linear(&self.output.dense);
        let [on, onb] = norm(&self.output.layer_norm);
        [q, qb, k, kb, v, vb, o, ob, an, anb, i, ib, d, db, on, onb]
    }

    /// The layer out of the tensor library's own operations, for any device: `[tokens, hidden]` →
    /// the same shape.
    pub(crate) fn forward_composed(
        &self,
        hidden: Tensor<2>,
        context: &LayerContext<'_>,
    ) -> LayerOutput {
        let config = context.config;
        let padding = context.padding(&hidden);
        let (attended, weights) = self.attention.forward(hidden, context);
        let wide = activate(
            config.hidden_act,
            context
                .precision
                .linear(&self.intermediate.dense, attended.clone()),
        );
        let site = Site::FeedForward {
            layer: context.layer,
        };
        let hidden = self
            .output
            .forward(wide, attended, context, site, config.hidden_dropout_prob);
        let attentions = context
            .output_attentions
            .then(|| padding.clear_padding(weights));
        LayerOutput { hidden, attentions }
    }
}
