//! Inverted dropout: an element is zeroed with probability `p`, the others are divided by
//! `1 - p`, so that the expectation stays.
//!
//! Which elements go follows from `(seed, step, site)` and the element's place: no mask need be
//! stored for a backward pass, no number of threads changes one, and a resumed run draws what
//! the run that was never stopped would have drawn.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::philox::{lanes, philox4x32, words};

/// Counters of the generator that decide neighbours, whatever the width of a vector.
const LANES: usize = 16;
/// Elements of a row that these decide: four words a counter.
const GROUP: usize = 4 * LANES;
/// Elements of a mask that a thread takes at a time.
const BLOCK: usize = 1 << 14;

/// The decisions of one dropout, at one place of a model, in one training step.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    key: [u32; 2],
    threshold: u32,
    scale: f32,
}

/// Where attention weights stand: `[sequences, heads, padded, padded]`, of which a sequence of
/// length `n` uses the first `n` rows and columns.
#[derive(Clone, Copy, Debug)]
pub struct AttentionShape<'a> {
    /// Length of every sequence.
    pub lengths: &'a [usize],
    /// Heads a layer.
    pub heads: usize,
    /// Rows and columns that a sequence is padded to.
    pub padded: usize,
}

impl Dropout {
    /// Dropout with the given probability, from 0 to below 1. `site` tells the places of a model
    /// apart, `step` the training steps.
    pub fn new(seed: u64, step: u64, site: u32, probability: f64) -> Self {
        let [low, high] = words(step);
        let [a, b, ..] = philox4x32([low, high, site, 0], words(seed));
        Self {
            key: [a, b],
            // A word below the threshold drops its element.
            threshold: (probability * 2_f64.powi(32))
                .round()
                .min(f64::from(u32::MAX)) as u32,
            scale: (1.0 / (1.0 - probability)) as f32,
        }
    }

    /// What an element is multiplied with: 0 or `1 / (1 - p)`. An element is found by its row,
    /// of which a 96-bit number tells one from another, and its place in the row.
    ///
    /// The reference for the masks below, which draw many elements at once.
    pub fn factor(&self, row: [u32; 3], column: usize) -> f32 {
        let (group, within) = (column / GROUP, column % GROUP);
        let block = group * LANES + within % LANES;
        let counter = [block as u32, row[0], row[1], row[2]];
        self.decide(philox4x32(counter, self.key)[within / LANES])
    }

    fn decide(&self, word: u32) -> f32 {
        if word < self.threshold {
            0.0
        } else {
            self.scale
        }
    }

    /// The factors of a whole tensor, its elements counted row-major as one long row.
    pub fn mask(&self, factors: &mut [f32]) {
        let arch = Arch::new();
        factors
            .par_chunks_mut(BLOCK)
            .enumerate()
            .for_each(|(block, factors)| {
                arch.dispatch(Mask {
                    dropout: self,
                    start: block * BLOCK,
                    factors,
                });
            });
    }

    /// The factor of element `index` of a [`mask`](Self::mask).
    pub fn mask_factor(&self, index: usize) -> f32 {
        let [low, high] = words((index / BLOCK) as u64);
        self.factor([low, high, 0], index % BLOCK)
    }

    /// The factors of elements `start..` of a [`mask`](Self::mask), on this thread, within another
    /// kernel's task.
    #[inline(always)]
    pub fn factors_at<S: Simd>(&self, simd: S, start: usize, factors: &mut [f32]) {
        let (mut block, mut within) = (start / BLOCK, start % BLOCK);
        let mut rest = factors;
        while !rest.is_empty() {
            let length = rest.len().min(BLOCK - within);
            let (factors, after) = rest.split_at_mut(length);
            // A fresh row number for every block keeps the counter of a group within 32 bits.
            let [low, high] = words(block as u64);
            self.row(simd, [low, high, 0], within, factors);
            (block, within, rest) = (block + 1, 0, after);
        }
    }

    /// The factors of the first columns of one row of the attention weights, those of
    /// [`attention_factor`](Self::attention_factor), on this thread, within another kernel's
    /// task.
    #[inline(always)]
    pub fn attention_row<S: Simd>(
        &self,
        simd: S,
        [sequence, head, row]: [usize; 3],
        factors: &mut [f32],
    ) {
        let row = [row as u32, head as u32, sequence as u32];
        self.row(simd, row, 0, factors);
    }

    /// The factors of columns `first..` of a row.
    #[inline(always)]
    fn row<S: Simd>(&self, simd: S, row: [u32; 3], first: usize, factors: &mut [f32]) {
        let mut group = first / GROUP;
        // What lies before the first whole group.
        let head = (group * GROUP + GROUP - first) % GROUP;
        let (head, rest) = factors.split_at_mut(head.min(factors.len()));
        if !head.is_empty() {
            let within = first % GROUP;
            let factors = self.group(simd, row, group);
            head.copy_from_slice(&factors[within..within + head.len()]);
            group += 1;
        }
        let (whole, tail) = rest.as_chunks_mut();
        for factors in whole {
            self.fill_group(simd, row, group, factors);
            group += 1;
        }
        if !tail.is_empty() {
            tail.copy_from_slice(&self.group(simd, row, group)[..tail.len()]);
        }
    }

    #[inline(always)]
    fn group<S: Simd>(&self, simd: S, row: [u32; 3], group: usize) -> [f32; GROUP] {
        let mut factors = [0.0; GROUP];
        self.fill_group(simd, row, group, &mut factors);
        factors
    }

    #[inline(always)]
    fn fill_group<S: Simd>(
        &self,
        simd: S,
        row: [u32; 3],
        group: usize,
        factors: &mut [f32; GROUP],
    ) {
        let threshold = simd.splat_u32s(self.threshold);
        let (zero, scale) = (simd.splat_f32s(0.0), simd.splat_f32s(self.scale));
        let vectors = LANES / S::U32_LANES;
        let factors = S::as_mut_simd_f32s(factors).0;
        for vector in 0..vectors {
            let counter = (group * LANES + vector * S::U32_LANES) as u32;
            let random = lanes(simd, counter, row, self.key);
            for (word, random) in random.into_iter().enumerate() {
                let kept = simd.greater_than_or_equal_u32s(random, threshold);
                factors[word * vectors + vector] = simd.select_f32s(kept, scale, zero);
            }
        }
    }

    /// The factors of attention weights, `[sequences, heads, padded, padded]`. Those of a
    /// sequence depend on its number in the batch, not on its neighbours' lengths; those of
    /// padding are 0.
    ///
    /// # Panics
    /// If `factors` has another number of elements than `shape` says.
    pub fn attention_mask(&self, shape: AttentionShape<'_>, factors: &mut [f32]) {
        let AttentionShape {
            lengths,
            heads,
            padded,
        } = shape;
        assert_eq!(factors.len(), lengths.len() * heads * padded * padded);
        if factors.is_empty() {
            return;
        }
        let arch = Arch::new();
        let head_size = padded * padded;
        factors
            .par_chunks_mut(head_size)
            .enumerate()
            .for_each(|(index, factors)| {
                let (sequence, head) = (index / heads, index % heads);
                arch.dispatch(AttentionHead {
                    dropout: self,
                    sequence,
                    head,
                    length: lengths[sequence],
                    padded,
                    factors,
                });
            });
    }

    /// The factor of the weight with which `head` of `sequence` lets token `row` see `column`.
    pub fn attention_factor(&self, sequence: usize, head: usize, row: usize, column: usize) -> f32 {
        self.factor([row as u32, head as u32, sequence as u32], column)
    }
}

struct Mask<'a> {
    dropout: &'a Dropout,
    start: usize,
    factors: &'a mut [f32],
}

// A closure would not be inlined into the function that turns vector instructions on.
impl WithSimd for Mask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.dropout.factors_at(simd, self.start, self.factors);
    }
}

/// The weights of one head, `[padded, padded]`.
struct AttentionHead<'a> {
    dropout: &'a Dropout,
    sequence: usize,
    head: usize,
    length: usize,
    padded: usize,
    factors: &'a mut [f32],
}

impl WithSimd for AttentionHead<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (row, factors) in self.factors.chunks_mut(self.padded).enumerate() {
            let used = if row < self.length { self.length } else { 0 };
            let (factors, padding) = factors.split_at_mut(used);
            let place = [self.sequence, self.head, row];
            self.dropout.attention_row(simd, place, factors);
            padding.fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mask(dropout: Dropout, length: usize) -> Vec<f32> {
        let mut factors = vec![f32::NAN; length];
        dropout.mask(&mut factors);
        factors
    }

    fn attention(dropout: Dropout, lengths: &[usize], heads: usize) -> Vec<f32> {
        let padded = lengths.iter().copied().max().unwrap_or(0);
        let mut factors = vec![f32::NAN; lengths.len() * heads * padded * padded];
        dropout.attention_mask(
            AttentionShape {
                lengths,
                heads,
                padded,
            },
            &mut factors,
        );
        factors
    }

    #[test]
    fn the_share_of_dropped_elements_is_the_probability() {
        for probability in [0.0, 0.1, 0.5, 0.9] {
            let factors = mask(Dropout::new(42, 7, 3, probability), 100_000);
            let dropped = factors.iter().filter(|&&factor| factor == 0.0).count() as f64;
            assert!(
                (dropped / 1e5 - probability).abs() < 0.006,
                "{probability}: {dropped}"
            );
            let mean = factors.iter().map(|&f| f64::from(f)).sum::<f64>() / 1e5;
            assert!((mean - 1.0).abs() < 0.03);
        }
    }

    #[test]
    fn seed_step_and_site_each_change_the_mask() {
        let base = mask(Dropout::new(1, 1, 1, 0.5), 256);
        assert_eq!(base, mask(Dropout::new(1, 1, 1, 0.5), 256));
        for (seed, step, site) in [
            (2, 1, 1),
            (1, 2, 1),
            (1, 1, 2),
            (1 << 32 | 1, 1, 1),
            (1, 1 << 32 | 1, 1),
        ] {
            let other = mask(Dropout::new(seed, step, site, 0.5), 256);
            let equal = base.iter().zip(&other).filter(|(a, b)| a == b).count();
            assert!(
                (90..166).contains(&equal),
                "{seed} {step} {site}: {equal} of 256 equal"
            );
        }
    }

    #[test]
    fn neighbours_do_not_change_the_mask_of_a_sequence() {
        let dropout = Dropout::new(5, 0, 9, 0.3);
        let (alone, batched) = (attention(dropout, &[3], 2), attention(dropout, &[3, 70], 2));
        for (head, row, column) in [(0, 0, 0), (0, 2, 1), (1, 1, 2), (1, 2, 2)] {
            let at = |padded: usize| (head * padded + row) * padded + column;
            assert_eq!(alone[at(3)], batched[at(70)]);
        }
    }

    #[test]
    fn one_thread_draws_what_many_draw() {
        let pool = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
        };
        let dropout = Dropout::new(8, 2, 1, 0.1);
        let draw = || (mask(dropout, 100_003), attention(dropout, &[5, 67, 1], 3));
        assert_eq!(pool(1).install(draw), pool(3).install(draw));
    }

    proptest! {
        #[test]
        fn masks_equal_the_reference(length in 0_usize..400, seed: u64, offset in 0_usize..3) {
            let dropout = Dropout::new(seed, 3, 4, 0.4);
            let length = length + offset * BLOCK;
            for (index, factor) in mask(dropout, length).into_iter().enumerate().rev().take(500) {
                prop_assert_eq!(factor, dropout.mask_factor(index));
            }
        }

        #[test]
        fn a_part_of_a_mask_equals_the_mask(
            start in prop_oneof![0_usize..300, BLOCK - 130..BLOCK + 70, Just(3 * BLOCK - 1)],
            length in prop_oneof![0_usize..200, Just(BLOCK + 77)],
        ) {
            let dropout = Dropout::new(5, 6, 7, 0.3);
            let whole = mask(dropout, start + length);
            let mut part = vec![f32::NAN; length];
            for scalar in [false, true] {
                let task = Mask { dropout: &dropout, start, factors: &mut part };
                if scalar { task.with_simd(pulp::Scalar) } else { Arch::new().dispatch(task) }
                prop_assert!(part == whole[start..]);
            }
        }

        #[test]
        fn attention_masks_equal_the_reference(
            lengths in prop::collection::vec(1_usize..80, 0..4), heads in 1_usize..4
        ) {
            let dropout = Dropout::new(11, 3, 4, 0.4);
            let padded = lengths.iter().copied().max().unwrap_or(0);
            let factors = attention(dropout, &lengths, heads);
            let mut factors = factors.iter();
            for (sequence, &length) in lengths.iter().enumerate() {
                for (head, row, column) in (0..heads).flat_map(|h| {
                    (0..padded).flat_map(move |r| (0..padded).map(move |c| (h, r, c)))
                }) {
                    let real = row < length && column < length;
                    let expected = if real { dropout.attention_factor(sequence, head, row, column) } else { 0.0 };
                    prop_assert_eq!(factors.next(), Some(&expected));
                }
            }
        }
    }
}
