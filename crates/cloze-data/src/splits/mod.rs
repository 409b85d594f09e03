//! Rows for training, validation and test.
//!
//! - [`split_by_ratio`]: by shares and a seed, every class keeping its share
//! - [`classes_of_label_sets`], [`LabelSetClasses`]: classes of rows with several labels, for that
//! - [`SplitByText`]: by shares and a seed, text by text, for a stream of them
//! - [`split_by_position`]: by shares, one part behind the other, for a long text
//! - [`texts_in_two_splits`], [`OverlapFinder`]: texts that stand in more than one of them, for a
//!   warning
//!
//! A way of splitting is a file; cross-validation will be another.

mod by_position;
mod by_ratio;
mod by_text;
mod label_sets;
mod overlap;

use serde::{Deserialize, Serialize};

pub use by_position::split_by_position;
pub use by_ratio::{SplitError, split_by_ratio};
pub use by_text::{Part, PerPart, SplitByText};
pub use label_sets::{LabelSetClasses, classes_of_label_sets};
pub use overlap::{Overlap, OverlapFinder, texts_in_two_splits};

/// Which rows of a data set belong to which split, each list ascending, counted from 0.
///
/// It serialises as three lists of row numbers, so that another program can use the same split.
/// They count the rows that were read: those that were skipped because they cannot be used have
/// no number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The rows that are trained on.
    pub train: Vec<usize>,
    /// The rows by which the best checkpoint is chosen.
    pub validation: Vec<usize>,
    /// The rows that are kept for the end.
    pub test: Vec<usize>,
}

impl Split {
    /// The splits with their names, those that have no rows left out.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &[usize])> {
        [
            ("train", &self.train[..]),
            ("validation", &self.validation[..]),
            ("test", &self.test[..]),
        ]
        .into_iter()
        .filter(|(_, rows)| !rows.is_empty())
    }
}
