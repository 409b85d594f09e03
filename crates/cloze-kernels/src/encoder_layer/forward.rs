use super::{LayerSettings, LayerWeights, Linear, SavedActivations};
use crate::attention::AttentionForward;
use crate::layer_norm::LayerNormForward;
use crate::matmul::{Matrix, Output, Right, Start, multiply};
use crate::scratch::Scratch;

impl LayerWeights<'_> {
    /// The forward pass: `hidden`, `[tokens, hidden]`, to `output`, of the same shape, and what the backward
    /// pass needs.
    ///
    /// # Panics
    /// If a tensor has another length than the settings say.
    pub fn forward(
        &self,
        settings: &LayerSettings<'_>,
        hidden: &[f32],
        output: &mut [f32],
    ) -> SavedActivations {
        let mut saved = SavedActivations::new(settings);
        let (tokens, size) = (settings.tokens(), settings.hidden);
        self.project(settings, hidden, &mut saved.projected);
        settings.attention().forward(AttentionForward {
            projected: &saved.projected,
            context: &mut saved.context,
            log_sums: &mut saved.log_sums,
            weights: None,
        });
        let context = Matrix::new(&saved.context, tokens, size);
        self.attention_output
            .forward(context, &mut saved.attention_normalised);
        self.attention_norm.forward(LayerNormForward {
            values: &mut saved.attention_normalised,
            dropout: settings.attention_output_dropout,
            residual: Some(hidden),
            rstd: &mut saved.attention_rstd,
            output: &mut saved.attended,
        });
        let attended = Matrix::new(&saved.attended, tokens, size);
        self.intermediate.forward(attended, &mut saved.wide);
        let wide = Matrix::new(&saved.wide, tokens, settings.intermediate);
        self.output.forward(
            wide.activated(settings.activation),
            &mut saved.output_normalised,
        );
        self.output_norm.forward(LayerNormForward {
            values: &mut saved.output_normalised,
            dropout: settings.output_dropout,
            residual: Some(&saved.attended),
            rstd: &mut saved.output_rstd,
            output,
        });
        saved
    }

    /// Queries, keys and values side by side.
    fn project(&self, settings: &LayerSettings<'_>, hidden: &[f32], projected: &mut [f32]) {
        let size = settings.hidden;
        let linears = [self.query, self.key, self.value];
        let weights = linears.map(|linear| Matrix::new(linear.weight, size, size).transpose());
        let mut scratch = Scratch::new(3 * size);
        let bias = &mut *scratch;

        for (bias, linear) in bias.chunks_exact_mut(size).zip(linears) {
            bias.copy_from_slice(linear.bias);
        }
        multiply(
            Matrix::new(hidden, settings.tokens(), size),
            Right::Beside(&weights),
            Start::Bias(bias),
            Output {
                data: projected,
                stride: 3 * size,
            },
        );
    }
}

impl Linear<'_> {
    /// `[rows, in]` → `[rows, out]`.
    pub(super) fn forward(&self, input: Matrix<'_>, output: &mut [f32]) {
        let (inputs, outputs) = (input.columns(), self.bias.len());
        multiply(
            input,
            Matrix::new(self.weight, outputs, inputs).transpose(),
            Start::Bias(self.bias),
            Output {
                data: output,
                stride: outputs,
            },
        );
    }
}
