//! An encoder layer as one operation (Vaswani et al. 2017; Devlin et al. 2018): attention and
//! feed-forward block, each with residual connection and LayerNorm, forward and backward.
//!
//! ```text
//! projected = [x Wqᵀ + bq | x Wkᵀ + bk | x Wvᵀ + bv]      context = attention(projected)
//! attended  = LayerNorm(x + dropout(context Woᵀ + bo))
//! output    = LayerNorm(attended + dropout(activation(attended Wiᵀ + bi) Wdᵀ + bd))
//! ```

mod backward;
mod forward;
mod inference;
mod saved;

#[cfg(test)]
mod tests;

pub use backward::{LayerGradients, LinearGradients, NormGradients};
pub use inference::PackedLayer;
pub use saved::SavedActivations;

use crate::activation::Activation;
use crate::attention::Attention;
use crate::dropout::Dropout;
use crate::layer_norm::LayerNorm;

/// `y = x · weightᵀ + bias`.
#[derive(Clone, Copy, Debug)]
pub struct Linear<'a> {
    /// `[out, in]`, as checkpoints hold it.
    pub weight: &'a [f32],
    /// `[out]`.
    pub bias: &'a [f32],
}

/// The parameters of a layer.
#[derive(Clone, Copy, Debug)]
pub struct LayerWeights<'a> {
    /// `[hidden, hidden]`.
    pub query: Linear<'a>,
    /// `[hidden, hidden]`.
    pub key: Linear<'a>,
    /// `[hidden, hidden]`.
    pub value: Linear<'a>,
    /// `[hidden, hidden]`.
    pub attention_output: Linear<'a>,
    /// Over the attention block.
    pub attention_norm: LayerNorm<'a>,
    /// `[intermediate, hidden]`.
    pub intermediate: Linear<'a>,
    /// `[hidden, intermediate]`.
    pub output: Linear<'a>,
    /// Over the feed-forward block.
    pub output_norm: LayerNorm<'a>,
}

/// What a layer is made of besides its parameters, and what it drops in this pass.
#[derive(Clone, Copy, Debug)]
pub struct LayerSettings<'a> {
    /// Where each sequence begins, and where the last one ends: `[sequences + 1]`.
    pub offsets: &'a [usize],
    /// Elements of a hidden state.
    pub hidden: usize,
    /// Elements between the two halves of the feed-forward block.
    pub intermediate: usize,
    /// Attention heads, a divisor of `hidden`.
    pub heads: usize,
    /// Between the two halves of the feed-forward block.
    pub activation: Activation,
    /// Of the attention weights.
    pub attention_dropout: Option<Dropout>,
    /// Of what the attention block adds.
    pub attention_output_dropout: Option<Dropout>,
    /// Of what the feed-forward block adds.
    pub output_dropout: Option<Dropout>,
}

impl LayerSettings<'_> {
    /// Tokens of the batch.
    pub fn tokens(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0)
    }

    fn attention(&self) -> Attention<'_> {
        Attention {
            offsets: self.offsets,
            heads: self.heads,
            head_size: self.hidden / self.heads,
            dropout: self.attention_dropout.as_ref(),
        }
    }
}
