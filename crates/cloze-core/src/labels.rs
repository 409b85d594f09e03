use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Class names in the order of their ids: name ↔ id.
///
/// Labels that are all integers are ordered by value, gaps allowed (TNEWS numbers its 15 classes
/// 100…116); other labels are ordered by code point. The order depends on the set of labels
/// alone, never on the order of the rows.
///
/// ```
/// use cloze_core::LabelSet;
/// let labels = LabelSet::from_observed(["110", "9", "100", "9"])?;
/// assert_eq!(labels.names(), ["9", "100", "110"]);
/// assert_eq!(labels.id("100"), Some(1));
/// # Ok::<(), cloze_core::LabelError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct LabelSet {
    names: Vec<String>,
    ids: HashMap<String, usize>,
}

/// Why names do not form a [`LabelSet`].
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LabelError {
    /// There is no label.
    #[error("there are no labels")]
    Empty,
    /// One name has two ids.
    #[error("label {name:?} has two ids, {first} and {second}")]
    Twice {
        /// The name.
        name: String,
        /// Its first id.
        first: usize,
        /// Its second id.
        second: usize,
    },
}

impl LabelSet {
    /// Labels whose ids are their positions.
    ///
    /// # Errors
    /// If there is none, or one stands twice.
    pub fn from_names(names: Vec<String>) -> Result<Self, LabelError> {
        if names.is_empty() {
            return Err(LabelError::Empty);
        }
        let mut ids = HashMap::with_capacity(names.len());
        for (second, name) in names.iter().enumerate() {
            if let Some(first) = ids.insert(name.clone(), second) {
                return Err(LabelError::Twice {
                    name: name.clone(),
                    first,
                    second,
                });
            }
        }
        Ok(Self { names, ids })
    }

    /// The different labels among those of a data set, in an order that their values decide.
    ///
    /// # Errors
    /// If there is none.
    pub fn from_observed<'a>(
        labels: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, LabelError> {
        let mut names: Vec<&str> = labels.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        let values: Option<Vec<i64>> = names.iter().map(|name| name.parse().ok()).collect();
        if let Some(values) = values {
            let mut by_value: Vec<_> = values.into_iter().zip(names).collect();
            by_value.sort_unstable();
            names = by_value.into_iter().map(|(_, name)| name).collect();
        }
        Self::from_names(names.into_iter().map(str::to_owned).collect())
    }

    /// Number of classes.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a set of labels is never empty"
    )]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The id of a label, if it is one of the set.
    pub fn id(&self, name: &str) -> Option<usize> {
        self.ids.get(name).copied()
    }

    /// The name that belongs to an id.
    pub fn name(&self, id: usize) -> Option<&str> {
        self.names.get(id).map(String::as_str)
    }

    /// All names, in the order of their ids.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

impl TryFrom<Vec<String>> for LabelSet {
    type Error = LabelError;

    fn try_from(names: Vec<String>) -> Result<Self, LabelError> {
        Self::from_names(names)
    }
}

impl From<LabelSet> for Vec<String> {
    fn from(labels: LabelSet) -> Self {
        labels.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_ordered_by_code_point_and_numbers_by_value() {
        let words = LabelSet::from_observed(["good", "bad", "差"]).unwrap();
        assert_eq!(words.names(), ["bad", "good", "差"]);
        let numbers = LabelSet::from_observed(["10", "-1", "2"]).unwrap();
        assert_eq!(numbers.names(), ["-1", "2", "10"]);
        let mixed = LabelSet::from_observed(["10", "2", "x"]).unwrap();
        assert_eq!(mixed.names(), ["10", "2", "x"]);
    }

    #[test]
    fn an_empty_set_and_a_repeated_name_are_refused() {
        assert_eq!(LabelSet::from_observed([]), Err(LabelError::Empty));
        let twice = LabelSet::from_names(vec!["a".into(), "b".into(), "a".into()]).unwrap_err();
        assert_eq!(twice.to_string(), "label \"a\" has two ids, 0 and 2");
    }
}
