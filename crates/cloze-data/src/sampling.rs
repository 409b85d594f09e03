//! The batches of an epoch.

mod permutation;

use crate::random::RandomStream;
pub use permutation::Permutation;

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

impl BatchSize {
    fn times(self, factor: usize) -> Self {
        match self {
            Self::Sequences(size) => Self::Sequences(size.max(1).saturating_mul(factor)),
            Self::Tokens(size) => Self::Tokens(size.saturating_mul(factor)),
        }
    }

    /// Whether a group of so many sequences and tokens takes one more, of this length.
    fn takes(self, sequences: usize, tokens: usize, length: usize) -> bool {
        match self {
            Self::Sequences(size) => sequences < size.max(1),
            Self::Tokens(budget) => sequences == 0 || tokens.saturating_add(length) <= budget,
        }
    }
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

/// The batches of an epoch: lists of example indices, every example in exactly one. They are
/// planned while they are asked for, so that the plan needs the memory of one pool, however many
/// examples there are.
///
/// The plan depends on the arguments of [`new`](Self::new) alone, so a run that is resumed makes
/// the plan of its epoch again, passes over the batches that are done, and goes on.
///
/// 1. The examples are put into a random order, a [`Permutation`] of the seed and the epoch.
/// 2. From it pools are drawn, one after the other, each `length_pool` batches large.
/// 3. A pool is sorted by length (equal lengths keep their order) and cut into batches.
/// 4. The batches of a pool are shuffled.
///
/// Without `shuffle` the examples stay in their order, and so do the batches. Without pools the
/// order is cut into batches as it is.
///
/// An example's length in tokens is asked for when its pool is drawn, and not at all where neither
/// pools nor batches depend on it. If it cannot be told, that is the last item.
///
/// ```
/// use std::convert::Infallible;
/// use cloze_data::sampling::{BatchSize, EpochPlan, SamplingOptions};
///
/// let lengths = [3, 5, 4, 9, 1];
/// let options = SamplingOptions { batch: BatchSize::Tokens(8), length_pool: 0, shuffle: false };
/// let plan = EpochPlan::new(5, options, 42, 0, |example| Ok::<_, Infallible>(lengths[example]));
/// let batches: Result<Vec<_>, _> = plan.collect();
/// assert_eq!(batches.unwrap(), [vec![0, 1], vec![2], vec![3], vec![4]]);
/// ```
#[derive(Clone, Debug)]
pub struct EpochPlan<L> {
    examples: usize,
    options: SamplingOptions,
    seed: u64,
    epoch: u64,
    lengths: L,
    /// `None` where the examples stay in their order.
    order: Option<Permutation>,
    /// How many examples of the order have been drawn.
    drawn: usize,
    /// What is left of the last pool.
    batches: std::vec::IntoIter<Vec<usize>>,
}

/// An example of a pool.
#[derive(Clone, Copy)]
struct Drawn {
    example: usize,
    /// In tokens; 0 where it decides nothing.
    length: usize,
}

impl<E, L: FnMut(usize) -> Result<usize, E>> EpochPlan<L> {
    /// The plan of an epoch for so many examples, whose lengths in tokens `lengths` tells.
    pub fn new(
        examples: usize,
        options: SamplingOptions,
        seed: u64,
        epoch: u64,
        lengths: L,
    ) -> Self {
        let order = || Permutation::new(examples, &mut RandomStream::new(seed, &[STREAM, epoch]));
        Self {
            examples,
            options,
            seed,
            epoch,
            lengths,
            order: options.shuffle.then(order),
            drawn: 0,
            batches: Vec::new().into_iter(),
        }
    }

    /// Passes over the next batches, or over all if there are not so many. Where batches have a
    /// number of sequences, pools that are passed over are not drawn; a budget of tokens asks for
    /// their lengths.
    ///
    /// # Errors
    /// If a length cannot be told.
    pub fn skip_batches(&mut self, count: usize) -> Result<(), E> {
        let mut left = count;
        loop {
            let passed = left.min(self.batches.len());
            self.batches.by_ref().take(passed).for_each(drop);
            left -= passed;
            if left == 0 {
                return Ok(());
            }
            left -= self.skip_pools(left);
            if !self.draw_pool()? {
                return Ok(());
            }
        }
    }

    /// How many batches are still to come: counted, or, with a budget of tokens, planned.
    ///
    /// # Errors
    /// If a length cannot be told.
    pub fn remaining_batches(mut self) -> Result<usize, E> {
        let mut count = self.batches.len();
        if let BatchSize::Sequences(size) = self.options.batch {
            return Ok(count + (self.examples - self.drawn).div_ceil(size.max(1)));
        }
        while self.draw_pool()? {
            count += self.batches.len();
        }
        Ok(count)
    }

    /// Passes over as many whole pools as hold at most so many batches, if that can be done by
    /// arithmetic, and returns how many batches they hold.
    fn skip_pools(&mut self, batches: usize) -> usize {
        let BatchSize::Sequences(pool) = self.pool() else {
            return 0;
        };
        let batches_of_pool = self.options.length_pool.max(1);
        let pools = (batches / batches_of_pool).min((self.examples - self.drawn) / pool);
        self.drawn += pools * pool;
        pools * batches_of_pool
    }

    /// How large a pool is; one batch where there are none.
    fn pool(&self) -> BatchSize {
        self.options.batch.times(self.options.length_pool.max(1))
    }

    /// Draws a pool and cuts it into batches. `false` if all examples have been drawn.
    fn draw_pool(&mut self) -> Result<bool, E> {
        let place = self.drawn;
        let mut pool = self.draw()?;
        if self.options.length_pool > 0 {
            pool.sort_by_key(|drawn| drawn.length);
        }
        let mut batches = cut(&pool, self.options.batch);
        if self.options.shuffle {
            let path = [STREAM, self.epoch, place as u64];
            RandomStream::new(self.seed, &path).shuffle(&mut batches);
        }
        self.batches = batches.into_iter();
        Ok(!pool.is_empty())
    }

    /// The examples of the next pool, in their order.
    fn draw(&mut self) -> Result<Vec<Drawn>, E> {
        let size = self.pool();
        let most = match size {
            BatchSize::Sequences(size) => size,
            BatchSize::Tokens(_) => usize::MAX,
        };
        let decides = self.options.length_pool > 0 || matches!(size, BatchSize::Tokens(_));
        let mut pool = Vec::new();
        let mut tokens = 0_usize;
        for place in self.drawn..self.examples.min(self.drawn.saturating_add(most)) {
            let example = self.order.as_ref().map_or(place, |order| order.at(place));
            let length = if decides { (self.lengths)(example)? } else { 0 };
            if !size.takes(pool.len(), tokens, length) {
                break;
            }
            tokens = tokens.saturating_add(length);
            pool.push(Drawn { example, length });
        }
        self.drawn += pool.len();
        Ok(pool)
    }
}

impl<E, L: FnMut(usize) -> Result<usize, E>> Iterator for EpochPlan<L> {
    type Item = Result<Vec<usize>, E>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.batches.as_slice().is_empty()
            && let Err(error) = self.draw_pool()
        {
            self.drawn = self.examples;
            return Some(Err(error));
        }
        self.batches.next().map(Ok)
    }
}

/// Cuts examples, in their order, into groups of the given size.
fn cut(examples: &[Drawn], size: BatchSize) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut tokens = 0_usize;
    for &Drawn { example, length } in examples {
        match groups.last_mut() {
            Some(group) if size.takes(group.len(), tokens, length) => {
                group.push(example);
                tokens = tokens.saturating_add(length);
            }
            _ => {
                groups.push(vec![example]);
                tokens = length;
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests;
