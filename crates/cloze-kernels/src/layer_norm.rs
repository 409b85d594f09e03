//! Layer normalisation with the residual connection and the dropout before it, forward and
//! backward, each in one pass over memory: a row stays in the first-level cache for all its steps.
//!
//! Ba, Kiros, Hinton: *Layer normalization*, arXiv:1607.06450, 2016.

mod rows;

use pulp::Arch;
use rayon::prelude::*;

use crate::column_sums::{PartialSums, rows_of, rows_per_block};
use crate::dropout::Dropout;
use rows::{BackwardBlock, ForwardBlock, InPlaceBlock};

/// The parameters of a layer normalisation over rows of `size` elements, the length of both.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm<'a> {
    /// `[size]`, also called gamma.
    pub weight: &'a [f32],
    /// `[size]`, also called beta.
    pub bias: &'a [f32],
    /// Added to the variance, inside the root.
    pub epsilon: f32,
}

/// What the forward pass reads and writes.
#[derive(Debug)]
pub struct LayerNormForward<'a> {
    /// `[rows, size]`: the input, turned into the normalised sum, which the backward pass needs.
    pub values: &'a mut [f32],
    /// Dropout of the values, before the residual is added.
    pub dropout: Option<Dropout>,
    /// `[rows, size]`, added to the values.
    pub residual: Option<&'a [f32]>,
    /// `[rows]`: receives `1 / √(variance + epsilon)` of every row.
    pub rstd: &'a mut [f32],
    /// `[rows, size]`: receives the output.
    pub output: &'a mut [f32],
}

/// What the backward pass reads and writes. Gradients that are `None` are not computed.
#[derive(Debug)]
pub struct LayerNormBackward<'a> {
    /// `[rows, size]`: the gradient of the output; `None` if `gradient` holds it.
    pub output_gradient: Option<&'a [f32]>,
    /// `[rows, size]`, as the forward pass left it in `values`.
    pub normalised: &'a [f32],
    /// `[rows]`, of the forward pass.
    pub rstd: &'a [f32],
    /// `[rows, size]`: receives the gradient of the sum, which is that of the residual.
    pub gradient: &'a mut [f32],
    /// With dropout: where the gradient of the values goes. Without, it is that of the sum.
    pub through_dropout: Option<ThroughDropout<'a>>,
    /// `[size]`: receives the column sums of the gradient of the values, which are the gradient
    /// of the bias of the linear layer that the values come from.
    pub column_sums: Option<&'a mut [f32]>,
    /// `[size]`: receives the gradient of the weight.
    pub weight_gradient: Option<&'a mut [f32]>,
    /// `[size]`: receives the gradient of the bias.
    pub bias_gradient: Option<&'a mut [f32]>,
}

/// The gradient of what a dropout was given.
#[derive(Debug)]
pub struct ThroughDropout<'a> {
    /// That of the forward pass.
    pub dropout: Dropout,
    /// `[rows, size]`: receives the gradient.
    pub gradient: &'a mut [f32],
}

impl LayerNorm<'_> {
    /// `output = LayerNorm(dropout(values) + residual)`, on all threads, keeping what the backward
    /// pass needs.
    ///
    /// # Panics
    /// If a length is not the one documented.
    pub fn forward(&self, forward: LayerNormForward<'_>) {
        let LayerNormForward {
            values,
            dropout,
            residual,
            rstd,
            output,
        } = forward;
        let norm = self.checked();
        let rows = rows_of(values, norm.size());
        assert_eq!(
            output.len(),
            values.len(),
            "values and output differ in length"
        );
        assert_eq!(rstd.len(), rows, "one rstd for every row");
        if let Some(residual) = residual {
            assert_eq!(
                residual.len(),
                values.len(),
                "values and residual differ in length"
            );
        }
        let per_block = rows_per_block(rows);
        let block = (per_block * norm.size()).max(1);
        let arch = Arch::new();
        values
            .par_chunks_mut(block)
            .zip(output.par_chunks_mut(block))
            .zip(rstd.par_chunks_mut(per_block))
            .enumerate()
            .for_each(|(index, ((values, output), rstd))| {
                let start = index * block;
                arch.dispatch(ForwardBlock {
                    norm,
                    start,
                    dropout,
                    residual: residual.map(|residual| &residual[start..start + values.len()]),
                    values,
                    output,
                    rstd,
                });
            });
    }

    /// `values = LayerNorm(values + residual)`, on all threads: the form for inference, which
    /// keeps nothing.
    ///
    /// # Panics
    /// If the length of `values` is no multiple of that of the weight, or `residual` has another
    /// length than `values`.
    pub fn forward_in_place(&self, values: &mut [f32], residual: Option<&[f32]>) {
        let norm = self.checked();
        let rows = rows_of(values, norm.size());
        if let Some(residual) = residual {
            assert_eq!(
                residual.len(),
                values.len(),
                "values and residual differ in length"
            );
        }
        let block = (rows_per_block(rows) * norm.size()).max(1);
        let arch = Arch::new();
        values
            .par_chunks_mut(block)
            .enumerate()
            .for_each(|(index, values)| {
                let start = index * block;
                arch.dispatch(InPlaceBlock {
                    norm,
                    residual: residual.map(|residual| &residual[start..start + values.len()]),
                    values,
                });
            });
    }

    /// The gradients of everything that the forward pass was given, on all threads.
    ///
    /// # Panics
    /// If a length is not the one documented.
    pub fn backward(&self, backward: LayerNormBackward<'_>) {
        self.backward_with_output_dropout(backward, None);
    }

    /// The same with a dropout after the normalisation.
    pub(crate) fn backward_with_output_dropout(
        &self,
        backward: LayerNormBackward<'_>,
        output_dropout: Option<Dropout>,
    ) {
        let LayerNormBackward {
            output_gradient,
            normalised,
            rstd,
            gradient,
            through_dropout,
            column_sums,
            weight_gradient,
            bias_gradient,
        } = backward;
        let norm = self.checked();
        let size = norm.size();
        let rows = rows_of(normalised, size);
        let length = normalised.len();
        assert_eq!(
            gradient.len(),
            length,
            "normalised and gradient differ in length"
        );
        assert_eq!(rstd.len(), rows, "one rstd for every row");
        if let Some(output_gradient) = output_gradient {
            assert_eq!(output_gradient.len(), length, "gradients differ in length");
        }
        let (dropout, dropped) = match through_dropout {
            Some(through) => {
                assert_eq!(through.gradient.len(), length, "gradients differ in length");
                (Some(through.dropout), through.gradient)
            }
            None => (None, &mut [] as &mut [f32]),
        };
        let per_block = rows_per_block(rows);
        let block = (per_block * size).max(1);
        let wanted = [
            weight_gradient.is_some(),
            bias_gradient.is_some(),
            column_sums.is_some(),
        ];
        let mut partial = PartialSums::new(rows, 3 * size);
        // Without dropout every block gets an empty slice.
        let mut dropped: Vec<&mut [f32]> = dropped.chunks_mut(block).collect();
        dropped.resize_with(rows.div_ceil(per_block), || &mut []);
        let arch = Arch::new();
        partial
            .blocks_mut()
            .zip(gradient.par_chunks_mut(block))
            .zip(dropped)
            .zip(rstd.par_chunks(per_block))
            .enumerate()
            .for_each(|(index, (((sums, gradient), dropped), rstd))| {
                let start = index * block;
                let range = start..start + gradient.len();
                arch.dispatch(BackwardBlock {
                    norm,
                    start,
                    output_gradient: output_gradient.map(|gradient| &gradient[range.clone()]),
                    normalised: &normalised[range],
                    rstd,
                    gradient,
                    output_dropout,
                    dropout,
                    dropped,
                    wanted,
                    sums,
                });
            });
        let results = [weight_gradient, bias_gradient, column_sums];
        for (index, result) in results.into_iter().enumerate() {
            if let Some(result) = result {
                assert_eq!(result.len(), size, "one sum for every column");
                result.fill(0.0);
                partial.add_columns_to(index * size, result);
            }
        }
    }

    fn checked(self) -> Self {
        let (weight, bias) = (self.weight.len(), self.bias.len());
        assert_eq!(weight, bias, "weight and bias differ in length");
        self
    }
}

#[cfg(test)]
mod tests;
