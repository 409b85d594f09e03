//! Batches and steps of a run, known before its first step.

use cloze_data::sampling::{BatchSize, SamplingOptions, plan_epoch};

use crate::config::RunConfig;

/// How the training rows become batches.
pub(super) fn sampling(config: &RunConfig) -> SamplingOptions {
    let train = &config.train;
    SamplingOptions {
        batch: match train.tokens_per_batch {
            Some(tokens) => BatchSize::Tokens(tokens),
            None => BatchSize::Sequences(train.batch_size.unwrap_or(16)),
        },
        length_pool: train.length_pool,
        shuffle: true,
    }
}

/// Optimizer steps of every epoch. A budget of tokens makes as many batches as the epoch's order
/// happens to need, so then every epoch is planned once to count them.
pub(super) fn epoch_steps(
    config: &RunConfig,
    lengths: &[usize],
    sampling: &SamplingOptions,
) -> Vec<u64> {
    let steps = |epoch| {
        let batches = plan_epoch(lengths, sampling, config.seed, epoch).len();
        batches.div_ceil(config.train.gradient_accumulation) as u64
    };
    match sampling.batch {
        BatchSize::Sequences(_) => vec![steps(0); config.train.epochs as usize],
        BatchSize::Tokens(_) => (0..config.train.epochs).map(steps).collect(),
    }
}
