//! Activation functions, forward and backward.
//!
//! Hendrycks, Gimpel: *Gaussian error linear units (GELUs)*, arXiv:1606.08415, 2016.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::column_sums::{PartialSums, rows_of};
use crate::elementwise::{Add, for_each};
use functions::{Chain, Differentiable, Gelu, GeluTanh, Relu, Tanh, Value};

mod functions;

/// Elements that a thread takes at a time: three arrays of this fit into its second-level cache.
const BLOCK: usize = 1 << 14;

/// An activation function. The names in brackets are `hidden_act` in a `config.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x · Φ(x)`, with the cumulative normal distribution (`gelu`).
    Gelu,
    /// GELU's approximation `x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))` (`gelu_new`,
    /// `gelu_pytorch_tanh`).
    GeluTanh,
    /// `max(x, 0)` (`relu`).
    Relu,
    /// `tanh(x)` (`tanh`).
    Tanh,
}

/// What the backward pass reads and writes. All tensors have one length.
#[derive(Debug)]
pub struct ActivationBackward<'a> {
    /// What the forward pass was given.
    pub input: &'a [f32],
    /// Receives what the forward pass returned, to the bit.
    pub output: &'a mut [f32],
    /// The gradient of the output, turned into that of the input.
    pub gradient: &'a mut [f32],
    /// With `[rows, columns]` tensors and a slice of length `columns`: receives the column sums
    /// of the gradient of the input, which are the gradient of the bias of the linear layer that
    /// the input comes from.
    pub column_sums: Option<&'a mut [f32]>,
}

impl Activation {
    /// `output = activation(input)`, on all threads.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn forward(self, input: &[f32], output: &mut [f32]) {
        assert_eq!(
            input.len(),
            output.len(),
            "input and output differ in length"
        );
        let arch = Arch::new();
        output
            .par_chunks_mut(BLOCK)
            .zip(input.par_chunks(BLOCK))
            .for_each(|(output, input)| {
                arch.dispatch(Forward {
                    activation: self,
                    input: Some(input),
                    output,
                });
            });
    }

    /// `values = activation(values)`, on all threads.
    pub fn forward_in_place(self, values: &mut [f32]) {
        let arch = Arch::new();
        values.par_chunks_mut(BLOCK).for_each(|output| {
            arch.dispatch(Forward {
                activation: self,
                input: None,
                output,
            });
        });
    }

    /// `output = activation(input)` on this thread, within another kernel's task.
    ///
    /// # Panics
    /// If the slices differ in length.
    #[inline(always)]
    pub fn forward_block<S: Simd>(self, simd: S, input: &[f32], output: &mut [f32]) {
        assert_eq!(
            input.len(),
            output.len(),
            "input and output differ in length"
        );
        match self {
            Self::Gelu => for_each(simd, Value(Gelu), [input], [output]),
            Self::GeluTanh => for_each(simd, Value(GeluTanh), [input], [output]),
            Self::Relu => for_each(simd, Value(Relu), [input], [output]),
            Self::Tanh => for_each(simd, Value(Tanh), [input], [output]),
        }
    }

    /// `values = activation(values)` on this thread, within another kernel's task.
    #[inline(always)]
    pub fn forward_block_in_place<S: Simd>(self, simd: S, values: &mut [f32]) {
        match self {
            Self::Gelu => for_each(simd, Value(Gelu), [], [values]),
            Self::GeluTanh => for_each(simd, Value(GeluTanh), [], [values]),
            Self::Relu => for_each(simd, Value(Relu), [], [values]),
            Self::Tanh => for_each(simd, Value(Tanh), [], [values]),
        }
    }

    /// Recomputes the output, turns its gradient into that of the input and adds up the
    /// latter's columns, in one pass, on all threads.
    ///
    /// # Panics
    /// If the tensors differ in length, or that is no multiple of the number of columns.
    pub fn backward(self, backward: ActivationBackward<'_>) {
        let ActivationBackward {
            input,
            output,
            gradient,
            column_sums,
        } = backward;
        assert_eq!(
            [output.len(), gradient.len()],
            [input.len(); 2],
            "input, output and gradient differ in length"
        );
        let arch = Arch::new();
        let block = |input, output, gradient, sums: &mut [f32]| {
            arch.dispatch(Backward {
                activation: self,
                input,
                output,
                gradient,
                sums,
            });
        };
        let Some(sums) = column_sums else {
            output
                .par_chunks_mut(BLOCK)
                .zip(gradient.par_chunks_mut(BLOCK))
                .zip(input.par_chunks(BLOCK))
                .for_each(|((output, gradient), input)| block(input, output, gradient, &mut []));
            return;
        };
        let mut partial = PartialSums::new(rows_of(input, sums.len()), sums.len());
        let length = partial.block_length();
        partial
            .blocks_mut()
            .zip(output.par_chunks_mut(length))
            .zip(gradient.par_chunks_mut(length))
            .zip(input.par_chunks(length))
            .for_each(|(((sums, output), gradient), input)| block(input, output, gradient, sums));
        sums.fill(0.0);
        partial.add_to(sums);
    }
}

struct Forward<'a> {
    activation: Activation,
    /// `None`: `output` holds the input.
    input: Option<&'a [f32]>,
    output: &'a mut [f32],
}

// A closure would not be inlined into the function that turns vector instructions on.
impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.input {
            Some(input) => self.activation.forward_block(simd, input, self.output),
            None => self.activation.forward_block_in_place(simd, self.output),
        }
    }
}

struct Backward<'a> {
    activation: Activation,
    input: &'a [f32],
    output: &'a mut [f32],
    gradient: &'a mut [f32],
    /// The column sums of the block, or nothing if they are not wanted.
    sums: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.activation {
            Activation::Gelu => self.rows(simd, Gelu),
            Activation::GeluTanh => self.rows(simd, GeluTanh),
            Activation::Relu => self.rows(simd, Relu),
            Activation::Tanh => self.rows(simd, Tanh),
        }
    }
}

impl Backward<'_> {
    #[inline(always)]
    fn rows<S: Simd>(self, simd: S, function: impl Differentiable) {
        if self.sums.is_empty() {
            let written = [self.output, self.gradient];
            return for_each(simd, Chain(function), [self.input], written);
        }
        let columns = self.sums.len();
        let rows = self.output.chunks_mut(columns);
        let rows = rows.zip(self.gradient.chunks_mut(columns));
        for ((output, gradient), input) in rows.zip(self.input.chunks(columns)) {
            for_each(simd, Chain(function), [input], [output, &mut *gradient]);
            for_each(simd, Add, [gradient], [&mut *self.sums]);
        }
    }
}

#[cfg(test)]
mod tests;
