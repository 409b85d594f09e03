//! The work on a block of rows, on one thread.

use pulp::{Simd, WithSimd};

use super::LayerNorm;
use crate::dropout::Dropout;
use crate::elementwise::{Add, Elementwise, Multiply, for_each};
use crate::reductions::{dot, squared_deviations, sum};

/// Mean and `1 / √(variance + epsilon)` of a row.
#[derive(Clone, Copy)]
struct Moments {
    mean: f32,
    rstd: f32,
}

impl LayerNorm<'_> {
    /// Elements of a row.
    pub(crate) fn size(&self) -> usize {
        self.weight.len()
    }

    /// Turns a row into the normalised one, writes the output and returns `rstd`.
    #[inline(always)]
    pub(crate) fn forward_row<S: Simd>(&self, simd: S, row: &mut [f32], output: &mut [f32]) -> f32 {
        let moments = self.moments(simd, row);
        let read = [self.weight, self.bias];
        for_each(simd, Normalise(moments), read, [row, output]);
        moments.rstd
    }

    /// Turns a row into the output.
    #[inline(always)]
    pub(crate) fn in_place_row<S: Simd>(&self, simd: S, row: &mut [f32]) {
        let moments = self.moments(simd, row);
        for_each(simd, Normalise(moments), [self.weight, self.bias], [row]);
    }

    /// The variance is the biased one, as in PyTorch.
    #[inline(always)]
    fn moments<S: Simd>(&self, simd: S, row: &[f32]) -> Moments {
        let size = row.len() as f32;
        let mean = sum(simd, row) / size;
        let variance = squared_deviations(simd, row, mean) / size;
        Moments {
            mean,
            rstd: 1.0 / (variance + self.epsilon).sqrt(),
        }
    }

    /// Turns the gradient of the output into that of the sum that was normalised.
    #[inline(always)]
    pub(crate) fn backward_row<S: Simd>(
        &self,
        simd: S,
        normalised: &[f32],
        rstd: f32,
        gradient: &mut [f32],
    ) {
        for_each(simd, Multiply, [self.weight], [&mut *gradient]);
        let size = gradient.len() as f32;
        let project = Project {
            rstd,
            mean: sum(simd, gradient) / size,
            slope: dot(simd, gradient, normalised) / size,
        };
        for_each(simd, project, [normalised], [gradient]);
    }
}

pub(super) struct ForwardBlock<'a> {
    pub(super) norm: LayerNorm<'a>,
    /// The first element's number in the whole tensor, for the dropout.
    pub(super) start: usize,
    pub(super) dropout: Option<Dropout>,
    pub(super) residual: Option<&'a [f32]>,
    pub(super) values: &'a mut [f32],
    pub(super) output: &'a mut [f32],
    pub(super) rstd: &'a mut [f32],
}

// A closure would not be inlined into the function that turns vector instructions on.
impl WithSimd for ForwardBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let size = self.norm.size();
        let rows = self.values.chunks_mut(size);
        let rows = rows.zip(self.output.chunks_mut(size)).zip(self.rstd);
        for (index, ((row, output), rstd)) in rows.enumerate() {
            let at = index * size;
            if let Some(dropout) = &self.dropout {
                // The output's place holds the factors until the output is known.
                dropout.factors_at(simd, self.start + at, output);
                for_each(simd, Multiply, [output], [&mut *row]);
            }
            if let Some(residual) = self.residual {
                for_each(simd, Add, [&residual[at..at + size]], [&mut *row]);
            }
            *rstd = self.norm.forward_row(simd, row, output);
        }
    }
}

pub(super) struct InPlaceBlock<'a> {
    pub(super) norm: LayerNorm<'a>,
    pub(super) residual: Option<&'a [f32]>,
    pub(super) values: &'a mut [f32],
}

impl WithSimd for InPlaceBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let norm = self.norm;
        let size = norm.size();
        for (index, row) in self.values.chunks_mut(size).enumerate() {
            let at = index * size;
            if let Some(residual) = self.residual {
                for_each(simd, Add, [&residual[at..at + size]], [&mut *row]);
            }
            norm.in_place_row(simd, row);
        }
    }
}

pub(super) struct BackwardBlock<'a> {
    pub(super) norm: LayerNorm<'a>,
    /// The first element's number in the whole tensor, for the dropout.
    pub(super) start: usize,
    pub(super) output_gradient: Option<&'a [f32]>,
    pub(super) normalised: &'a [f32],
    pub(super) rstd: &'a [f32],
    pub(super) gradient: &'a mut [f32],
    /// The dropout after the normalisation.
    pub(super) output_dropout: Option<Dropout>,
    /// The dropout before it.
    pub(super) dropout: Option<Dropout>,
    /// The gradient through the dropout; empty without one.
    pub(super) dropped: &'a mut [f32],
    /// Which of `sums` are wanted.
    pub(super) wanted: [bool; 3],
    /// `[3, size]`, zero at first: the sums for the gradient of the weight, of the bias, and of the
    /// values' columns.
    pub(super) sums: &'a mut [f32],
}

impl WithSimd for BackwardBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let size = self.norm.size();
        let (weight, rest) = self.sums.split_at_mut(size);
        let (bias, columns) = rest.split_at_mut(size);
        let [weight_wanted, bias_wanted, columns_wanted] = self.wanted;
        let mut factors = vec![0.0; self.output_dropout.map_or(0, |_| size)];
        let rows = self.gradient.chunks_mut(size).zip(self.rstd);
        for (index, (gradient, &rstd)) in rows.enumerate() {
            let row = index * size..(index + 1) * size;
            let normalised = &self.normalised[row.clone()];
            if let Some(output_gradient) = self.output_gradient {
                gradient.copy_from_slice(&output_gradient[row.clone()]);
            }
            if let Some(dropout) = &self.output_dropout {
                dropout.factors_at(simd, self.start + row.start, &mut factors);
                for_each(simd, Multiply, [&factors], [&mut *gradient]);
            }
            if weight_wanted {
                let read = [&*gradient, normalised];
                for_each(simd, AddProduct, read, [&mut *weight]);
            }
            if bias_wanted {
                for_each(simd, Add, [gradient], [&mut *bias]);
            }
            self.norm.backward_row(simd, normalised, rstd, gradient);
            let mut of_values = &*gradient;
            if let Some(dropout) = &self.dropout {
                let start = self.start + row.start;
                let dropped = &mut self.dropped[row];
                dropout.factors_at(simd, start, dropped);
                for_each(simd, Multiply, [of_values], [&mut *dropped]);
                of_values = dropped;
            }
            if columns_wanted {
                for_each(simd, Add, [of_values], [&mut *columns]);
            }
        }
    }
}

/// The normalised element, and with the weight and the bias the output.
#[derive(Clone, Copy)]
struct Normalise(Moments);

impl Normalise {
    #[inline(always)]
    fn normalised<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let deviation = simd.sub_f32s(x, simd.splat_f32s(self.0.mean));
        simd.mul_f32s(deviation, simd.splat_f32s(self.0.rstd))
    }
}

impl Elementwise<2, 2> for Normalise {
    #[inline(always)]
    fn apply<S: Simd>(
        self,
        simd: S,
        [weight, bias]: [S::f32s; 2],
        [x, _]: [S::f32s; 2],
    ) -> [S::f32s; 2] {
        let normalised = self.normalised(simd, x);
        [normalised, simd.mul_add_f32s(normalised, weight, bias)]
    }
}

/// In place.
impl Elementwise<2, 1> for Normalise {
    #[inline(always)]
    fn apply<S: Simd>(
        self,
        simd: S,
        [weight, bias]: [S::f32s; 2],
        [x]: [S::f32s; 1],
    ) -> [S::f32s; 1] {
        [simd.mul_add_f32s(self.normalised(simd, x), weight, bias)]
    }
}

/// Takes out of a row what the normalisation made it blind to: its mean and its component
/// along the normalised row.
#[derive(Clone, Copy)]
struct Project {
    rstd: f32,
    mean: f32,
    slope: f32,
}

impl Elementwise<1, 1> for Project {
    #[inline(always)]
    fn apply<S: Simd>(
        self,
        simd: S,
        [normalised]: [S::f32s; 1],
        [gradient]: [S::f32s; 1],
    ) -> [S::f32s; 1] {
        let centred = simd.sub_f32s(gradient, simd.splat_f32s(self.mean));
        let slope = simd.splat_f32s(-self.slope);
        let projected = simd.mul_add_f32s(normalised, slope, centred);
        [simd.mul_f32s(projected, simd.splat_f32s(self.rstd))]
    }
}

/// Adds the product of the read rows to the written one.
#[derive(Clone, Copy)]
struct AddProduct;

impl Elementwise<2, 1> for AddProduct {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, [a, b]: [S::f32s; 2], [c]: [S::f32s; 1]) -> [S::f32s; 1] {
        [simd.mul_add_f32s(a, b, c)]
    }
}
