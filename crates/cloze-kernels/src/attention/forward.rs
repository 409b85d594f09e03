use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::head::{Head, Part, ROWS, exponentials, maximum, scale_row};
use super::{Attention, AttentionForward};
use crate::matmul::{Matrix, PanelsView, Rectangle, Start, multiply_serial};
use crate::reductions::sum;
use crate::scratch::Scratch;

impl Attention<'_> {
    /// The forward pass, on all threads.
    ///
    /// # Panics
    /// If a tensor has another length than the batch wants.
    pub fn forward(&self, forward: AttentionForward<'_>) {
        let AttentionForward {
            projected,
            context,
            log_sums,
            weights,
        } = forward;
        self.check(projected, context, log_sums);
        let weights = weights.map(|(weights, padded)| {
            let longest = self.offsets.windows(2).map(|pair| pair[1] - pair[0]).max();
            assert!(
                longest <= Some(padded),
                "no sequence is longer than padding"
            );
            assert_eq!(
                weights.len(),
                self.sequences() * self.heads * padded * padded,
                "weights are [sequences, heads, padded, padded]"
            );
            weights.fill(0.0);
            // SAFETY: exclusively borrowed; every task writes a matrix of its own.
            (
                unsafe { Rectangle::new(weights.as_mut_ptr(), padded) },
                padded,
            )
        });
        // SAFETY: both are exclusively borrowed and have the lengths that `check` wants; every
        // task writes the rows of its sequence in the columns of its head.
        let [context, log_sums] = unsafe {
            [
                Rectangle::new(context.as_mut_ptr(), self.hidden()),
                Rectangle::new(log_sums.as_mut_ptr(), self.heads),
            ]
        };
        let arch = Arch::new();
        (0..self.sequences() * self.heads)
            .into_par_iter()
            .for_each(|task| {
                arch.dispatch(Forward {
                    head: Head::new(self, task),
                    projected,
                    context,
                    log_sums,
                    weights,
                });
            });
    }
}

/// One head of one sequence.
struct Forward<'a> {
    head: Head<'a>,
    projected: &'a [f32],
    context: Rectangle,
    log_sums: Rectangle,
    /// And the rows of a matrix.
    weights: Option<(Rectangle, usize)>,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (length, stride) = (self.head.length(), self.head.stride());
        let part = |part| self.head.part(self.projected, part, 0..length);
        let (keys, values) = (part(Part::Key).transpose(), part(Part::Value));
        let sizes = [keys, values].map(|matrix| PanelsView::elements(simd, matrix));
        let mut scratch = Scratch::new(sizes[0] + sizes[1] + (ROWS + 1) * stride);
        let scratch = &mut *scratch;

        let (packed_keys, rest) = scratch.split_at_mut(sizes[0]);
        let (packed_values, rest) = rest.split_at_mut(sizes[1]);
        let (scores, factors) = rest.split_at_mut(ROWS * stride);
        let keys = PanelsView::pack(simd, keys, packed_keys);
        let values = PanelsView::pack(simd, values, packed_values);
        for first in (0..length).step_by(ROWS) {
            let rows = first..length.min(first + ROWS);
            self.rows(simd, rows, keys, values, scores, factors);
        }
    }
}

impl Forward<'_> {
    /// Some tokens of the sequence look at all of them.
    #[inline(always)]
    fn rows<S: Simd>(
        &self,
        simd: S,
        rows: std::ops::Range<usize>,
        keys: PanelsView<'_>,
        values: PanelsView<'_>,
        scores: &mut [f32],
        factors: &mut [f32],
    ) {
        let (length, stride) = (self.head.length(), self.head.stride());
        let queries = self.head.part(self.projected, Part::Query, rows.clone());
        // SAFETY: `scores` has room for `ROWS` rows, and is borrowed here alone.
        unsafe {
            let output = Rectangle::new(scores.as_mut_ptr(), stride);
            multiply_serial(simd, queries, keys, Start::Zero, output);
        }
        for (row, scores) in rows.clone().zip(scores.chunks_exact_mut(stride)) {
            scores[length..].fill(f32::NEG_INFINITY);
            let log_sum = self.softmax(simd, row, scores, factors);
            let token = self.head.first() + row;
            // SAFETY: one number for every token and head, and this task's alone.
            unsafe { self.log_sums.write(token, self.head.head, &[log_sum]) };
            if let Some((weights, padded)) = self.weights {
                let heads = self.head.attention.heads;
                let matrix = self.head.sequence * heads + self.head.head;
                // SAFETY: the matrix of this sequence and head is this task's alone, and has at
                // least as many rows and columns as the sequence has tokens.
                unsafe { weights.write(matrix * padded + row, 0, &scores[..length]) };
            }
        }
        let weights = Matrix::strided(scores, rows.len(), length, stride);
        let column = self.head.head * self.head.attention.head_size;
        // SAFETY: these tokens' rows, in the columns of this head, are this task's alone.
        unsafe {
            let output = self.context.at(self.head.first() + rows.start, column);
            multiply_serial(simd, weights, values, Start::Zero, output);
        }
    }

    /// Turns scores into weights; returns the logarithm of the sum of their exponentials.
    #[inline(always)]
    fn softmax<S: Simd>(
        &self,
        simd: S,
        row: usize,
        scores: &mut [f32],
        factors: &mut [f32],
    ) -> f32 {
        let scale = self.head.attention.scale();
        let shift = maximum(simd, scores) * scale;
        exponentials(simd, scores, scale, shift);
        let sum = sum(simd, scores);
        let drops = self.head.factors(simd, row, factors);
        scale_row(simd, scores, sum.recip(), drops.then_some(&*factors));
        shift + sum.ln()
    }
}
