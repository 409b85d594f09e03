//! Batches and steps of a run.

use std::sync::Arc;

use cloze_data::sampling::{BatchSize, EpochPlan, SamplingOptions};
use cloze_tasks::{ExampleSource, TaskError};

use crate::config::RunConfig;

/// Which training examples each batch of an epoch, from 0, holds.
pub(super) fn epoch_plan<T: Clone>(
    config: &RunConfig,
    examples: &Arc<dyn ExampleSource<T>>,
    epoch: u64,
) -> EpochPlan<impl FnMut(usize) -> Result<usize, TaskError> + use<T>> {
    let examples = Arc::clone(examples);
    let count = examples.len();
    let length = move |index| examples.tokens(index, epoch);
    EpochPlan::new(count, sampling(config), config.seed, epoch, length)
}

/// How the training examples become batches.
fn sampling(config: &RunConfig) -> SamplingOptions {
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

/// Batches of every epoch. A budget of tokens makes as many as the epoch's order happens to need,
/// so then every epoch is planned once to count them.
pub(super) fn epoch_batches<T: Clone>(
    config: &RunConfig,
    examples: &Arc<dyn ExampleSource<T>>,
) -> Result<Vec<usize>, TaskError> {
    let batches = |epoch| epoch_plan(config, examples, epoch).remaining_batches();
    let epochs = config.train.epochs;
    match sampling(config).batch {
        BatchSize::Sequences(_) => Ok(vec![batches(0)?; epochs as usize]),
        BatchSize::Tokens(_) => (0..epochs).map(batches).collect(),
    }
}
