//! What a cell does with its gates, an element at a time, forward and backward.

use pulp::{Simd, WithSimd};

use crate::elementary::{exp, tanh};
use crate::elementwise::{Elementwise, for_each};

/// One step of one sequence.
pub(super) struct Forward<'a> {
    pub(super) hidden: usize,
    /// What the gates are given of the state before, `[4 · hidden]`.
    pub(super) sums: &'a [f32],
    /// The cell state before.
    pub(super) before: &'a [f32],
    /// What the gates are given of the input, turned into what they let through.
    pub(super) gates: &'a mut [f32],
    /// Receives the cell state.
    pub(super) cell: &'a mut [f32],
    /// Receives the hidden state,
    pub(super) output: &'a mut [f32],
    /// and receives it once more, beside those of the other sequences.
    pub(super) state: &'a mut [f32],
}

// A closure would not be inlined into the function that turns vector instructions on.
impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [a, b, c, d] = parts(self.sums, self.hidden);
        let [i, f, g, o] = parts_mut(self.gates, self.hidden);
        for_each(
            simd,
            Step,
            [a, b, c, d, self.before],
            [i, f, g, o, self.cell, self.output, self.state],
        );
    }
}

/// One step of one sequence on the way back.
pub(super) struct Backward<'a> {
    pub(super) hidden: usize,
    /// The gradient of the output.
    pub(super) gradient: &'a [f32],
    /// What the step behind adds to it.
    pub(super) recurrent: &'a [f32],
    /// What the gates let through, `[4 · hidden]`.
    pub(super) gates: &'a [f32],
    /// The cell state.
    pub(super) cell: &'a [f32],
    /// The cell state before.
    pub(super) before: &'a [f32],
    /// The gradient of the cell state that comes from behind, turned into what goes on to the
    /// step before.
    pub(super) carried: &'a mut [f32],
    /// Receives the gradient of what the gates were given, `[4 · hidden]`,
    pub(super) gate_gradient: &'a mut [f32],
    /// and receives it once more, beside those of the other sequences.
    pub(super) step_gradient: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [i, f, g, o] = parts(self.gates, self.hidden);
        let [di, df, dg, d_o] = parts_mut(self.gate_gradient, self.hidden);
        for_each(
            simd,
            StepBack,
            [
                self.gradient,
                self.recurrent,
                i,
                f,
                g,
                o,
                self.cell,
                self.before,
            ],
            [self.carried, &mut *di, &mut *df, &mut *dg, &mut *d_o],
        );
        self.step_gradient.copy_from_slice(self.gate_gradient);
    }
}

/// The rows of the gates.
#[inline(always)]
fn parts(values: &[f32], hidden: usize) -> [&[f32]; 4] {
    let (i, rest) = values.split_at(hidden);
    let (f, rest) = rest.split_at(hidden);
    let (g, o) = rest.split_at(hidden);
    [i, f, g, o]
}

#[inline(always)]
fn parts_mut(values: &mut [f32], hidden: usize) -> [&mut [f32]; 4] {
    let (i, rest) = values.split_at_mut(hidden);
    let (f, rest) = rest.split_at_mut(hidden);
    let (g, o) = rest.split_at_mut(hidden);
    [i, f, g, o]
}

/// `1 / (1 + exp(-x))`: 0 where `exp` is too large for a number.
#[inline(always)]
fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let power = exp(simd, simd.neg_f32s(x));
    simd.div_f32s(one, simd.add_f32s(one, power))
}

#[derive(Clone, Copy)]
struct Step;

impl Elementwise<5, 7> for Step {
    #[inline(always)]
    fn apply<S: Simd>(
        self,
        simd: S,
        [a, b, c, d, before]: [S::f32s; 5],
        [i, f, g, o, ..]: [S::f32s; 7],
    ) -> [S::f32s; 7] {
        let i = sigmoid(simd, simd.add_f32s(i, a));
        let f = sigmoid(simd, simd.add_f32s(f, b));
        let g = tanh(simd, simd.add_f32s(g, c));
        let o = sigmoid(simd, simd.add_f32s(o, d));
        let cell = simd.mul_add_f32s(f, before, simd.mul_f32s(i, g));
        let hidden = simd.mul_f32s(o, tanh(simd, cell));
        [i, f, g, o, cell, hidden, hidden]
    }
}

#[derive(Clone, Copy)]
struct StepBack;

impl Elementwise<8, 5> for StepBack {
    #[inline(always)]
    fn apply<S: Simd>(
        self,
        simd: S,
        [gradient, recurrent, i, f, g, o, cell, before]: [S::f32s; 8],
        [carried, ..]: [S::f32s; 5],
    ) -> [S::f32s; 5] {
        let one = simd.splat_f32s(1.0);
        // The derivative of a sigmoid, and of tanh, from its value.
        let of_sigmoid = |y| simd.mul_f32s(y, simd.sub_f32s(one, y));
        let of_tanh = |y| simd.sub_f32s(one, simd.mul_f32s(y, y));
        let hidden = simd.add_f32s(gradient, recurrent);
        let bounded = tanh(simd, cell);
        let cell = simd.mul_add_f32s(simd.mul_f32s(hidden, o), of_tanh(bounded), carried);
        [
            simd.mul_f32s(cell, f),
            simd.mul_f32s(simd.mul_f32s(cell, g), of_sigmoid(i)),
            simd.mul_f32s(simd.mul_f32s(cell, before), of_sigmoid(f)),
            simd.mul_f32s(simd.mul_f32s(cell, i), of_tanh(g)),
            simd.mul_f32s(simd.mul_f32s(hidden, bounded), of_sigmoid(o)),
        ]
    }
}
