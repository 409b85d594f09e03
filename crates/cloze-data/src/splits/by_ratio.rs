use thiserror::Error;

use super::Split;
use crate::random::RandomStream;

/// Path of the random stream that decides which rows of a class go where.
const STREAM: u64 = 0x5350_4C49_5400;

/// Why rows cannot be split as asked.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum SplitError {
    /// A share is negative, 1 or more, or not a number.
    #[error("the {split} split: found the share {share}, wanted one from 0 to below 1")]
    Share {
        /// `validation` or `test`.
        split: &'static str,
        /// The share.
        share: f64,
    },
    /// Validation and test leave nothing to train on.
    #[error(
        "found the shares {validation} for validation and {test} for test, wanted a sum below 1"
    )]
    Sum {
        /// Share of the validation split.
        validation: f64,
        /// Share of the test split.
        test: f64,
    },
    /// A split that was asked for would have no row.
    #[error(
        "the {split} split: a share of {share} of {rows} rows is less than one row; wanted more \
         rows or another share"
    )]
    Empty {
        /// `train`, `validation` or `test`.
        split: &'static str,
        /// Its share.
        share: f64,
        /// Number of rows.
        rows: usize,
    },
    /// Not every row has a label to stratify by.
    #[error("found {labels} labels for {rows} rows, wanted one for each")]
    Labels {
        /// Number of labels.
        labels: usize,
        /// Number of rows.
        rows: usize,
    },
}

/// Splits `rows` rows by shares; what neither `validation` nor `test` takes is for training.
///
/// With `labels`, one class id a row, every class keeps its share in every split to within one
/// row; where a class has too few rows to be everywhere, training goes first as far as the sizes
/// of the splits allow. The same arguments give the same split on every machine, and in every
/// version of cloze.
///
/// # Errors
/// If a share is not in `[0, 1)`, both together reach 1, a split with a share above 0 (or the
/// training split) would have no row, or there are not as many labels as rows.
pub fn split_by_ratio(
    labels: Option<&[usize]>,
    rows: usize,
    validation: f64,
    test: f64,
    seed: u64,
) -> Result<Split, SplitError> {
    let shares = checked_shares(validation, test)?;
    let classes = by_class(labels, rows)?;
    let totals = round_shares(rows, shares);
    let names = ["train", "validation", "test"];
    for (split, (&total, &share)) in names.into_iter().zip(totals.iter().zip(&shares)) {
        if total == 0 && share > 0.0 {
            return Err(SplitError::Empty { split, share, rows });
        }
    }
    let sizes: Vec<usize> = classes.iter().map(Vec::len).collect();
    let mut counts = controlled_rounding(&sizes, shares, totals);
    train_on_every_class(&mut counts, &sizes, shares);
    let mut parts: [Vec<usize>; 3] = Default::default();
    for (class, (mut members, counts)) in classes.into_iter().zip(counts).enumerate() {
        RandomStream::new(seed, &[STREAM, class as u64]).shuffle(&mut members);
        let mut members = members.into_iter();
        for (part, count) in parts.iter_mut().zip(counts) {
            part.extend(members.by_ref().take(count));
        }
    }
    for part in &mut parts {
        part.sort_unstable();
    }
    let [train, validation, test] = parts;
    Ok(Split {
        train,
        validation,
        test,
    })
}

pub(super) fn checked_shares(validation: f64, test: f64) -> Result<[f64; 3], SplitError> {
    for (split, share) in [("validation", validation), ("test", test)] {
        if !(0.0..1.0).contains(&share) {
            return Err(SplitError::Share { split, share });
        }
    }
    let train = 1.0 - validation - test;
    // 0.9 and 0.1 leave nothing, though their difference from 1 is not 0 in binary fractions.
    if train < NOISE {
        return Err(SplitError::Sum { validation, test });
    }
    Ok([train, validation, test])
}

/// Far above the error of a share times a number of rows, far below any share that is meant.
const NOISE: f64 = 1e-9;

fn by_class(labels: Option<&[usize]>, rows: usize) -> Result<Vec<Vec<usize>>, SplitError> {
    let Some(labels) = labels else {
        return Ok(vec![(0..rows).collect()]);
    };
    if labels.len() != rows {
        let labels = labels.len();
        return Err(SplitError::Labels { labels, rows });
    }
    let mut classes = vec![Vec::new(); labels.iter().max().map_or(0, |&last| last + 1)];
    for (row, &label) in labels.iter().enumerate() {
        classes[label].push(row);
    }
    Ok(classes)
}

fn floor(number: f64) -> usize {
    (number + NOISE * (1.0 + number)).floor() as usize
}

/// Sizes of the splits: each its share of the rows, rounded up or down.
fn round_shares(rows: usize, [train, validation, test]: [f64; 3]) -> [usize; 3] {
    let rows_above = |share: f64| floor(share * rows as f64 + 0.5);
    let test = if test > 0.0 { rows_above(test) } else { 0 };
    // Rounding the sum keeps the training split, too, within one row of its share.
    let both = if validation > 0.0 {
        rows_above(1.0 - train).max(test)
    } else {
        test
    };
    [rows.saturating_sub(both), both - test, test]
}

/// How many rows of every class go where: each its share rounded up or down, such that the
/// splits have the given sizes.
///
/// Every class gets its shares rounded down; what is left of it (at most two rows) goes, a row a
/// split, to the splits that lack most, the classes with the most left being served first. Such
/// an assignment exists, because the unrounded shares are one in fractions.
fn controlled_rounding(sizes: &[usize], shares: [f64; 3], totals: [usize; 3]) -> Vec<[usize; 3]> {
    let mut counts: Vec<[usize; 3]> = sizes
        .iter()
        .map(|&size| shares.map(|share| floor(share * size as f64)))
        .collect();
    let mut lacking: [usize; 3] = std::array::from_fn(|split| {
        let given: usize = counts.iter().map(|count| count[split]).sum();
        totals[split].saturating_sub(given)
    });
    let left = |class: usize, counts: &[[usize; 3]]| {
        sizes[class].saturating_sub(counts[class].iter().sum())
    };
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&class| std::cmp::Reverse(left(class, &counts)));
    for class in order {
        let mut splits = [0, 1, 2];
        splits.sort_by_key(|&split| std::cmp::Reverse(lacking[split]));
        for &split in &splits[..left(class, &counts).min(3)] {
            counts[class][split] += 1;
            lacking[split] = lacking[split].saturating_sub(1);
        }
    }
    counts
}

/// Where a class has no row to train on, exchanges one with a class that has: both stay within
/// one row of their shares, and the splits keep their sizes.
fn train_on_every_class(counts: &mut [[usize; 3]], sizes: &[usize], shares: [f64; 3]) {
    let above = |class: usize, split: usize, count: usize| {
        count as f64 - shares[split] * sizes[class] as f64
    };
    for class in 0..sizes.len() {
        if sizes[class] == 0 || counts[class][0] > 0 {
            continue;
        }
        let Some(split) = (1..3).find(|&split| above(class, split, counts[class][split]) > NOISE)
        else {
            continue;
        };
        let giver = (0..sizes.len()).find(|&other| {
            counts[other][0] > 1
                && above(other, 0, counts[other][0]) > -NOISE
                && above(other, split, counts[other][split]) < NOISE
        });
        if let Some(giver) = giver {
            counts[class][0] += 1;
            counts[class][split] -= 1;
            counts[giver][0] -= 1;
            counts[giver][split] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_that_make_no_sense_are_refused() {
        let message = |rows, validation, test| {
            split_by_ratio(None, rows, validation, test, 0)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            message(10, 1.0, 0.0),
            "the validation split: found the share 1, wanted one from 0 to below 1"
        );
        assert_eq!(
            message(10, 0.1, -0.5),
            "the test split: found the share -0.5, wanted one from 0 to below 1"
        );
        assert!(message(10, f64::NAN, 0.0).contains("found the share NaN"));
        assert_eq!(
            message(10, 0.9, 0.1),
            "found the shares 0.9 for validation and 0.1 for test, wanted a sum below 1"
        );
        assert_eq!(
            message(10, 0.1, 0.01),
            "the test split: a share of 0.01 of 10 rows is less than one row; wanted more rows or \
             another share"
        );
        assert_eq!(
            split_by_ratio(Some(&[0, 1]), 3, 0.1, 0.1, 0)
                .unwrap_err()
                .to_string(),
            "found 2 labels for 3 rows, wanted one for each"
        );
        assert!(matches!(
            split_by_ratio(None, 0, 0.0, 0.0, 0),
            Err(SplitError::Empty { split: "train", .. })
        ));
    }

    #[test]
    fn the_split_of_a_seed_stays_what_it_is() {
        let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
        let split = split_by_ratio(Some(&labels), 20, 0.2, 0.1, 666).unwrap();
        assert_eq!(split.validation, [2, 7, 15, 18]);
        assert_eq!(split.test, [0, 19]);
        assert_ne!(
            split,
            split_by_ratio(Some(&labels), 20, 0.2, 0.1, 667).unwrap()
        );
    }

    #[test]
    fn a_split_is_exported_as_lists_of_row_numbers() {
        let split = Split {
            train: vec![0, 3],
            validation: vec![],
            test: vec![1, 2],
        };
        let json = r#"{"train":[0,3],"validation":[],"test":[1,2]}"#;
        assert_eq!(serde_json::to_string(&split).unwrap(), json);
        assert_eq!(serde_json::from_str::<Split>(json).unwrap(), split);
        let names: Vec<&str> = split.named().map(|(name, _)| name).collect();
        assert_eq!(names, ["train", "test"]);
    }

    #[test]
    fn a_class_of_one_row_is_trained_on() {
        // Rows 17, 18 and 19 are the only ones of their classes.
        let class = |row| if (17..20).contains(&row) { row - 16 } else { 0 };
        for rows in [40, 50, 103] {
            let labels: Vec<usize> = (0..rows).map(class).collect();
            for seed in 0..20 {
                let split = split_by_ratio(Some(&labels), rows, 0.1, 0.1, seed).unwrap();
                assert!(
                    (17..20).all(|row| split.train.contains(&row)),
                    "{rows} rows, seed {seed}"
                );
            }
        }
    }

    fn shares() -> impl Strategy<Value = (f64, f64)> {
        let share = prop_oneof![Just(0.0), Just(0.1), Just(0.2), Just(0.25), 0.0..0.49_f64];
        (share.clone(), share)
    }

    proptest! {
        #[test]
        fn every_row_is_in_one_split_and_every_class_keeps_its_share(
            labels in prop::collection::vec(0_usize..7, 1..200),
            (validation, test) in shares(),
            seed in any::<u64>(),
        ) {
            let Ok(split) = split_by_ratio(Some(&labels), labels.len(), validation, test, seed) else {
                // Refused: some share is less than a row.
                return Ok(());
            };
            let parts = [&split.train, &split.validation, &split.test];
            let mut all: Vec<usize> = parts.into_iter().flatten().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
            let shares = [1.0 - validation - test, validation, test];
            for (part, share) in parts.into_iter().zip(shares) {
                let off = part.len() as f64 - share * labels.len() as f64;
                prop_assert!(off.abs() <= 1.0 + 1e-6);
                for class in 0..7 {
                    let size = labels.iter().filter(|&&label| label == class).count();
                    let here = part.iter().filter(|&&row| labels[row] == class).count();
                    let off = here as f64 - share * size as f64;
                    prop_assert!(off.abs() <= 1.0 + 1e-6, "class {class}: {here} of {size}, share {share}");
                }
            }
        }

        #[test]
        fn without_labels_the_sizes_are_the_shares(
            rows in 1_usize..500,
            (validation, test) in shares(),
            seed in any::<u64>(),
        ) {
            if let Ok(split) = split_by_ratio(None, rows, validation, test, seed) {
                prop_assert_eq!(split.train.len() + split.validation.len() + split.test.len(), rows);
                prop_assert!((split.test.len() as f64 - test * rows as f64).abs() <= 0.5 + 1e-6);
                prop_assert_eq!(&split, &split_by_ratio(None, rows, validation, test, seed).unwrap());
            }
        }
    }
}
