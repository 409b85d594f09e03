//! `exp`, `erf` and `tanh` of a vector: a few fused multiply-adds each, no table and no branch.
//!
//! The coefficients are minimax fits (Lawson's weighted least squares) of our own. A number gives
//! the same bits in every lane and at every vector width, since each step is one rounded
//! operation, fused or not at every width alike.
//!
//! Cody, Waite: *Software manual for the elementary functions*, 1980, for the reduction of `exp`.

use pulp::{Arch, Simd, WithSimd};

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

/// A function of one number, for [`map_in_place`].
pub(crate) trait Elementwise: Copy {
    /// The function of every lane.
    fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s;
}

/// Applies a function to every element, in place.
#[inline(always)]
pub(crate) fn map_in_place<S: Simd>(simd: S, function: impl Elementwise, values: &mut [f32]) {
    let (values, tail) = S::as_mut_simd_f32s(values);
    for value in values {
        *value = function.apply(simd, *value);
    }
    if !tail.is_empty() {
        let result = function.apply(simd, simd.partial_load_f32s(tail));
        simd.partial_store_f32s(tail, result);
    }
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

impl Elementwise for Elementary {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        match self {
            Self::Exp => exp(simd, x),
            Self::Erf => erf(simd, x),
            Self::Tanh => tanh(simd, x),
        }
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
        map_in_place(simd, self.function, self.values);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// `erf` to about 1e-15, by a series without cancellation (Abramowitz, Stegun 7.1.6).
    pub(crate) fn erf_f64(x: f64) -> f64 {
        if x.abs() > 6.0 {
            return x.signum();
        }
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term.abs() > 1e-17 * sum.abs() {
            n += 1.0;
            term *= 2.0 * x * x / (2.0 * n + 1.0);
            sum += term;
        }
        std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
    }

    /// The difference in units in the last place of the number nearest to `wanted`.
    fn ulp(found: f32, wanted: f64) -> f64 {
        let nearest = wanted as f32;
        if found == nearest || found.is_nan() && wanted.is_nan() {
            return if wanted.is_finite() && nearest.is_finite() && nearest != 0.0 {
                (f64::from(found) - wanted).abs() / unit(nearest)
            } else {
                0.0
            };
        }
        (f64::from(found) - wanted).abs() / unit(nearest)
    }

    fn unit(nearest: f32) -> f64 {
        let exponent = (nearest.abs().to_bits() >> 23).max(1) as i32 - 127;
        2_f64.powi(exponent - 23)
    }

    /// The largest error in ULP over every `stride`-th number between two of one sign, and
    /// where.
    fn worst(
        function: Elementary,
        reference: fn(f64) -> f64,
        [from, to]: [f32; 2],
        stride: usize,
    ) -> (f64, f32) {
        assert!(from.is_sign_negative() == to.is_sign_negative() && from.abs() < to.abs());
        let bits: Vec<u32> = (from.to_bits()..=to.to_bits()).step_by(stride).collect();
        let mut worst = (0.0, 0.0);
        for bits in bits.chunks(4096) {
            let x: Vec<f32> = bits.iter().map(|&bits| f32::from_bits(bits)).collect();
            let mut y = x.clone();
            function.apply_to_slice(&mut y);
            for (&x, &y) in x.iter().zip(&y) {
                let error = ulp(y, reference(f64::from(x)));
                if error.is_nan() || error > worst.0 {
                    worst = (error, x);
                }
            }
        }
        worst
    }

    #[test]
    fn exp_is_within_1_1_ulp_where_the_result_is_normal() {
        for range in [[0.0, EXP_HIGH], [-0.0, EXP_LOW]] {
            let (error, x) = worst(Elementary::Exp, f64::exp, range, 997);
            assert!(error <= 1.1, "{error} ULP at {x}");
        }
    }

    #[test]
    fn tanh_is_within_3_ulp() {
        for range in [[0.0, f32::MAX], [-0.0, f32::MIN]] {
            let (error, x) = worst(Elementary::Tanh, f64::tanh, range, 1499);
            assert!(error <= 3.0, "{error} ULP at {x}");
        }
    }

    #[test]
    fn erf_is_within_5_5_ulp() {
        for range in [[0.0, f32::MAX], [-0.0, f32::MIN]] {
            let (error, x) = worst(Elementary::Erf, erf_f64, range, 2999);
            assert!(error <= 5.5, "{error} ULP at {x}");
        }
    }

    #[test]
    fn ends_of_the_range() {
        let of = |function: Elementary, x: f32| {
            let mut values = [x];
            function.apply_to_slice(&mut values);
            values[0]
        };
        let exp = |x| of(Elementary::Exp, x);
        assert_eq!(exp(0.0), 1.0);
        for x in [-87.4, -100.0, -1e30, f32::NEG_INFINITY] {
            assert_eq!(exp(x).to_bits(), 0, "{x}");
        }
        assert!(exp(88.72) < f32::INFINITY);
        for x in [88.73, 100.0, 1e30, f32::INFINITY] {
            assert_eq!(exp(x), f32::INFINITY, "{x}");
        }
        // A NaN with every bit of the fraction set, and the usual one.
        for nan in [f32::NAN, -f32::NAN, f32::from_bits(0x7FFF_FFFF)] {
            for function in [Elementary::Exp, Elementary::Erf, Elementary::Tanh] {
                assert!(of(function, nan).is_nan(), "{function:?}");
            }
        }
        for function in [Elementary::Erf, Elementary::Tanh] {
            for x in [10.0, 1e20, f32::INFINITY] {
                assert_eq!((of(function, x), of(function, -x)), (1.0, -1.0));
            }
            assert_eq!(of(function, -0.0).to_bits(), (-0.0_f32).to_bits());
        }
    }

    #[test]
    fn erf_never_leaves_its_range() {
        let mut values: Vec<f32> = (300_000..400_000).map(|i| i as f32 * 1e-5).collect();
        Elementary::Erf.apply_to_slice(&mut values);
        assert!(values.iter().all(|&y| 0.999_9 < y && y <= 1.0));
    }

    #[test]
    fn every_width_gives_the_same_bits() {
        let x: Vec<f32> = (-50_001..50_002).map(|i| i as f32 * 2.1e-3).collect();
        for function in [Elementary::Exp, Elementary::Erf, Elementary::Tanh] {
            let (mut native, mut scalar) = (x.clone(), x.clone());
            function.apply_to_slice(&mut native);
            map_in_place(pulp::Scalar, function, &mut scalar);
            assert!(native == scalar, "{function:?}");
        }
    }
}
