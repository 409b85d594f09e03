//! One head of one sequence.

use pulp::Simd;

use super::Attention;
use crate::elementary::exp;
use crate::matmul::Matrix;

/// Query rows whose scores are in cache at a time.
pub(super) const ROWS: usize = 112;
/// Scores stand in rows of a multiple of this length, so that no vector is left over.
const LANES: usize = 16;

/// One head of one sequence.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) attention: &'a Attention<'a>,
    pub(super) sequence: usize,
    pub(super) head: usize,
}

/// Which of a token's projections.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Query,
    Key,
    Value,
}

impl<'a> Head<'a> {
    /// The task of this number.
    pub(super) fn new(attention: &'a Attention<'a>, task: usize) -> Self {
        Self {
            attention,
            sequence: task / attention.heads,
            head: task % attention.heads,
        }
    }

    /// The sequence's first token.
    pub(super) fn first(&self) -> usize {
        self.attention.offsets[self.sequence]
    }

    /// Tokens of the sequence.
    pub(super) fn length(&self) -> usize {
        self.attention.offsets[self.sequence + 1] - self.first()
    }

    /// Elements from one row of scores to the next.
    pub(super) fn stride(&self) -> usize {
        self.length().next_multiple_of(LANES)
    }

    /// Where a part begins in a row of `[tokens, 3 · hidden]`.
    pub(super) fn column(&self, part: Part) -> usize {
        part as usize * self.attention.hidden() + self.head * self.attention.head_size
    }

    /// A part of some tokens of the sequence, `[rows, head_size]`.
    pub(super) fn part<'b>(
        &self,
        projected: &'b [f32],
        part: Part,
        rows: std::ops::Range<usize>,
    ) -> Matrix<'b> {
        let stride = 3 * self.attention.hidden();
        let start = (self.first() + rows.start) * stride + self.column(part);
        let data = projected.get(start..).unwrap_or_default();
        Matrix::strided(data, rows.len(), self.attention.head_size, stride)
    }

    /// This head's share of `[tokens, hidden]`, for some tokens of the sequence.
    pub(super) fn share<'b>(&self, context: &'b [f32], rows: std::ops::Range<usize>) -> Matrix<'b> {
        let (stride, size) = (self.attention.hidden(), self.attention.head_size);
        let start = (self.first() + rows.start) * stride + self.head * size;
        Matrix::strided(
            context.get(start..).unwrap_or_default(),
            rows.len(),
            size,
            stride,
        )
    }

    /// The dropout factors of one row of weights, ones where nothing is dropped.
    #[inline(always)]
    pub(super) fn factors<S: Simd>(&self, simd: S, row: usize, factors: &mut [f32]) -> bool {
        match self.attention.dropout {
            Some(dropout) => {
                dropout.attention_row(simd, [self.sequence, self.head, row], factors);
                true
            }
            None => false,
        }
    }
}

/// The largest number of a row.
#[inline(always)]
pub(super) fn maximum<S: Simd>(simd: S, row: &[f32]) -> f32 {
    let mut maximum = simd.splat_f32s(f32::NEG_INFINITY);
    for &values in S::as_simd_f32s(row).0 {
        maximum = simd.max_f32s(maximum, values);
    }
    simd.reduce_max_f32s(maximum)
}

/// `exp(scale · x - shift)` of every element, in place.
#[inline(always)]
pub(super) fn exponentials<S: Simd>(simd: S, row: &mut [f32], scale: f32, shift: f32) {
    let (scale, shift) = (simd.splat_f32s(scale), simd.splat_f32s(-shift));
    for values in S::as_mut_simd_f32s(row).0 {
        *values = exp(simd, simd.mul_add_f32s(*values, scale, shift));
    }
}

/// Multiplies every element with `scale`, and with its factor where there are some.
#[inline(always)]
pub(super) fn scale_row<S: Simd>(simd: S, row: &mut [f32], scale: f32, factors: Option<&[f32]>) {
    let scale = simd.splat_f32s(scale);
    let row = S::as_mut_simd_f32s(row).0;
    match factors {
        Some(factors) => {
            for (values, &factors) in row.iter_mut().zip(S::as_simd_f32s(factors).0) {
                *values = simd.mul_f32s(simd.mul_f32s(*values, scale), factors);
            }
        }
        None => {
            for values in row {
                *values = simd.mul_f32s(*values, scale);
            }
        }
    }
}
