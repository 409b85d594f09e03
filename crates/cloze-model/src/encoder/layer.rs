use burn::module::Module;
use burn::tensor::Tensor;
use cloze_core::EncoderConfig;

use super::activation::activate;
use super::attention::{Attention, ResidualOutput};
use super::build::Builder;
use super::dropout::{DropoutKey, Site};
use super::linear::Linear;
use super::padding::Padding;
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
    pub(crate) padding: &'a Padding,
    pub(crate) layer: usize,
    pub(crate) dropout: Option<DropoutKey>,
    pub(crate) output_attentions: bool,
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

    /// The layer out of the tensor library's own operations, for any device: `[tokens, hidden]` →
    /// the same shape.
    pub(crate) fn forward_composed(
        &self,
        hidden: Tensor<2>,
        context: &LayerContext<'_>,
    ) -> LayerOutput {
        let config = context.config;
        let (attended, weights) = self.attention.forward(hidden, context);
        let wide = activate(
            config.hidden_act,
            self.intermediate.dense.forward(attended.clone()),
        );
        let site = Site::FeedForward {
            layer: context.layer,
        };
        let hidden = self
            .output
            .forward(wide, attended, context, site, config.hidden_dropout_prob);
        let attentions = context
            .output_attentions
            .then(|| context.padding.clear_padding(weights));
        LayerOutput { hidden, attentions }
    }
}
