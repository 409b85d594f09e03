//! `exp`, `ln_1p`, `erf`, `tanh` and the normal distribution of a vector: a few fused multiply-adds each, no table and no branch.
//!
//! The coefficients are minimax fits (Lawson's weighted least squares) of our own. A number gives
//! the same bits in every lane and at every vector width, since each step is one rounded
//! operation, fused or not at every width alike.
//!
//! Cody, Waite: *Software manual for the elementary functions*, 1980, for the reduction of `exp`.

use pulp::{Arch, Simd, WithSimd};

use crate::elementwise::{Elementwise, for_each};

/// `1.5 · 2²³`: the sum with a number below 2²² in magnitude is rounded to an integer, which
/// then stands in its low bits.
const ROUNDER: f32 = 12_582_912.0;
/// `ln 2` in two parts, of which the first times an exponent is exact.
const LN_2: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];
/// Below this `exp` is less than the smallest normal number, and 0 is returned.
const EXP_LOW: f32 = -87.336_54;
/// Above this `exp` is larger than the largest number.
const EXP_HIGH: f32 = 88.722_83;
/// `(eʳ - 1 - r) / r²` for `|r| ≤ ln 2 / 2`, from the lowest power of `r`.
const EXP_TAIL: [f32; 5] = [
    0.499_999_97,
    0.166_665_44,
    0.041_667_2,
    0.008_366_548,
    0.001_388_252_3,
];
/// Above this the nearest number to `tanh` is 1.
const TANH_HIGH: f32 = 9.02;
/// Above this the nearest number to `erf` is 1.
const ERF_HIGH: f32 = 3.85;
/// `erf(x) / x` is the ratio of two polynomials in `x²`, from the lowest power.
const ERF_NUMERATOR: [f32; 6] = [
    std::f32::consts::FRAC_2_SQRT_PI,
    0.191_547_4,
    0.052_875_074,
    0.003_808_042_2,
    0.000_284_685_9,
    2.025_939_8e-6,
];
const ERF_DENOMINATOR: [f32; 6] = [
    1.0,
    0.503_087_16,
    0.114_558_43,
    0.015_054_847,
    0.001_170_698_6,
    3.783_204e-5,
];

/// `2 artanh(s) / s` for `s` up to 1/3, from the lowest power of `s²`.
const ARTANH: [f32; 5] = [2.0, 0.666_663_2, 0.400_249_1, 0.279_606, 0.281_783_34];
/// `1 / √(2π)`.
const INVERSE_ROOT_TAU: f32 = 0.398_942_3;
/// Above this magnitude the tail of the normal distribution is taken for 0.
const NORMAL_HIGH: f32 = 12.9;
/// `Φ(-x) · exp(x² / 2)`, Mills' ratio over `√(2π)`, as the ratio of two polynomials in `x`,
/// from the lowest power.
const MILLS_NUMERATOR: [f32; 5] = [
    0.5,
    0.435_686_23,
    0.181_306_7,
    0.039_984_155,
    0.004_020_188_5,
];
const MILLS_DENOMINATOR: [f32; 6] = [
    1.0,
    1.669_257_4,
    1.194_484,
    0.464_380_2,
    0.100_232_795,
    0.010_076_974_5,
];

/// `eˣ` to 1.1 units in the last place wherever the result is a normal number; 0 where it would
/// be smaller than those, infinity where it would be larger, NaN of NaN.
#[inline(always)]
pub fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let Reduced { exponent, tail } = reduce(simd, x);
    let mantissa = simd.add_f32s(tail, simd.splat_f32s(1.0));
    // Added to the exponent's field rather than multiplied: 2¹²⁸ alone would overflow.
    let result =
        simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(mantissa), exponent));
    let below = simd.less_than_f32s(x, simd.splat_f32s(EXP_LOW));
    let result = simd.select_f32s(below, simd.splat_f32s(0.0), result);
    let within = simd.less_than_or_equal_f32s(x, simd.splat_f32s(EXP_HIGH));
    let beyond = simd.add_f32s(x, simd.splat_f32s(f32::INFINITY));
    simd.select_f32s(within, result, beyond)
}

/// `tanh(x)` to 3 units in the last place; NaN of NaN.
#[inline(always)]
pub fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let magnitude = simd.abs_f32s(x);
    let high = simd.splat_f32s(TANH_HIGH);
    let saturated = simd.greater_than_f32s(magnitude, high);
    let magnitude = simd.select_f32s(saturated, high, magnitude);
    // tanh(x) = m / (m + 2) with m = exp(2x) - 1, which is accurate near 0 too.
    let Reduced { exponent, tail } = reduce(simd, simd.add_f32s(magnitude, magnitude));
    let one = simd.splat_f32s(1.0);
    let power = simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(one), exponent));
    let m = simd.mul_add_f32s(power, tail, simd.sub_f32s(power, one));
    let ratio = simd.div_f32s(m, simd.add_f32s(m, simd.splat_f32s(2.0)));
    with_sign_of(simd, simd.select_f32s(saturated, one, ratio), x)
}

/// The error function to 5.5 units in the last place, never beyond ±1; NaN of NaN.
#[inline(always)]
pub fn erf<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let magnitude = simd.abs_f32s(x);
    let square = simd.mul_f32s(x, x);
    let numerator = simd.mul_f32s(magnitude, polynomial(simd, square, ERF_NUMERATOR));
    let ratio = simd.div_f32s(numerator, polynomial(simd, square, ERF_DENOMINATOR));
    let one = simd.splat_f32s(1.0);
    let rounded_up = simd.greater_than_f32s(ratio, one);
    let ratio = simd.select_f32s(rounded_up, one, ratio);
    let saturated = simd.greater_than_f32s(magnitude, simd.splat_f32s(ERF_HIGH));
    with_sign_of(simd, simd.select_f32s(saturated, one, ratio), x)
}

/// `ln(1 + x)` for `x` from 0 to 1, to 3 units in the last place; NaN of NaN.
#[inline(always)]
pub fn ln_1p<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // ln(1 + x) = 2 artanh(s) with s = x / (2 + x), an odd function of s.
    let s = simd.div_f32s(x, simd.add_f32s(x, simd.splat_f32s(2.0)));
    let square = simd.mul_f32s(s, s);
    simd.mul_f32s(s, polynomial(simd, square, ARTANH))
}

/// The standard normal distribution at one place.
pub struct Normal<S: Simd> {
    /// `Φ(x)`, the share of the distribution that lies below.
    pub cumulative: S::f32s,
    /// `φ(x) = exp(-x² / 2) / √(2π)`.
    pub density: S::f32s,
}

/// `Φ(x)` and `φ(x)`. The tail of `Φ` is accurate relative to itself, as `(1 + erf(x / √2)) / 2`
/// would not be. Both are 0 where they fall short of the normal numbers. `Φ` of NaN is NaN.
#[inline(always)]
pub fn normal<S: Simd>(simd: S, x: S::f32s) -> Normal<S> {
    let magnitude = simd.abs_f32s(x);
    let half = simd.mul_f32s(x, simd.splat_f32s(-0.5));
    let Reduced { exponent, tail } = reduce(simd, simd.mul_f32s(x, half));
    let one = simd.splat_f32s(1.0);
    let mantissa = simd.transmute_u32s_f32s(simd.add_f32s(tail, one));
    let power = simd.transmute_f32s_u32s(simd.add_u32s(mantissa, exponent));
    let numerator = simd.mul_f32s(power, polynomial(simd, magnitude, MILLS_NUMERATOR));
    let below = simd.div_f32s(numerator, polynomial(simd, magnitude, MILLS_DENOMINATOR));
    let density = simd.mul_f32s(power, simd.splat_f32s(INVERSE_ROOT_TAU));
    let zero = simd.splat_f32s(0.0);
    let vanished = simd.greater_than_f32s(magnitude, simd.splat_f32s(NORMAL_HIGH));
    let below = simd.select_f32s(vanished, zero, below);
    let negative = simd.less_than_f32s(x, zero);
    Normal {
        cumulative: simd.select_f32s(negative, below, simd.sub_f32s(one, below)),
        density: simd.select_f32s(vanished, zero, density),
    }
}

/// `eˣ = 2ⁿ · (1 + tail)`, for results within the range of `f32`.
struct Reduced<S: Simd> {
    /// `n`, in the place of a number's exponent.
    exponent: S::u32s,
    /// `eʳ - 1`, where `r` is what `n · ln 2` leaves of `x`.
    tail: S::f32s,
}

#[inline(always)]
fn reduce<S: Simd>(simd: S, x: S::f32s) -> Reduced<S> {
    let rounder = simd.splat_f32s(ROUNDER);
    let rounded = simd.mul_add_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), rounder);
    let n = simd.sub_f32s(rounded, rounder);
    let r = simd.mul_add_f32s(n, simd.splat_f32s(-LN_2[0]), x);
    let r = simd.mul_add_f32s(n, simd.splat_f32s(-LN_2[1]), r);
    let tail = polynomial(simd, r, EXP_TAIL);
    Reduced {
        exponent: simd
            .wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(rounded), simd.splat_u32s(23)),
        tail: simd.mul_add_f32s(simd.mul_f32s(r, r), tail, r),
    }
}

/// Horner's scheme.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, x: S::f32s, coefficients: [f32; N]) -> S::f32s {
    let mut sum = simd.splat_f32s(coefficients[N - 1]);
    for &coefficient in coefficients[..N - 1].iter().rev() {
        sum = simd.mul_add_f32s(sum, x, simd.splat_f32s(coefficient));
    }
    sum
}

/// `magnitude`, which is not negative, with the sign of `x`.
#[inline(always)]
fn with_sign_of<S: Simd>(simd: S, magnitude: S::f32s, x: S::f32s) -> S::f32s {
    let sign = simd.and_f32s(x, simd.splat_f32s(-0.0));
    simd.or_f32s(magnitude, sign)
}

/// One of the functions of this module, for whole slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elementary {
    /// [`exp`].
    Exp,
    /// [`erf`].
    Erf,
    /// [`tanh`].
    Tanh,
    /// [`ln_1p`].
    Ln1p,
    /// `Φ` of [`normal`].
    NormalCumulative,
}

impl Elementary {
    /// Applies the function to every element, on this thread.
    pub fn apply_to_slice(self, values: &mut [f32]) {
        Arch::new().dispatch(Slice {
            function: self,
            values,
        });
    }
}

impl Elementwise<0, 1> for Elementary {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, []: [S::f32s; 0], [x]: [S::f32s; 1]) -> [S::f32s; 1] {
        [match self {
            Self::Exp => exp(simd, x),
            Self::Erf => erf(simd, x),
            Self::Tanh => tanh(simd, x),
            Self::Ln1p => ln_1p(simd, x),
            Self::NormalCumulative => normal(simd, x).cumulative,
        }]
    }
}

struct Slice<'a> {
    function: Elementary,
    values: &'a mut [f32],
}

// A closure would not be inlined into the function that turns vector instructions on.
impl WithSimd for Slice<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for_each(simd, self.function, [], [self.values]);
    }
}

#[cfg(test)]
pub(crate) mod tests;
