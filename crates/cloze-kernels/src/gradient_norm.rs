//! Sums of squares, for the norm of all gradients together.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

const BLOCK: usize = 1 << 15;
const LANES: usize = 16;

/// The sum of the squares of all elements, in `f64`. Not a number if an element is not one.
///
/// The norm over several tensors is the root of the sum of their sums, added in a fixed order.
pub fn sum_of_squares(values: &[f32]) -> f64 {
    let arch = Arch::new();
    let blocks: Vec<f64> = values
        .par_chunks(BLOCK)
        .map(|block| arch.dispatch(BlockSum(block)))
        .collect();
    // In order, whatever thread finished first.
    blocks.iter().sum()
}

struct BlockSum<'a>(&'a [f32]);

// A closure would not be inlined into the function that turns vector instructions on.
impl WithSimd for BlockSum<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        block_sum(self.0)
    }
}

#[inline(always)]
fn block_sum(values: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(value) * f64::from(value);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane += f64::from(value) * f64::from(value);
    }
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::philox::fill_normal;
    use proptest::prelude::*;

    #[test]
    fn one_thread_sums_what_many_sum() {
        let mut values = vec![0.0; 300_007];
        fill_normal(&mut values, 1, 1, 1e-3);
        let sum = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| sum_of_squares(&values)).to_bits()
        };
        assert_eq!(sum(1), sum(3));
    }

    #[test]
    fn large_and_small_values_neither_overflow_nor_vanish() {
        assert_eq!(
            sum_of_squares(&[1e30, 1e30]),
            2.0 * f64::from(1e30_f32).powi(2)
        );
        assert!(sum_of_squares(&[1e-30]) > 0.0);
        assert!(sum_of_squares(&[1.0, f32::NAN]).is_nan());
    }

    proptest! {
        #[test]
        fn it_equals_the_plain_sum(length in prop_oneof![0_usize..40, Just(97), Just(65_537)]) {
            let mut values = vec![0.0; length];
            fill_normal(&mut values, 2, length as u64, 1.0);
            let plain: f64 = values.iter().map(|&v| f64::from(v).powi(2)).sum();
            prop_assert!((sum_of_squares(&values) - plain).abs() <= 1e-12 * plain);
        }
    }
}
