use std::convert::Infallible;

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

fn plan(lengths: &[usize], options: SamplingOptions, seed: u64, epoch: u64) -> Vec<Vec<usize>> {
    lazy(lengths, options, seed, epoch).map(known).collect()
}

fn lazy(
    lengths: &[usize],
    options: SamplingOptions,
    seed: u64,
    epoch: u64,
) -> EpochPlan<impl FnMut(usize) -> Result<usize, Infallible> + Clone> {
    let length = move |example: usize| Ok(lengths[example]);
    EpochPlan::new(lengths.len(), options, seed, epoch, length)
}

fn known<T>(result: Result<T, Infallible>) -> T {
    let Ok(value) = result;
    value
}

#[test]
fn the_plan_of_a_seed_and_an_epoch_stays_what_it_is() {
    let plain = plan(&LENGTHS, by_count(0, true), 42, 0);
    assert_eq!(plain, [[3, 6], [5, 7], [8, 9], [0, 4], [2, 1]]);
    let pooled = plan(&LENGTHS, by_count(3, true), 42, 1);
    assert_eq!(pooled, [[4, 9], [7, 0], [3, 1], [5, 8], [6, 2]]);
    let budget = SamplingOptions {
        batch: BatchSize::Tokens(12),
        length_pool: 2,
        shuffle: true,
    };
    let expected: [&[usize]; 6] = [&[4], &[8], &[5, 7, 0], &[3, 1, 6], &[9], &[2]];
    assert_eq!(plan(&LENGTHS, budget, 7, 3), expected);
}

#[test]
fn epochs_and_seeds_differ() {
    let plan = |seed, epoch| plan(&LENGTHS, by_count(0, true), seed, epoch);
    assert_ne!(plan(1, 0), plan(1, 1));
    assert_ne!(plan(1, 0), plan(2, 0));
    assert_eq!(plan(1, 1), plan(1, 1));
}

#[test]
fn without_shuffling_the_order_is_the_files() {
    let files = plan(&LENGTHS, by_count(0, false), 1, 1);
    assert_eq!(files, [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]);
    let sorted = plan(&LENGTHS, by_count(usize::MAX, false), 1, 1);
    assert_eq!(sorted, [[3, 5], [1, 7], [0, 8], [4, 6], [2, 9]]);
}

#[test]
fn nothing_makes_no_batch() {
    assert!(plan(&[], by_count(3, true), 1, 1).is_empty());
}

#[test]
fn pools_bring_similar_lengths_together() {
    let lengths: Vec<usize> = (0..1_000).map(|example| example * 7919 % 500 + 1).collect();
    let padded = |length_pool| -> usize {
        plan(&lengths, by_count(length_pool, true), 3, 0)
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

/// A training that sees the short texts of every pool first learns their labels first.
#[test]
fn batches_of_a_pool_come_in_random_order() {
    let lengths: Vec<usize> = (0..4_000).map(|example| example % 97).collect();
    let batches = plan(&lengths, by_count(20, true), 3, 0);
    let first: usize = batches.chunks(20).map(|pool| lengths[pool[0][0]]).sum();
    let mean = first as f64 / 100.0;
    // Uniform from 0 to 96: the mean of a hundred has a standard deviation of 2.8.
    assert!((mean - 48.0).abs() < 14.0, "{mean}");
}

/// Were anything of an epoch made before it is asked for, this would not end.
#[test]
fn a_plan_of_many_examples_draws_one_pool_at_a_time() {
    let mut asked = 0;
    let mut plan = EpochPlan::new(1 << 45, by_count(50, true), 1, 0, |example| {
        asked += 1;
        Ok::<_, Infallible>(example % 100)
    });
    known(plan.skip_batches(1 << 43));
    for _ in 0..1_000 {
        assert_eq!(known(plan.next().unwrap()).len(), 2);
        assert!(plan.batches.len() < 50);
    }
    drop(plan);
    // The pool that the batches passed over end in, and those of a thousand more.
    assert_eq!(asked, 100 * 21);
}

#[test]
fn lengths_that_decide_nothing_are_not_asked_for() {
    let nobody = |_| -> Result<usize, &str> { Err("asked") };
    let plan = |options| EpochPlan::new(10, options, 1, 0, nobody);
    assert_eq!(plan(by_count(0, true)).filter_map(Result::ok).count(), 5);
    assert_eq!(plan(by_count(7, true)).remaining_batches(), Ok(5));
    let tokens = SamplingOptions {
        batch: BatchSize::Tokens(9),
        ..by_count(0, true)
    };
    assert_eq!(plan(tokens).remaining_batches(), Err("asked"));
}

#[test]
fn a_length_that_cannot_be_told_ends_the_plan() {
    let lengths = |example| if example < 5 { Ok(1) } else { Err(example) };
    let plan = EpochPlan::new(10, by_count(2, false), 1, 0, lengths);
    let items: Vec<_> = plan.collect();
    assert_eq!(items, [Ok(vec![0, 1]), Ok(vec![2, 3]), Err(5)]);
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
        let plan = plan(&lengths, options, seed, epoch);
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

    #[test]
    fn what_follows_batches_that_are_passed_over_is_the_rest_of_the_plan(
        lengths in prop::collection::vec(0_usize..40, 0..120),
        by_tokens in any::<bool>(),
        size in 0_usize..20,
        length_pool in 0_usize..5,
        shuffle in any::<bool>(),
        taken in 0_usize..10,
        skipped in 0_usize..130,
        seed in any::<u64>(),
    ) {
        let batch = if by_tokens { BatchSize::Tokens(size) } else { BatchSize::Sequences(size) };
        let options = SamplingOptions { batch, length_pool, shuffle };
        let whole = plan(&lengths, options, seed, 1);
        prop_assert_eq!(known(lazy(&lengths, options, seed, 1).remaining_batches()), whole.len());
        let mut rest = lazy(&lengths, options, seed, 1);
        let begun = rest.by_ref().take(taken).count();
        known(rest.skip_batches(skipped));
        let position = whole.len().min(begun + skipped);
        prop_assert_eq!(known(rest.clone().remaining_batches()), whole.len() - position);
        let rest: Vec<Vec<usize>> = rest.map(known).collect();
        prop_assert_eq!(&rest, &whole[position..]);
    }
}
