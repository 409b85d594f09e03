//! The batches of an epoch.

use crate::random::RandomStream;

/// Path of the random streams that order the examples and the batches.
const STREAM: u64 = 0x5341_4D50_4C45;

/// How large a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSize {
    /// This many sequences (one, where it is 0).
    Sequences(usize),
    /// As many sequences as this many tokens hold; a sequence that is longer is a batch alone.
    Tokens(usize),
}

/// How the examples of an epoch become batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplingOptions {
    /// How large a batch is.
    pub batch: BatchSize,
    /// How many batches' worth of examples are sorted by length together, so that sequences in a
    /// batch are of similar length; 0 sorts none.
    pub length_pool: usize,
    /// Whether examples, and batches, come in random order.
    pub shuffle: bool,
}

/// Plans an epoch: batches of example indices, every example in exactly one.
///
/// `lengths` are the examples' lengths in tokens. The plan depends on the arguments alone, so a
/// run that is resumed makes the plan of its epoch again and goes on where it was.
///
/// 1. The examples are shuffled, by a random stream of the seed and the epoch.
/// 2. They are cut into pools, each `length_pool` batches large.
/// 3. A pool is sorted by length (equal lengths keep their order) and cut into batches.
/// 4. All batches of the epoch are shuffled.
///
/// Without `shuffle` steps 1 and 4 are left out; without pools, steps 2 to 4.
///
/// ```
/// use cloze_data::sampling::{BatchSize, SamplingOptions, plan_epoch};
///
/// let options = SamplingOptions { batch: BatchSize::Tokens(8), length_pool: 0, shuffle: false };
/// assert_eq!(plan_epoch(&[3, 5, 4, 9, 1], &options, 42, 0), [vec![0, 1], vec![2], vec![3], vec![4]]);
/// ```
pub fn plan_epoch(
    lengths: &[usize],
    options: &SamplingOptions,
    seed: u64,
    epoch: u64,
) -> Vec<Vec<usize>> {
    let mut random = RandomStream::new(seed, &[STREAM, epoch]);
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    if options.shuffle {
        random.shuffle(&mut order);
    }
    if options.length_pool == 0 {
        return cut(&order, lengths, options.batch);
    }
    let mut batches = Vec::new();
    for mut pool in cut(&order, lengths, options.batch.times(options.length_pool)) {
        pool.sort_by_key(|&example| lengths[example]);
        batches.extend(cut(&pool, lengths, options.batch));
    }
    if options.shuffle {
        random.shuffle(&mut batches);
    }
    batches
}

impl BatchSize {
    fn times(self, factor: usize) -> Self {
        match self {
            Self::Sequences(size) => Self::Sequences(size.max(1).saturating_mul(factor)),
            Self::Tokens(size) => Self::Tokens(size.saturating_mul(factor)),
        }
    }
}

/// Cuts examples, in their order, into groups of the given size.
fn cut(order: &[usize], lengths: &[usize], size: BatchSize) -> Vec<Vec<usize>> {
    match size {
        BatchSize::Sequences(size) => order.chunks(size.max(1)).map(<[usize]>::to_vec).collect(),
        BatchSize::Tokens(budget) => {
            let mut groups: Vec<Vec<usize>> = Vec::new();
            let mut tokens = 0_usize;
            for &example in order {
                let length = lengths[example];
                match groups.last_mut() {
                    Some(group) if tokens.saturating_add(length) <= budget => {
                        group.push(example);
                        tokens += length;
                    }
                    _ => {
                        groups.push(vec![example]);
                        tokens = length;
                    }
                }
            }
            groups
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LENGTHS: [usize; 10] = [5, 3, 9, 1, 7, 2, 8, 4, 6, 10];

    fn by_count(length_pool: usize, shuffle: bool) -> SamplingOptions {
        SamplingOptions {
            batch: BatchSize::Sequences(2),
            length_pool,
            shuffle,
        }
    }

    #[test]
    fn the_plan_of_a_seed_and_an_epoch_stays_what_it_is() {
        let plain = plan_epoch(&LENGTHS, &by_count(0, true), 42, 0);
        assert_eq!(plain, [[1, 5], [9, 4], [8, 0], [2, 6], [7, 3]]);
        let pooled = plan_epoch(&LENGTHS, &by_count(3, true), 42, 1);
        assert_eq!(pooled, [[8, 6], [0, 4], [3, 7], [5, 1], [2, 9]]);
        let budget = SamplingOptions {
            batch: BatchSize::Tokens(12),
            length_pool: 2,
            shuffle: true,
        };
        let expected: [&[usize]; 7] = [&[1, 0], &[8], &[9], &[4], &[2], &[3, 5, 7], &[6]];
        assert_eq!(plan_epoch(&LENGTHS, &budget, 7, 3), expected);
    }

    #[test]
    fn epochs_and_seeds_differ() {
        let plan = |seed, epoch| plan_epoch(&LENGTHS, &by_count(0, true), seed, epoch);
        assert_ne!(plan(1, 0), plan(1, 1));
        assert_ne!(plan(1, 0), plan(2, 0));
        assert_eq!(plan(1, 1), plan(1, 1));
    }

    #[test]
    fn without_shuffling_the_order_is_the_files() {
        let plan = plan_epoch(&LENGTHS, &by_count(0, false), 1, 1);
        assert_eq!(plan, [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]);
        let sorted = plan_epoch(&LENGTHS, &by_count(usize::MAX, false), 1, 1);
        assert_eq!(sorted, [[3, 5], [1, 7], [0, 8], [4, 6], [2, 9]]);
    }

    #[test]
    fn nothing_makes_no_batch() {
        assert!(plan_epoch(&[], &by_count(3, true), 1, 1).is_empty());
    }

    #[test]
    fn pools_bring_similar_lengths_together() {
        let lengths: Vec<usize> = (0..1_000).map(|example| example * 7919 % 500 + 1).collect();
        let padded = |length_pool| -> usize {
            plan_epoch(&lengths, &by_count(length_pool, true), 3, 0)
                .iter()
                .map(|batch| {
                    let longest = batch.iter().map(|&example| lengths[example]).max().unwrap();
                    longest * batch.len()
                })
                .sum()
        };
        let tokens: usize = lengths.iter().sum();
        assert!(
            padded(50) < tokens * 102 / 100,
            "{} of {tokens}",
            padded(50)
        );
        assert!(padded(0) > tokens * 125 / 100, "{} of {tokens}", padded(0));
    }

    proptest! {
        #[test]
        fn no_example_is_dropped_or_repeated_and_no_budget_exceeded(
            lengths in prop::collection::vec(0_usize..40, 0..120),
            by_tokens in any::<bool>(),
            size in 0_usize..64,
            length_pool in 0_usize..5,
            shuffle in any::<bool>(),
            seed in any::<u64>(),
            epoch in any::<u64>(),
        ) {
            let batch = if by_tokens { BatchSize::Tokens(size) } else { BatchSize::Sequences(size) };
            let options = SamplingOptions { batch, length_pool, shuffle };
            let plan = plan_epoch(&lengths, &options, seed, epoch);
            for batch in &plan {
                prop_assert!(!batch.is_empty());
                let tokens: usize = batch.iter().map(|&example| lengths[example]).sum();
                if by_tokens {
                    prop_assert!(tokens <= size || batch.len() == 1);
                } else {
                    prop_assert!(batch.len() <= size.max(1));
                }
            }
            if !by_tokens {
                prop_assert_eq!(plan.len(), lengths.len().div_ceil(size.max(1)));
            }
            let mut all: Vec<usize> = plan.into_iter().flatten().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..lengths.len()).collect::<Vec<_>>());
        }
    }
}
