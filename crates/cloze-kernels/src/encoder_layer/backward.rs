use super::{LayerSettings, LayerWeights, SavedActivations};
use crate::activation::ActivationBackward;
use crate::attention::AttentionBackward;
use crate::column_sums::column_sums;
use crate::dropout::Dropout;
use crate::layer_norm::{LayerNorm, LayerNormBackward, ThroughDropout};
use crate::matmul::{Matrix, Output, Right, Start, multiply, multiply_all};
use crate::scratch::Scratch;

/// Where the gradients of a linear layer go; those that are `None` are not computed.
#[derive(Debug, Default)]
pub struct LinearGradients<'a> {
    /// `[out, in]`.
    pub weight: Option<&'a mut [f32]>,
    /// `[out]`.
    pub bias: Option<&'a mut [f32]>,
}

/// Where the gradients of a LayerNorm go; those that are `None` are not computed.
#[derive(Debug, Default)]
pub struct NormGradients<'a> {
    /// `[hidden]`.
    pub weight: Option<&'a mut [f32]>,
    /// `[hidden]`.
    pub bias: Option<&'a mut [f32]>,
}

/// Where the gradients of a layer go, part by part as in [`LayerWeights`].
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "the fields are those of `LayerWeights`")]
pub struct LayerGradients<'a> {
    pub query: LinearGradients<'a>,
    pub key: LinearGradients<'a>,
    pub value: LinearGradients<'a>,
    pub attention_output: LinearGradients<'a>,
    pub attention_norm: NormGradients<'a>,
    pub intermediate: LinearGradients<'a>,
    pub output: LinearGradients<'a>,
    pub output_norm: NormGradients<'a>,
    /// That of the layer's input, `[tokens, hidden]`.
    pub hidden: Option<&'a mut [f32]>,
}

impl LinearGradients<'_> {
    fn wanted(&self) -> bool {
        self.weight.is_some() || self.bias.is_some()
    }
}

impl LayerGradients<'_> {
    /// Whether anything before the attention weights' output wants a gradient.
    fn projections_wanted(&self) -> bool {
        let projections = [&self.query, &self.key, &self.value];
        self.hidden.is_some() || projections.iter().any(|linear| linear.wanted())
    }

    /// Whether anything before the feed-forward block wants one.
    fn attention_wanted(&self) -> bool {
        let norm = self.attention_norm.weight.is_some() || self.attention_norm.bias.is_some();
        norm || self.attention_output.wanted() || self.projections_wanted()
    }

    /// Whether anything before the last LayerNorm wants one.
    fn feed_forward_wanted(&self) -> bool {
        self.intermediate.wanted() || self.output.wanted() || self.attention_wanted()
    }
}

/// A layer on its way back.
struct Backward<'a> {
    weights: &'a LayerWeights<'a>,
    settings: &'a LayerSettings<'a>,
    saved: &'a SavedActivations,
    /// The layer's input.
    hidden: &'a [f32],
}

impl LayerWeights<'_> {
    /// The backward pass: from the gradient of the output, `[tokens, hidden]`, to those that are
    /// wanted. `hidden` is what the forward pass was given.
    ///
    /// # Panics
    /// If a tensor has another length than the settings say.
    pub fn backward(
        &self,
        settings: &LayerSettings<'_>,
        saved: &SavedActivations,
        hidden: &[f32],
        output_gradient: &[f32],
        gradients: LayerGradients<'_>,
    ) {
        let backward = Backward {
            weights: self,
            settings,
            saved,
            hidden,
        };
        let mut scratch = Scratch::new(settings.tokens() * settings.hidden);
        let attended_gradient = &mut *scratch;

        backward.run(output_gradient, attended_gradient, gradients);
    }
}

impl Backward<'_> {
    fn run(
        &self,
        output_gradient: &[f32],
        attended_gradient: &mut [f32],
        mut gradients: LayerGradients<'_>,
    ) {
        let below = gradients.feed_forward_wanted();
        let attention_wanted = gradients.attention_wanted();
        let mut output = std::mem::take(&mut gradients.output);
        let block = Block {
            norm: self.weights.output_norm,
            normalised: &self.saved.output_normalised,
            rstd: &self.saved.output_rstd,
            dropout: self.settings.output_dropout,
        };
        let norm = std::mem::take(&mut gradients.output_norm);
        let bias = output.bias.take();
        block.backward(
            output_gradient,
            attended_gradient,
            norm,
            bias,
            |sum, gradient| {
                if below {
                    let wanted = (output.weight, std::mem::take(&mut gradients.intermediate));
                    self.feed_forward(gradient, attention_wanted.then_some(sum), wanted);
                }
            },
        );
        if attention_wanted {
            self.attention(attended_gradient, gradients);
        }
    }

    /// The feed-forward block: from the gradient of what it adds to that of its input, which is
    /// added to `attended_gradient` if there is one.
    fn feed_forward(
        &self,
        gradient: &[f32],
        attended_gradient: Option<&mut [f32]>,
        (output_weight, intermediate): (Option<&mut [f32]>, LinearGradients<'_>),
    ) {
        let (tokens, hidden) = (self.settings.tokens(), self.settings.hidden);
        let size = self.settings.intermediate;
        if output_weight.is_none() && attended_gradient.is_none() && !intermediate.wanted() {
            return;
        }
        let mut scratch = Scratch::new(2 * tokens * size);
        let scratch = &mut *scratch;

        let (activated, wide_gradient) = scratch.split_at_mut(tokens * size);
        let gradient = Matrix::new(gradient, tokens, hidden);
        let weight = Matrix::new(self.weights.output.weight, hidden, size);
        multiply(gradient, weight, Start::Zero, rows(wide_gradient, size));
        self.settings.activation.backward(ActivationBackward {
            input: &self.saved.wide,
            output: activated,
            gradient: wide_gradient,
            column_sums: intermediate.bias,
        });
        if let Some(weight) = output_weight {
            let activated = Matrix::new(activated, tokens, size);
            multiply(
                gradient.transpose(),
                activated,
                Start::Zero,
                rows(weight, size),
            );
        }
        let wide_gradient = Matrix::new(wide_gradient, tokens, size);
        if let Some(weight) = intermediate.weight {
            let attended = Matrix::new(&self.saved.attended, tokens, hidden);
            let output = rows(weight, hidden);
            multiply(wide_gradient.transpose(), attended, Start::Zero, output);
        }
        if let Some(attended_gradient) = attended_gradient {
            let weight = Matrix::new(self.weights.intermediate.weight, size, hidden);
            let output = rows(attended_gradient, hidden);
            multiply(wide_gradient, weight, Start::Output, output);
        }
    }

    /// The attention block.
    fn attention(&self, attended_gradient: &[f32], mut gradients: LayerGradients<'_>) {
        let projections_wanted = gradients.projections_wanted();
        let output = std::mem::take(&mut gradients.attention_output);
        let block = Block {
            norm: self.weights.attention_norm,
            normalised: &self.saved.attention_normalised,
            rstd: &self.saved.attention_rstd,
            dropout: self.settings.attention_output_dropout,
        };
        let (tokens, hidden) = (self.settings.tokens(), self.settings.hidden);
        let norm = std::mem::take(&mut gradients.attention_norm);
        let mut own = Vec::new();
        let hidden_gradient = match gradients.hidden.take() {
            Some(gradient) => gradient,
            None => {
                own = crate::buffers::take(tokens * hidden);
                &mut own
            }
        };
        block.backward(
            attended_gradient,
            hidden_gradient,
            norm,
            output.bias,
            |sum, gradient| {
                let gradient = Matrix::new(gradient, tokens, hidden);
                if let Some(weight) = output.weight {
                    let context = Matrix::new(&self.saved.context, tokens, hidden);
                    multiply(
                        gradient.transpose(),
                        context,
                        Start::Zero,
                        rows(weight, hidden),
                    );
                }
                if projections_wanted {
                    self.projections(gradient, sum, gradients);
                }
            },
        );
        crate::buffers::give(own);
    }

    /// Attention itself and what projects the hidden states to queries, keys and values; adds to
    /// `hidden_gradient`.
    fn projections(
        &self,
        gradient: Matrix<'_>,
        hidden_gradient: &mut [f32],
        gradients: LayerGradients<'_>,
    ) {
        let (tokens, hidden) = (self.settings.tokens(), self.settings.hidden);
        let mut scratch = Scratch::new(4 * tokens * hidden + 3 * hidden);
        let scratch = &mut *scratch;

        let (context_gradient, rest) = scratch.split_at_mut(tokens * hidden);
        let (projected_gradient, sums) = rest.split_at_mut(3 * tokens * hidden);
        let weight = Matrix::new(self.weights.attention_output.weight, hidden, hidden);
        multiply(
            gradient,
            weight,
            Start::Zero,
            rows(context_gradient, hidden),
        );
        self.settings.attention().backward(AttentionBackward {
            projected: &self.saved.projected,
            context: &self.saved.context,
            log_sums: &self.saved.log_sums,
            gradient: context_gradient,
            projected_gradient,
        });
        self.projection_weights(projected_gradient, sums, gradients);
        let linears = [self.weights.query, self.weights.key, self.weights.value];
        let weights = linears.map(|linear| Matrix::new(linear.weight, hidden, hidden));
        let projected = Matrix::new(projected_gradient, tokens, 3 * hidden);
        let output = rows(hidden_gradient, hidden);
        multiply(projected, Right::Below(&weights), Start::Output, output);
    }

    fn projection_weights(
        &self,
        projected_gradient: &[f32],
        sums: &mut [f32],
        gradients: LayerGradients<'_>,
    ) {
        let (tokens, size) = (self.settings.tokens(), self.settings.hidden);
        let LayerGradients {
            query, key, value, ..
        } = gradients;
        let [query, key, value] = [query, key, value].map(|linear| (linear.weight, linear.bias));
        let biases = [query.1, key.1, value.1];
        if biases.iter().any(Option::is_some) {
            column_sums(projected_gradient, sums);
            for (bias, sums) in biases.into_iter().zip(sums.chunks_exact(size)) {
                if let Some(bias) = bias {
                    bias.copy_from_slice(sums);
                }
            }
        }
        let hidden = Matrix::new(self.hidden, tokens, size);
        let part = |index: usize| {
            let data = projected_gradient.get(index * size..).unwrap_or_default();
            Matrix::strided(data, tokens, size, 3 * size).transpose()
        };
        match [query.0, key.0, value.0] {
            [Some(query), Some(key), Some(value)] => {
                let products = [
                    (part(0), rows(query, size)),
                    (part(1), rows(key, size)),
                    (part(2), rows(value, size)),
                ];
                multiply_all(products, hidden, Start::Zero);
            }
            weights => {
                for (index, weight) in weights.into_iter().enumerate() {
                    if let Some(weight) = weight {
                        multiply(part(index), hidden, Start::Zero, rows(weight, size));
                    }
                }
            }
        }
    }
}

/// What ends both blocks: dropout, residual connection, LayerNorm.
struct Block<'a> {
    norm: LayerNorm<'a>,
    normalised: &'a [f32],
    rstd: &'a [f32],
    dropout: Option<Dropout>,
}

impl Block<'_> {
    /// Writes the gradient of the sum, which is the residual's, to `sum`, and calls `then` with it and that of what
    /// was added to the residual. `column_sums` receives the bias gradient of the linear layer
    /// that this comes from.
    fn backward(
        &self,
        output_gradient: &[f32],
        sum: &mut [f32],
        gradients: NormGradients<'_>,
        column_sums: Option<&mut [f32]>,
        then: impl FnOnce(&mut [f32], &[f32]),
    ) {
        // Without dropout both gradients are the same, but `then` adds to the one of them.
        let mut scratch = Scratch::new(sum.len());
        let added = &mut *scratch;

        let through_dropout = self.dropout.map(|dropout| ThroughDropout {
            dropout,
            gradient: added,
        });
        let dropped = through_dropout.is_some();
        self.norm.backward(LayerNormBackward {
            output_gradient: Some(output_gradient),
            normalised: self.normalised,
            rstd: self.rstd,
            gradient: sum,
            through_dropout,
            column_sums,
            weight_gradient: gradients.weight,
            bias_gradient: gradients.bias,
        });
        if !dropped {
            added.copy_from_slice(sum);
        }
        then(sum, added);
    }
}

fn rows(data: &mut [f32], stride: usize) -> Output<'_> {
    Output { data, stride }
}
