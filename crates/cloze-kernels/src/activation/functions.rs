//! The functions and their derivatives, a vector at a time.

use pulp::Simd;

use crate::elementary::{Normal, exp, normal, tanh};
use crate::elementwise::Elementwise;

/// A function and its derivative. A type each, not a value, so that loops hold no branch.
pub(super) trait Differentiable: Copy {
    /// The function of every lane, and its derivative there.
    fn value_and_slope<S: Simd>(self, simd: S, x: S::f32s) -> (S::f32s, S::f32s);
}

/// The function alone.
#[derive(Clone, Copy)]
pub(super) struct Value<F>(pub(super) F);

impl<F: Differentiable> Elementwise<1, 1> for Value<F> {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, [x]: [S::f32s; 1], _: [S::f32s; 1]) -> [S::f32s; 1] {
        [self.0.value_and_slope(simd, x).0]
    }
}

/// In place.
impl<F: Differentiable> Elementwise<0, 1> for Value<F> {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, []: [S::f32s; 0], [x]: [S::f32s; 1]) -> [S::f32s; 1] {
        [self.0.value_and_slope(simd, x).0]
    }
}

/// Reads the input, writes the output and turns its gradient into that of the input.
#[derive(Clone, Copy)]
pub(super) struct Chain<F>(pub(super) F);

impl<F: Differentiable> Elementwise<1, 2> for Chain<F> {
    #[inline(always)]
    fn apply<S: Simd>(
        self,
        simd: S,
        [x]: [S::f32s; 1],
        [_, gradient]: [S::f32s; 2],
    ) -> [S::f32s; 2] {
        let (value, slope) = self.0.value_and_slope(simd, x);
        [value, simd.mul_f32s(gradient, slope)]
    }
}

/// [`Activation::Gelu`](super::Activation::Gelu).
#[derive(Clone, Copy)]
pub(super) struct Gelu;

impl Differentiable for Gelu {
    #[inline(always)]
    fn value_and_slope<S: Simd>(self, simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
        let Normal {
            cumulative,
            density,
        } = normal(simd, x);
        let slope = simd.mul_add_f32s(x, density, cumulative);
        (simd.mul_f32s(x, cumulative), slope)
    }
}

/// [`Activation::GeluTanh`](super::Activation::GeluTanh).
#[derive(Clone, Copy)]
pub(super) struct GeluTanh;

impl Differentiable for GeluTanh {
    #[inline(always)]
    fn value_and_slope<S: Simd>(self, simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
        // (1 + tanh(u)) / 2 is the sigmoid of 2u, which loses no digits where tanh is near -1.
        const LINEAR: f32 = 2.0 * 0.797_884_6;
        const CUBIC: f32 = LINEAR * 0.044_715;
        let one = simd.splat_f32s(1.0);
        let linear = simd.splat_f32s(LINEAR);
        let square = simd.mul_f32s(x, x);
        let factor = simd.mul_add_f32s(square, simd.splat_f32s(CUBIC), linear);
        let power = exp(simd, simd.neg_f32s(simd.mul_f32s(x, factor)));
        let sigmoid = simd.div_f32s(one, simd.add_f32s(one, power));
        let value = simd.mul_f32s(x, sigmoid);
        // The slope is s + x · s (1 - s) · 2u'.
        let inner = simd.mul_add_f32s(square, simd.splat_f32s(3.0 * CUBIC), linear);
        let rest = simd.mul_f32s(value, simd.sub_f32s(one, sigmoid));
        (value, simd.mul_add_f32s(rest, inner, sigmoid))
    }
}

/// [`Activation::Relu`](super::Activation::Relu).
#[derive(Clone, Copy)]
pub(super) struct Relu;

impl Differentiable for Relu {
    #[inline(always)]
    fn value_and_slope<S: Simd>(self, simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
        let zero = simd.splat_f32s(0.0);
        // The comparison lets NaN through.
        let negative = simd.less_than_f32s(x, zero);
        let positive = simd.greater_than_f32s(x, zero);
        let value = simd.select_f32s(negative, zero, x);
        (
            value,
            simd.select_f32s(positive, simd.splat_f32s(1.0), zero),
        )
    }
}

/// [`Activation::Tanh`](super::Activation::Tanh).
#[derive(Clone, Copy)]
pub(super) struct Tanh;

impl Differentiable for Tanh {
    #[inline(always)]
    fn value_and_slope<S: Simd>(self, simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
        let value = tanh(simd, x);
        let square = simd.mul_f32s(value, value);
        (value, simd.sub_f32s(simd.splat_f32s(1.0), square))
    }
}
