use super::{LayerSettings, LayerWeights};
use crate::attention::AttentionForward;
use crate::layer_norm::LayerNorm;
use crate::matmul::{Matrix, Output, Panels, Right, Start, multiply_packed};
use crate::scratch::Scratch;

/// A linear layer whose weight is packed.
#[derive(Clone, Debug)]
struct PackedLinear {
    weight: Panels,
    bias: Vec<f32>,
}

/// A LayerNorm of its own.
#[derive(Clone, Debug)]
struct OwnNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

/// A layer for inference: its weights are packed once, and nothing is kept for a backward pass.
#[derive(Clone, Debug)]
pub struct PackedLayer {
    /// Queries, keys and values side by side.
    projections: PackedLinear,
    attention_output: PackedLinear,
    attention_norm: OwnNorm,
    intermediate: PackedLinear,
    output: PackedLinear,
    output_norm: OwnNorm,
}

impl PackedLayer {
    /// Packs the weights of a layer with hidden states of `hidden` elements.
    ///
    /// # Panics
    /// If a tensor has another length than the sizes say.
    pub fn new(weights: &LayerWeights<'_>, hidden: usize, intermediate: usize) -> Self {
        let projections = [weights.query, weights.key, weights.value];
        let parts =
            projections.map(|linear| Matrix::new(linear.weight, hidden, hidden).transpose());
        let linear = |linear: super::Linear<'_>, inputs, outputs| PackedLinear {
            weight: Panels::of(Matrix::new(linear.weight, outputs, inputs).transpose()),
            bias: linear.bias.to_vec(),
        };
        let norm = |norm: LayerNorm<'_>| OwnNorm {
            weight: norm.weight.to_vec(),
            bias: norm.bias.to_vec(),
            epsilon: norm.epsilon,
        };
        Self {
            projections: PackedLinear {
                weight: Panels::of(Right::Beside(&parts)),
                bias: projections.map(|linear| linear.bias).concat(),
            },
            attention_output: linear(weights.attention_output, hidden, hidden),
            attention_norm: norm(weights.attention_norm),
            intermediate: linear(weights.intermediate, hidden, intermediate),
            output: linear(weights.output, intermediate, hidden),
            output_norm: norm(weights.output_norm),
        }
    }

    /// The forward pass, in place: `hidden`, `[tokens, hidden]`. Dropout that the settings have is
    /// ignored. `weights` receives the attention weights, see [`AttentionForward::weights`].
    ///
    /// # Panics
    /// If a tensor has another length than the settings say.
    pub fn forward(
        &self,
        settings: &LayerSettings<'_>,
        hidden: &mut [f32],
        weights: Option<(&mut [f32], usize)>,
    ) {
        let settings = LayerSettings {
            attention_dropout: None,
            ..*settings
        };
        let (tokens, size) = (settings.tokens(), settings.hidden);
        let wide = settings.intermediate.max(3 * size);
        let mut scratch = Scratch::new(tokens * (wide + 2 * size + settings.heads));
        let scratch = &mut *scratch;

        let (wide, rest) = scratch.split_at_mut(tokens * wide);
        let (context, rest) = rest.split_at_mut(tokens * size);
        let (attended, log_sums) = rest.split_at_mut(tokens * size);
        let projected = &mut wide[..tokens * 3 * size];
        self.projections
            .forward(Matrix::new(hidden, tokens, size), projected);
        settings.attention().forward(AttentionForward {
            projected,
            context,
            log_sums,
            weights,
        });
        let context = Matrix::new(context, tokens, size);
        self.attention_output.forward(context, attended);
        self.attention_norm.forward(attended, hidden);
        let wide = &mut wide[..tokens * settings.intermediate];
        self.intermediate
            .forward(Matrix::new(attended, tokens, size), wide);
        let wide = Matrix::new(wide, tokens, settings.intermediate);
        self.output
            .forward(wide.activated(settings.activation), hidden);
        self.output_norm.forward(hidden, attended);
    }
}

impl PackedLinear {
    fn forward(&self, input: Matrix<'_>, output: &mut [f32]) {
        let output = Output {
            data: output,
            stride: self.bias.len(),
        };
        multiply_packed(input, &self.weight, Start::Bias(&self.bias), output);
    }
}

impl OwnNorm {
    fn forward(&self, values: &mut [f32], residual: &[f32]) {
        let norm = LayerNorm {
            weight: &self.weight,
            bias: &self.bias,
            epsilon: self.epsilon,
        };
        norm.forward_in_place(values, Some(residual));
    }
}
