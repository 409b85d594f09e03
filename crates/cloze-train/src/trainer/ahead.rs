//! The batches of an epoch, which a thread plans, reads and packs ahead of the steps that train on them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

use cloze_core::PackedBatch;
use cloze_tasks::{ExampleSource, FrozenFeatures, TaskError, pack};

use crate::events::SplitName;
use crate::features::{Features, KeptRows};

/// Steps whose batches are ready before they are wanted.
const STEPS: usize = 4;

/// A batch that was read.
#[derive(Debug)]
pub(super) struct ReadBatch<Y, F> {
    /// The numbers of its training examples.
    pub(super) rows: Vec<usize>,
    pub(super) content: Content<F>,
    /// One an example.
    pub(super) targets: Vec<Y>,
}

/// Tokens, or the features that are kept of them.
#[derive(Debug)]
pub(super) enum Content<F> {
    Tokens(PackedBatch),
    Features(F, KeptRows),
}

/// Reads batches as an epoch sees them.
#[derive(Debug)]
pub(super) struct BatchReader<Y: Clone, F> {
    pub(super) examples: Arc<dyn ExampleSource<Y>>,
    pub(super) features: Option<Arc<Features<F>>>,
    pub(super) epoch: u64,
}

impl<Y: Clone, F: FrozenFeatures> BatchReader<Y, F> {
    fn read(&self, rows: Vec<usize>) -> Result<ReadBatch<Y, F>, TaskError> {
        let examples = rows
            .iter()
            .map(|&row| self.examples.example(row, self.epoch))
            .collect::<Result<Vec<_>, _>>()?;
        let content = match &self.features {
            Some(features) => {
                let kept = features.read(SplitName::Train, rows.iter().copied());
                Content::Features(features.kind(), kept)
            }
            None => Content::Tokens(pack(examples.iter().map(AsRef::as_ref))?),
        };
        let targets = examples.iter().map(|example| example.target.clone());
        Ok(ReadBatch {
            content,
            targets: targets.collect(),
            rows,
        })
    }
}

/// The batches of a step.
type Group<Y, F> = Result<Vec<ReadBatch<Y, F>>, TaskError>;

/// The batches of the steps to come, in their order.
#[derive(Debug)]
pub(super) struct Ahead<Y, F> {
    groups: Receiver<Group<Y, F>>,
    /// What was received and not yet taken: nothing, at the end.
    next: Option<Option<Group<Y, F>>>,
    waited: Duration,
}

/// Starts a thread that reads the batches of `plan`, `accumulation` for each step, and goes on for as
/// long as somebody takes them.
pub(super) fn read_ahead<'scope, Y, F, P>(
    scope: &'scope Scope<'scope, '_>,
    reader: BatchReader<Y, F>,
    plan: impl FnOnce() -> Result<P, TaskError> + Send + 'scope,
    accumulation: usize,
) -> Ahead<Y, F>
where
    Y: Clone + Send + Sync + 'scope,
    F: FrozenFeatures + 'scope,
    P: Iterator<Item = Result<Vec<usize>, TaskError>>,
{
    let (sender, groups) = sync_channel(STEPS);
    scope.spawn(move || match plan() {
        Ok(plan) => send(&reader, plan, accumulation, &sender),
        // Whoever would be told is gone.
        Err(error) => drop(sender.send(Err(error))),
    });
    Ahead {
        groups,
        next: None,
        waited: Duration::ZERO,
    }
}

fn send<Y: Clone, F: FrozenFeatures>(
    reader: &BatchReader<Y, F>,
    mut plan: impl Iterator<Item = Result<Vec<usize>, TaskError>>,
    accumulation: usize,
    sender: &SyncSender<Group<Y, F>>,
) {
    loop {
        let batches = plan.by_ref().take(accumulation);
        let group: Group<Y, F> = batches.map(|rows| reader.read(rows?)).collect();
        let is_last = group.as_ref().map_or(true, Vec::is_empty);
        let is_nothing = group.as_ref().is_ok_and(Vec::is_empty);
        if is_nothing || sender.send(group).is_err() || is_last {
            return;
        }
    }
}

impl<Y, F> Ahead<Y, F> {
    /// Whether there is another step; waits for its batches.
    pub(super) fn has_next(&mut self) -> bool {
        if self.next.is_none() {
            let start = Instant::now();
            self.next = Some(self.groups.recv().ok());
            self.waited += start.elapsed();
        }
        self.next.as_ref().is_some_and(Option::is_some)
    }

    /// The batches of the next step, and how long they were waited for; `None` behind the last one.
    pub(super) fn next(&mut self) -> Option<(Group<Y, F>, Duration)> {
        self.has_next();
        let group = self.next.take().flatten()?;
        Some((group, std::mem::take(&mut self.waited)))
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use cloze_data::reports::ExampleFacts;
    use cloze_tasks::Example;

    use super::*;

    /// Examples of one token, the number of which were read is counted; the last one takes long.
    #[derive(Debug, Default)]
    struct Counted {
        read: AtomicUsize,
        pause: Duration,
    }

    impl ExampleSource<usize> for Counted {
        fn len(&self) -> usize {
            40
        }

        fn tokens(&self, _: usize, _: u64) -> Result<usize, TaskError> {
            Ok(1)
        }

        fn example(&self, index: usize, _: u64) -> Result<Cow<'_, Example<usize>>, TaskError> {
            self.read.fetch_add(1, Ordering::SeqCst);
            if index + 1 == self.len() {
                thread::sleep(self.pause);
            }
            Ok(Cow::Owned(Example {
                ids: vec![index as u32],
                type_ids: vec![0],
                windows: Vec::new(),
                target: index,
                row: index,
                facts: ExampleFacts {
                    label: None,
                    length: 1,
                    tokens: 1,
                    unknown: 0,
                },
            }))
        }
    }

    fn reader(examples: &Arc<Counted>) -> BatchReader<usize, Infallible> {
        BatchReader {
            examples: Arc::clone(examples) as Arc<dyn ExampleSource<usize>>,
            features: None,
            epoch: 0,
        }
    }

    /// Batches of two.
    fn plan() -> impl Iterator<Item = Result<Vec<usize>, TaskError>> {
        (0..20).map(|batch| Ok(vec![2 * batch + 1, 2 * batch]))
    }

    #[test]
    fn steps_come_in_their_order_with_all_of_their_batches() {
        let examples = Arc::new(Counted::default());
        let targets = thread::scope(|scope| {
            let mut ahead = read_ahead(scope, reader(&examples), || Ok(plan()), 3);
            let mut steps = Vec::new();
            while let Some((group, _)) = ahead.next() {
                let group = group.unwrap();
                let targets = group.iter().flat_map(|batch| batch.targets.clone());
                assert!(group.iter().all(|batch| batch.rows == batch.targets));
                steps.push(targets.collect::<Vec<_>>());
            }
            assert!(!ahead.has_next());
            steps
        });
        assert_eq!(targets.len(), 7);
        assert_eq!(targets[0], [1, 0, 3, 2, 5, 4]);
        assert_eq!(targets[6], [37, 36, 39, 38]);
    }

    #[test]
    fn no_more_is_read_than_will_soon_be_wanted() {
        let examples = Arc::new(Counted::default());
        thread::scope(|scope| {
            let mut ahead = read_ahead(scope, reader(&examples), || Ok(plan()), 1);
            assert!(ahead.has_next());
            thread::sleep(Duration::from_millis(200));
            // One step was received, and one waits for its place.
            assert!(examples.read.load(Ordering::SeqCst) <= 2 * (STEPS + 2));
            // The thread ends as nobody takes the others.
        });
        assert!(examples.read.load(Ordering::SeqCst) < 40);
    }

    #[test]
    fn what_is_waited_for_is_told() {
        let examples = Arc::new(Counted {
            pause: Duration::from_millis(300),
            ..Counted::default()
        });
        thread::scope(|scope| {
            let mut ahead = read_ahead(scope, reader(&examples), || Ok(plan()), 1);
            let mut waited = Vec::new();
            while let Some((_, duration)) = ahead.next() {
                waited.push(duration);
            }
            let last = waited.pop().unwrap();
            assert!(last > Duration::from_millis(100), "{last:?}");
        });
    }

    #[test]
    fn an_error_is_the_last_thing_that_comes() {
        let examples = Arc::new(Counted::default());
        let broken = || TaskError::Read {
            path: "rows.bin".into(),
            source: std::io::ErrorKind::UnexpectedEof.into(),
        };
        thread::scope(|scope| {
            let plan = move || Ok(plan().take(2).chain([Err(broken())]).chain(plan()));
            let mut ahead = read_ahead(scope, reader(&examples), plan, 1);
            let steps: Vec<bool> = std::iter::from_fn(|| Some(ahead.next()?.0.is_ok())).collect();
            assert_eq!(steps, [true, true, false]);
            let failed = move || Err::<std::vec::IntoIter<_>, _>(broken());
            let mut ahead = read_ahead(scope, reader(&examples), failed, 1);
            assert!(ahead.next().unwrap().0.is_err() && ahead.next().is_none());
        });
    }
}
