use burn::module::Module;
use burn::tensor::{Tensor, activation};
use cloze_core::EncoderConfig;

use super::build::Builder;
use super::dropout::{Site, attention_dropout, dropout};
use super::layer::LayerContext;
use super::layer_norm::LayerNorm;
use super::linear::Linear;
use crate::parameter_source::ParameterError;

/// Multi-head self-attention (Vaswani et al. 2017) within each sequence of a packed batch.
#[derive(Module, Debug)]
pub struct SelfAttention {
    /// `[hidden, hidden]`.
    pub query: Linear,
    /// `[hidden, hidden]`.
    pub key: Linear,
    /// `[hidden, hidden]`.
    pub value: Linear,
}

impl SelfAttention {
    /// `[tokens, hidden]` → the same shape, and the weights, `[batch, heads, seq, seq]`.
    fn forward(&self, hidden: Tensor<2>, context: &LayerContext<'_>) -> (Tensor<2>, Tensor<4>) {
        let (config, padding) = (context.config, context.padding(&hidden));
        let heads = config.num_attention_heads;
        // Scaled here, where it costs `hidden` products a token instead of `heads · seq`.
        let scale = (config.head_size() as f64).sqrt().recip();
        let linear = |part, input| context.precision.linear(part, input);
        let query = linear(&self.query, hidden.clone()) * scale;
        let key = linear(&self.key, hidden.clone());
        let value = linear(&self.value, hidden);
        let [query, key, value] = [query, key, value].map(|rows| padding.split_heads(rows, heads));
        let scores = padding.mask(query.matmul(key.swap_dims(2, 3)));
        let weights = attention_dropout(
            activation::softmax(scores, 3),
            &padding.lengths,
            context.dropout,
            Site::AttentionWeights {
                layer: context.layer,
            },
            config.attention_probs_dropout_prob,
        );
        (padding.merge_heads(weights.clone().matmul(value)), weights)
    }
}

/// A linear layer whose result is added to an earlier state, and the sum normalised.
#[derive(Module, Debug)]
pub struct ResidualOutput {
    /// `[hidden, in]`.
    pub dense: Linear,
    /// Over the sum.
    pub layer_norm: LayerNorm,
}

impl ResidualOutput {
    pub(crate) fn new(
        builder: &mut Builder<'_>,
        name: &str,
        inputs: usize,
        config: &EncoderConfig,
    ) -> Result<Self, ParameterError> {
        let hidden = config.hidden_size;
        let norm = format!("{name}.LayerNorm");
        Ok(Self {
            dense: Linear::new(builder, &format!("{name}.dense"), inputs, hidden)?,
            layer_norm: LayerNorm::new(builder, &norm, hidden, config.layer_norm_eps)?,
        })
    }

    /// `[tokens, in]` and the state before, `[tokens, hidden]` → `[tokens, hidden]`.
    pub(crate) fn forward(
        &self,
        input: Tensor<2>,
        residual: Tensor<2>,
        context: &LayerContext<'_>,
        site: Site,
        probability: f64,
    ) -> Tensor<2> {
        let output = dropout(
            context.precision.linear(&self.dense, input),
            context.dropout,
            site,
            probability,
        );
        self.layer_norm.forward(output + residual)
    }
}

/// Self-attention and the linear layer after it.
#[derive(Module, Debug)]
pub struct Attention {
    /// The attention proper.
    pub self_attention: SelfAttention,
    /// What follows it.
    pub output: ResidualOutput,
}

impl Attention {
    pub(crate) fn new(
        builder: &mut Builder<'_>,
        name: &str,
        config: &EncoderConfig,
    ) -> Result<Self, ParameterError> {
        let hidden = config.hidden_size;
        let mut linear =
            |part: &str| Linear::new(builder, &format!("{name}.self.{part}"), hidden, hidden);
        let self_attention = SelfAttention {
            query: linear("query")?,
            key: linear("key")?,
            value: linear("value")?,
        };
        let output = ResidualOutput::new(builder, &format!("{name}.output"), hidden, config)?;
        Ok(Self {
            self_attention,
            output,
        })
    }

    /// `[tokens, hidden]` → the same shape, and the weights, `[batch, heads, seq, seq]`.
    pub(crate) fn forward(
        &self,
        hidden: Tensor<2>,
        context: &LayerContext<'_>,
    ) -> (Tensor<2>, Tensor<4>) {
        let (attended, weights) = self.self_attention.forward(hidden.clone(), context);
        let site = Site::AttentionOutput {
            layer: context.layer,
        };
        let probability = context.config.attention_output_dropout_prob;
        (
            self.output
                .forward(attended, hidden, context, site, probability),
            weights,
        )
    }
}
