//! Exponential moving averages, in place, in one pass over a tensor.
//!
//! Polyak, Juditsky: *Acceleration of stochastic approximation by averaging*, SIAM Journal on
//! Control and Optimization, 1992.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Elements that a thread takes at a time: both arrays of this fit into its second-level cache.
const BLOCK: usize = 1 << 15;

/// Moves `average` towards `values` by `share` of the way, `1 - decay` of an average with that
/// decay, on all threads: `average + share · (values - average)`, as `torch.lerp`.
///
/// # Panics
/// If the slices differ in length.
pub fn move_towards(average: &mut [f32], values: &[f32], share: f64) {
    assert_eq!(
        average.len(),
        values.len(),
        "average and values differ in length"
    );
    let arch = Arch::new();
    average
        .par_chunks_mut(BLOCK)
        .zip(values.par_chunks(BLOCK))
        .for_each(|(average, values)| {
            arch.dispatch(Block {
                average,
                values,
                share: share as f32,
            });
        });
}

struct Block<'a> {
    average: &'a mut [f32],
    values: &'a [f32],
    share: f32,
}

// A closure would not be inlined into the function that turns vector instructions on.
impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (average, value) in self.average.iter_mut().zip(self.values) {
            *average += self.share * (value - *average);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::philox::fill_normal;
    use proptest::prelude::*;

    fn random(length: usize, stream: u64) -> Vec<f32> {
        let mut values = vec![0.0; length];
        fill_normal(&mut values, 1, stream, 1.0);
        values
    }

    /// `torch.lerp(torch.tensor([1.0, -2.0]), torch.tensor([3.0, 0.5]), 0.25)` of torch 2.15.
    #[test]
    fn a_quarter_of_the_way_is_that_of_pytorch() {
        let mut average = [1.0, -2.0];
        move_towards(&mut average, &[3.0, 0.5], 0.25);
        assert_eq!(average, [1.5, -1.375]);
    }

    #[test]
    fn the_whole_way_from_zero_is_the_values() {
        let (mut average, values) = (vec![0.0; 1000], random(1000, 3));
        move_towards(&mut average, &values, 1.0);
        assert_eq!(average, values);
    }

    #[test]
    fn one_thread_computes_what_many_compute() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let (mut average, values) = (random(100_003, 1), random(100_003, 2));
            pool.install(|| move_towards(&mut average, &values, 0.01));
            average
        };
        assert!(run(1) == run(3));
    }

    #[test]
    #[should_panic(expected = "differ in length")]
    fn values_of_another_length_are_refused() {
        move_towards(&mut [0.0; 3], &[0.0; 2], 0.5);
    }

    proptest! {
        #[test]
        fn every_element_equals_the_formula(
            length in prop_oneof![0_usize..20, Just(97), Just(32_771)],
            share in 0.0_f64..=1.0,
        ) {
            let (mut average, values) = (random(length, 1), random(length, 2));
            let before = average.clone();
            move_towards(&mut average, &values, share);
            for i in 0..length {
                let (before, value) = (f64::from(before[i]), f64::from(values[i]));
                let wanted = (1.0 - share) * before + share * value;
                prop_assert!((f64::from(average[i]) - wanted).abs() <= 1e-6 * (1.0 + wanted.abs()));
            }
        }
    }
}
