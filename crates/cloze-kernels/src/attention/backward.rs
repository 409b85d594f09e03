use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::head::{Head, Part, ROWS, exponentials};
use super::{Attention, AttentionBackward};
use crate::matmul::{Matrix, PanelsView, Rectangle, Start, multiply_serial};
use crate::reductions::dot;
use crate::scratch::Scratch;

impl Attention<'_> {
    /// The backward pass, on all threads.
    ///
    /// # Panics
    /// If a tensor has another length than the batch wants.
    pub fn backward(&self, backward: AttentionBackward<'_>) {
        let AttentionBackward {
            projected,
            context,
            log_sums,
            gradient,
            projected_gradient,
        } = backward;
        self.check(projected, context, log_sums);
        self.check(projected_gradient, gradient, log_sums);
        // SAFETY: exclusively borrowed, and of the length that `check` wants; every task writes
        // the rows of its sequence in the columns of its head.
        let output = unsafe { Rectangle::new(projected_gradient.as_mut_ptr(), 3 * self.hidden()) };
        let arch = Arch::new();
        (0..self.sequences() * self.heads)
            .into_par_iter()
            .for_each(|task| {
                arch.dispatch(Backward {
                    head: Head::new(self, task),
                    projected,
                    context,
                    log_sums,
                    gradient,
                    output,
                });
            });
    }
}

/// One head of one sequence.
struct Backward<'a> {
    head: Head<'a>,
    projected: &'a [f32],
    context: &'a [f32],
    log_sums: &'a [f32],
    gradient: &'a [f32],
    output: Rectangle,
}

/// What all rows of a head are multiplied with.
#[derive(Clone, Copy)]
struct Factors<'a> {
    keys: PanelsView<'a>,
    transposed_keys: PanelsView<'a>,
    transposed_values: PanelsView<'a>,
}

/// What some rows work in.
struct Work<'a> {
    /// Weights after dropout, `[ROWS, stride]`.
    weights: &'a mut [f32],
    /// Their gradient, then that of the scores, `[ROWS, stride]`.
    gradients: &'a mut [f32],
    /// Dropout factors of one row, `[stride]`.
    factors: &'a mut [f32],
    /// Packed queries, or the packed gradient of the context, of `ROWS` tokens.
    packed: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (length, stride) = (self.head.length(), self.head.stride());
        let part = |part| self.head.part(self.projected, part, 0..length);
        let (keys, values) = (part(Part::Key), part(Part::Value));
        let matrices = [keys, keys.transpose(), values.transpose()];
        let sizes = matrices.map(|matrix| PanelsView::elements(simd, matrix));
        // As many as `ROWS` tokens need, or all of them: panels of keys have the same shape.
        let rows = self
            .head
            .part(self.projected, Part::Key, 0..length.min(ROWS));
        let packed_rows = PanelsView::elements(simd, rows);
        let total: usize = sizes.iter().sum::<usize>() + packed_rows + (2 * ROWS + 1) * stride;
        let mut scratch = Scratch::new(total);
        let scratch = &mut *scratch;

        let (first, rest) = scratch.split_at_mut(sizes[0]);
        let (second, rest) = rest.split_at_mut(sizes[1]);
        let (third, rest) = rest.split_at_mut(sizes[2]);
        let factors = Factors {
            keys: PanelsView::pack(simd, matrices[0], first),
            transposed_keys: PanelsView::pack(simd, matrices[1], second),
            transposed_values: PanelsView::pack(simd, matrices[2], third),
        };
        let (packed, rest) = rest.split_at_mut(packed_rows);
        let (weights, rest) = rest.split_at_mut(ROWS * stride);
        let (gradients, row_factors) = rest.split_at_mut(ROWS * stride);
        let mut work = Work {
            weights,
            gradients,
            factors: row_factors,
            packed,
        };
        for first in (0..length).step_by(ROWS) {
            let rows = first..length.min(first + ROWS);
            self.rows(simd, rows, factors, &mut work);
        }
    }
}

impl Backward<'_> {
    /// What some tokens, as queries, add to the gradients.
    #[inline(always)]
    fn rows<S: Simd>(
        &self,
        simd: S,
        rows: Range<usize>,
        factors: Factors<'_>,
        work: &mut Work<'_>,
    ) {
        let (length, stride) = (self.head.length(), self.head.stride());
        let queries = self.head.part(self.projected, Part::Query, rows.clone());
        let gradient = self.head.share(self.gradient, rows.clone());
        // SAFETY: both have room for `ROWS` rows, and are borrowed here alone.
        unsafe {
            let weights = Rectangle::new(work.weights.as_mut_ptr(), stride);
            multiply_serial(simd, queries, factors.transposed_keys, Start::Zero, weights);
            let gradients = Rectangle::new(work.gradients.as_mut_ptr(), stride);
            let values = factors.transposed_values;
            multiply_serial(simd, gradient, values, Start::Zero, gradients);
        }
        for row in rows.clone() {
            let start = (row - rows.start) * stride;
            let place = start..start + stride;
            let (weights, gradients) =
                (&mut work.weights[place.clone()], &mut work.gradients[place]);
            weights[length..].fill(f32::NEG_INFINITY);
            gradients[length..].fill(0.0);
            self.row(simd, row, weights, gradients, work.factors);
        }
        // Sums over queries go on from one block of them to the next.
        let start = if rows.start == 0 {
            Start::Zero
        } else {
            Start::Output
        };
        let matrix = |data| Matrix::strided(data, rows.len(), length, stride);
        let (weights, scores) = (matrix(&*work.weights), matrix(&*work.gradients));
        // SAFETY: this sequence's rows, in the columns of this head, are this task's alone.
        unsafe {
            let output = |part, row| {
                self.output
                    .at(self.head.first() + row, self.head.column(part))
            };
            let right = PanelsView::pack(simd, gradient, work.packed);
            multiply_serial(
                simd,
                weights.transpose(),
                right,
                start,
                output(Part::Value, 0),
            );
            let right = PanelsView::pack(simd, queries, work.packed);
            multiply_serial(simd, scores.transpose(), right, start, output(Part::Key, 0));
            let queries = output(Part::Query, rows.start);
            multiply_serial(simd, scores, factors.keys, Start::Zero, queries);
        }
    }

    /// From scores and the gradient of the weights to the weights and the gradient of the scores.
    #[inline(always)]
    fn row<S: Simd>(
        &self,
        simd: S,
        row: usize,
        weights: &mut [f32],
        gradients: &mut [f32],
        factors: &mut [f32],
    ) {
        let attention = self.head.attention;
        let token = self.head.first() + row;
        let scale = attention.scale();
        let log_sum = self.log_sums[token * attention.heads + self.head.head];
        exponentials(simd, weights, scale, log_sum);
        // The sum of all weights times their gradients.
        let place = token * attention.hidden() + self.head.head * attention.head_size;
        let place = place..place + attention.head_size;
        let mean = dot(simd, &self.context[place.clone()], &self.gradient[place]);
        let (mean, scale) = (simd.splat_f32s(mean), simd.splat_f32s(scale));
        let dropped = self.head.factors(simd, row, factors);
        if !dropped {
            factors.fill(1.0);
        }
        let weights = S::as_mut_simd_f32s(weights).0.iter_mut();
        let gradients = S::as_mut_simd_f32s(gradients).0.iter_mut();
        for ((weight, gradient), &factor) in weights.zip(gradients).zip(S::as_simd_f32s(factors).0)
        {
            let centred = simd.sub_f32s(simd.mul_f32s(*gradient, factor), mean);
            *gradient = simd.mul_f32s(simd.mul_f32s(*weight, scale), centred);
            *weight = simd.mul_f32s(*weight, factor);
        }
    }
}
