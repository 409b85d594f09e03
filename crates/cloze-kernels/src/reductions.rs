//! Sums and maxima over one row, in a fixed number of lanes: a vector of any width adds the same
//! numbers in the same order.

use pulp::Simd;

/// Lanes of a reduction: four of the widest vectors, since one addition waits for the one before.
pub(crate) const LANES: usize = 64;

/// What a reduction does with the elements at one place of `N` rows.
pub(crate) trait Step<const N: usize>: Copy {
    /// Stands where a row has ended before its last vector: changes nothing.
    fn padding(self) -> [f32; N];
    /// Takes one element of every row, or a vector of them, into the lanes.
    fn step<S: Simd>(self, simd: S, lanes: S::f32s, elements: [S::f32s; N]) -> S::f32s;
}

/// The sum of a row.
#[inline(always)]
pub(crate) fn sum<S: Simd>(simd: S, row: &[f32]) -> f32 {
    total(reduce(simd, [row], 0.0, Sum))
}

/// The sum of the squares of a row's distances from `mean`.
#[inline(always)]
pub(crate) fn squared_deviations<S: Simd>(simd: S, row: &[f32], mean: f32) -> f32 {
    total(reduce(simd, [row], 0.0, SquaredDeviations { mean }))
}

/// The inner product of two rows of one length.
#[inline(always)]
pub(crate) fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    total(reduce(simd, [a, b], 0.0, Dot))
}

/// The greatest number of a row; numbers that are none are passed over.
#[inline(always)]
pub(crate) fn greatest<S: Simd>(simd: S, row: &[f32]) -> f32 {
    let mut lanes = reduce(simd, [row], f32::NEG_INFINITY, Greatest);
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            if lanes[lane + width] > lanes[lane] {
                lanes[lane] = lanes[lane + width];
            }
        }
        width /= 2;
    }
    lanes[0]
}

/// Starts every lane at `start` and lets `step` take in the rows, which have one length.
#[inline(always)]
pub(crate) fn reduce<S: Simd, const N: usize>(
    simd: S,
    rows: [&[f32]; N],
    start: f32,
    step: impl Step<N>,
) -> [f32; LANES] {
    let mut lanes = [start; LANES];
    reduce_into(simd, &mut lanes, rows, step);
    lanes
}

/// Lets `step` take rows of one length into the lanes. For a row that comes in parts: all but the
/// last must be a multiple of [`LANES`] long.
#[inline(always)]
pub(crate) fn reduce_into<S: Simd, const N: usize>(
    simd: S,
    lanes: &mut [f32; LANES],
    rows: [&[f32]; N],
    step: impl Step<N>,
) {
    let chunks = rows.map(|row| row.as_chunks::<LANES>());
    for index in 0..chunks[0].0.len() {
        take(simd, lanes, chunks.map(|(whole, _)| &whole[index]), step);
    }
    let length = chunks[0].1.len();
    if length > 0 {
        let mut padded = step.padding().map(|value| [value; LANES]);
        for (padded, (_, tail)) in padded.iter_mut().zip(chunks) {
            padded[..length].copy_from_slice(tail);
        }
        take(simd, lanes, padded.each_ref(), step);
    }
}

#[inline(always)]
fn take<S: Simd, const N: usize>(
    simd: S,
    lanes: &mut [f32; LANES],
    chunks: [&[f32; LANES]; N],
    step: impl Step<N>,
) {
    let chunks = chunks.map(|chunk| S::as_simd_f32s(chunk).0);
    for (index, lanes) in S::as_mut_simd_f32s(lanes).0.iter_mut().enumerate() {
        *lanes = step.step(simd, *lanes, chunks.map(|chunk| chunk[index]));
    }
}

/// The sum of the lanes, pair by pair.
#[inline(always)]
pub(crate) fn total(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// Adds up one row.
#[derive(Clone, Copy)]
pub(crate) struct Sum;

impl Step<1> for Sum {
    #[inline(always)]
    fn padding(self) -> [f32; 1] {
        [0.0]
    }

    #[inline(always)]
    fn step<S: Simd>(self, simd: S, lanes: S::f32s, [element]: [S::f32s; 1]) -> S::f32s {
        simd.add_f32s(lanes, element)
    }
}

#[derive(Clone, Copy)]
struct SquaredDeviations {
    mean: f32,
}

impl Step<1> for SquaredDeviations {
    #[inline(always)]
    fn padding(self) -> [f32; 1] {
        [self.mean]
    }

    #[inline(always)]
    fn step<S: Simd>(self, simd: S, lanes: S::f32s, [element]: [S::f32s; 1]) -> S::f32s {
        let deviation = simd.sub_f32s(element, simd.splat_f32s(self.mean));
        simd.mul_add_f32s(deviation, deviation, lanes)
    }
}

#[derive(Clone, Copy)]
struct Greatest;

impl Step<1> for Greatest {
    #[inline(always)]
    fn padding(self) -> [f32; 1] {
        [f32::NEG_INFINITY]
    }

    #[inline(always)]
    fn step<S: Simd>(self, simd: S, lanes: S::f32s, [element]: [S::f32s; 1]) -> S::f32s {
        let greater = simd.greater_than_f32s(element, lanes);
        simd.select_f32s(greater, element, lanes)
    }
}

#[derive(Clone, Copy)]
struct Dot;

impl Step<2> for Dot {
    #[inline(always)]
    fn padding(self) -> [f32; 2] {
        [0.0; 2]
    }

    #[inline(always)]
    fn step<S: Simd>(self, simd: S, lanes: S::f32s, [a, b]: [S::f32s; 2]) -> S::f32s {
        simd.mul_add_f32s(a, b, lanes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::philox::fill_normal;
    use proptest::prelude::*;
    use pulp::{Arch, WithSimd};

    struct All<'a> {
        a: &'a [f32],
        b: &'a [f32],
    }

    impl WithSimd for All<'_> {
        type Output = [f32; 4];

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> [f32; 4] {
            let Self { a, b } = self;
            [
                sum(simd, a),
                squared_deviations(simd, a, 0.75),
                dot(simd, a, b),
                greatest(simd, a),
            ]
        }
    }

    proptest! {
        #[test]
        fn reductions_equal_the_plain_sums_at_every_width(
            length in prop_oneof![0_usize..200, Just(768), Just(1009)]
        ) {
            let (mut a, mut b) = (vec![0.0; length], vec![0.0; length]);
            fill_normal(&mut a, 1, 1, 1.0);
            fill_normal(&mut b, 1, 2, 1.0);
            let native = Arch::new().dispatch(All { a: &a, b: &b });
            prop_assert_eq!(native, All { a: &a, b: &b }.with_simd(pulp::Scalar));
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = pulp::x86::V3::try_new() {
                prop_assert_eq!(native, Simd::vectorize(simd, All { a: &a, b: &b }));
            }
            let pairs = || a.iter().zip(&b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
            let wanted = [
                pairs().map(|(a, _)| a).sum::<f64>(),
                pairs().map(|(a, _)| (a - 0.75).powi(2)).sum(),
                pairs().map(|(a, b)| a * b).sum(),
                pairs().map(|(a, _)| a).fold(f64::NEG_INFINITY, f64::max),
            ];
            for (found, wanted) in native.into_iter().zip(wanted) {
                let bound = 1e-6 * (length as f64 + 1.0);
                let found = f64::from(found);
                prop_assert!(found == wanted || (found - wanted).abs() <= bound);
            }
        }
    }
}
