use super::*;

const ALL: [Elementary; 5] = [
    Elementary::Exp,
    Elementary::Erf,
    Elementary::Tanh,
    Elementary::Ln1p,
    Elementary::NormalCumulative,
];

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

/// `Φ(x)`, relatively accurate in the tail too, and `φ(x)`.
pub(crate) fn normal_f64(x: f64) -> (f64, f64) {
    let density = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let magnitude = x.abs();
    let below = if magnitude < 2.0 {
        0.5 - erf_f64(magnitude / std::f64::consts::SQRT_2) / 2.0
    } else {
        // Laplace's continued fraction for Mills' ratio.
        density
            / (1..400)
                .rev()
                .fold(magnitude, |sum, k| magnitude + f64::from(k) / sum)
    };
    (if x < 0.0 { below } else { 1.0 - below }, density)
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
fn ln_1p_is_within_3_ulp_up_to_1() {
    let (error, x) = worst(Elementary::Ln1p, f64::ln_1p, [0.0, 1.0], 997);
    assert!(error <= 3.0, "{error} ULP at {x}");
}

#[test]
fn erf_is_within_5_5_ulp() {
    for range in [[0.0, f32::MAX], [-0.0, f32::MIN]] {
        let (error, x) = worst(Elementary::Erf, erf_f64, range, 2999);
        assert!(error <= 5.5, "{error} ULP at {x}");
    }
}

#[test]
fn the_tail_of_the_normal_distribution_is_accurate_relative_to_itself() {
    let x: Vec<f32> = (-12_890..12_890).map(|i| i as f32 * 1e-3).collect();
    let mut y = x.clone();
    Elementary::NormalCumulative.apply_to_slice(&mut y);
    for (&x, &y) in x.iter().zip(&y) {
        let wide = f64::from(x);
        let wanted = normal_f64(wide).0;
        // The rounding of x² / 2 before `exp` is magnified in the far tail.
        let bound = 4e-7 + 6e-8 * wide * wide / 2.0;
        assert!(
            (f64::from(y) / wanted - 1.0).abs() <= bound,
            "{x}: {y} {wanted}"
        );
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
        for function in ALL {
            assert!(of(function, nan).is_nan(), "{function:?}");
        }
    }
    for function in [Elementary::Erf, Elementary::Tanh] {
        for x in [10.0, 1e20, f32::INFINITY] {
            assert_eq!((of(function, x), of(function, -x)), (1.0, -1.0));
        }
        assert_eq!(of(function, -0.0).to_bits(), (-0.0_f32).to_bits());
    }
    for x in [13.0, 1e20, f32::INFINITY] {
        let cumulative = |x| of(Elementary::NormalCumulative, x);
        assert_eq!((cumulative(x), cumulative(-x)), (1.0, 0.0));
    }
    assert_eq!(of(Elementary::NormalCumulative, 0.0), 0.5);
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
    for function in ALL {
        let (mut native, mut scalar) = (x.clone(), x.clone());
        function.apply_to_slice(&mut native);
        for_each(pulp::Scalar, function, [], [&mut scalar]);
        assert!(native == scalar, "{function:?}");
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            let mut values = x.clone();
            let slice = Slice {
                function,
                values: &mut values,
            };
            Simd::vectorize(simd, slice);
            assert!(values == scalar, "{function:?}");
        }
    }
}
