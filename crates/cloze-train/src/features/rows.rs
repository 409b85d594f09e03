//! The rows of a run as an encoder sees them: each different one once.

use std::convert::Infallible;

use cloze_data::sampling::{BatchSize, EpochPlan, SamplingOptions};
use cloze_tasks::{Example, FrozenFeatures};

/// Tokens of a batch: enough to keep every core busy, few enough to stop soon.
const BATCH_TOKENS: usize = 2048;

/// Token ids and token type ids.
pub(super) type Row<'a> = (&'a [u32], &'a [u32]);

/// The different rows of all splits, shortest first. Their order follows from what they hold, so
/// another split of the same rows, or another seed, gives the same ones.
#[derive(Debug)]
pub(super) struct DistinctRows<'a> {
    pub(super) rows: Vec<Row<'a>>,
    /// For every example of every split, which of the rows it is.
    pub(super) places: [Vec<usize>; 3],
}

impl<'a> DistinctRows<'a> {
    pub(super) fn of<T>(splits: [&'a [Example<T>]; 3]) -> Self {
        let mut all: Vec<(Row<'a>, usize, usize)> = Vec::new();
        for (split, examples) in splits.iter().enumerate() {
            let rows = examples.iter().enumerate().map(|(index, example)| {
                let row = (example.ids.as_slice(), example.type_ids.as_slice());
                (row, split, index)
            });
            all.extend(rows);
        }
        all.sort_by(|(a, ..), (b, ..)| (a.0.len(), a).cmp(&(b.0.len(), b)));
        let mut places = splits.map(|examples| vec![0; examples.len()]);
        let mut rows: Vec<Row<'a>> = Vec::new();
        for (row, split, index) in all {
            if rows.last() != Some(&row) {
                rows.push(row);
            }
            places[split][index] = rows.len() - 1;
        }
        Self { rows, places }
    }

    /// Batches of neighbours, and so of like lengths: a long row does not pad short ones.
    pub(super) fn batches(&self) -> Vec<Vec<usize>> {
        let length = |row: usize| Ok::<_, Infallible>(self.rows[row].0.len());
        let options = SamplingOptions {
            batch: BatchSize::Tokens(BATCH_TOKENS),
            length_pool: 0,
            shuffle: false,
        };
        let plan = EpochPlan::new(self.rows.len(), options, 0, 0, length);
        let batches = plan.map(|batch| {
            let Ok(batch) = batch;
            batch
        });
        batches.collect()
    }

    /// Where the features of each row begin and, last, where they end, `[rows + 1]`.
    pub(super) fn offsets(&self, features: impl FrozenFeatures) -> Vec<usize> {
        let ends = self.rows.iter().scan(0, |end, (ids, _)| {
            *end += features.rows(ids.len());
            Some(*end)
        });
        std::iter::once(0).chain(ends).collect()
    }
}

#[cfg(test)]
mod tests {
    use cloze_data::reports::ExampleFacts;
    use proptest::prelude::*;

    use super::*;

    fn example(ids: &[u32], type_id: u32) -> Example<()> {
        Example {
            ids: ids.to_vec(),
            type_ids: vec![type_id; ids.len()],
            windows: Vec::new(),
            target: (),
            row: 0,
            facts: ExampleFacts {
                label: None,
                length: ids.len(),
                tokens: ids.len(),
                unknown: 0,
            },
        }
    }

    #[test]
    fn equal_rows_are_one_and_types_tell_them_apart() {
        let (long, short) = (example(&[1, 2, 3], 0), example(&[9], 0));
        let train = [long.clone(), short.clone(), long.clone()];
        let test = [example(&[1, 2, 3], 1), short];
        let rows = DistinctRows::of([&train, &[], &test]);
        let ids: Vec<&[u32]> = rows.rows.iter().map(|(ids, _)| *ids).collect();
        assert_eq!(ids, [&[9][..], &[1, 2, 3], &[1, 2, 3]]);
        assert_eq!(rows.places, [vec![1, 0, 1], vec![], vec![2, 0]]);
    }

    #[derive(Clone, Copy, Debug)]
    struct EveryToken;

    impl FrozenFeatures for EveryToken {
        fn name(self) -> &'static str {
            "tokens"
        }

        fn rows(self, tokens: usize) -> usize {
            tokens
        }

        fn depend_on(self, _: &str) -> bool {
            true
        }
    }

    #[test]
    fn rows_may_have_a_feature_for_every_token() {
        let train = [example(&[1, 2, 3], 0), example(&[9], 0)];
        let rows = DistinctRows::of([&train, &[], &[]]);
        assert_eq!(rows.offsets(EveryToken), [0, 1, 4]);
    }

    proptest! {
        #[test]
        fn however_rows_are_split_the_batches_are_the_same(
            texts in prop::collection::vec(prop::collection::vec(0_u32..3, 1..600), 1..40),
            cut in 0_usize..40,
        ) {
            let examples: Vec<_> = texts.iter().map(|ids| example(ids, 0)).collect();
            let (train, test) = examples.split_at(cut.min(examples.len()));
            let split = DistinctRows::of([train, &[], test]);
            let whole = DistinctRows::of([&examples, &[], &[]]);
            prop_assert_eq!(&split.rows, &whole.rows);
            for (place, example) in split.places[0].iter().zip(train) {
                prop_assert_eq!(split.rows[*place].0, &example.ids);
            }
            let batches = whole.batches();
            let order: Vec<usize> = batches.concat();
            prop_assert_eq!(order, (0..whole.rows.len()).collect::<Vec<_>>());
            for batch in batches {
                let tokens: usize = batch.iter().map(|&row| whole.rows[row].0.len()).sum();
                prop_assert!(tokens <= BATCH_TOKENS || batch.len() == 1);
            }
        }
    }
}
