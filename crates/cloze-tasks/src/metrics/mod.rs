//! Metrics: named numbers and tables, counted once and reported the same way by every task.
//!
//! - [`accuracy`], [`f1`]: numbers computed from a [`ConfusionMatrix`]
//! - [`confusion`]: the counts themselves
//! - [`multi_label`]: the same of any number of labels a row, and average precision
//! - [`correlation`]: of numbers with numbers
//! - [`entities`]: precision, recall and F1 of entities
//! - [`answers`]: exact match and F1 of answers, as [`squad`] or [`cmrc`] compare them

pub mod accuracy;
pub mod answers;
pub mod cmrc;
pub mod confusion;
pub mod correlation;
pub mod entities;
pub mod f1;
pub mod multi_label;
mod perplexity;
pub mod squad;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

pub use answers::{AnswerMetric, AnswerScores};
pub use confusion::ConfusionMatrix;
pub use entities::EntityCounts;
pub use f1::{Averages, ClassScores};
pub use multi_label::MultiLabelCounts;
pub(crate) use perplexity::perplexity;

/// Named numbers in the order in which a task reports them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics(Vec<(String, f64)>);

impl Metrics {
    /// No numbers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a number, or replaces the one of that name.
    pub fn set(&mut self, name: impl Into<String>, value: f64) {
        let name = name.into();
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// The number of that name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| *value)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and numbers, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

impl<N: Into<String>> FromIterator<(N, f64)> for Metrics {
    fn from_iter<I: IntoIterator<Item = (N, f64)>>(items: I) -> Self {
        let mut metrics = Self::new();
        for (name, value) in items {
            metrics.set(name, value);
        }
        metrics
    }
}

impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Metrics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Metrics;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("names and numbers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metrics, A::Error> {
                let mut metrics = Metrics::new();
                // JSON has no name for a number that is none.
                while let Some((name, value)) = map.next_entry::<String, Option<f64>>()? {
                    metrics.set(name, value.unwrap_or(f64::NAN));
                }
                Ok(metrics)
            }
        }
        deserializer.deserialize_map(Names)
    }
}

/// Whether more or less of a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Accuracy, F1.
    HigherIsBetter,
    /// Loss, perplexity.
    LowerIsBetter,
}

impl Direction {
    /// Whether `new` is better than `old`; any number is better than none.
    pub fn is_better(self, new: f64, old: f64) -> bool {
        if old.is_nan() {
            return !new.is_nan();
        }
        match self {
            Self::HigherIsBetter => new > old,
            Self::LowerIsBetter => new < old,
        }
    }
}

/// One value of a [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// A number of rows.
    Count(u64),
    /// Anything else.
    Score(f64),
}

impl Cell {
    fn to_json(self) -> Value {
        match self {
            Self::Count(count) => count.into(),
            Self::Score(score) => score.into(),
        }
    }
}

/// Numbers by row and column: a line for each class, a confusion matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// What the table shows: `per_class`, `confusion_matrix`.
    pub name: String,
    /// What the rows are: `label`, `true label`.
    pub row_header: String,
    /// Column names.
    pub columns: Vec<String>,
    /// Row names, each with one cell a column.
    pub rows: Vec<(String, Vec<Cell>)>,
}

impl Table {
    /// The table as people's programs like to read it: an object of rows, each an object of
    /// columns.
    pub fn to_json(&self) -> Value {
        let cells = |cells: &[Cell]| {
            let columns = self.columns.iter().cloned();
            columns
                .zip(cells.iter().map(|cell| cell.to_json()))
                .collect::<Map<_, _>>()
        };
        let rows = self
            .rows
            .iter()
            .map(|(name, row)| (name.clone(), Value::Object(cells(row))));
        Value::Object(rows.collect())
    }
}

/// What an evaluation found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Numbers for the whole data set.
    pub metrics: Metrics,
    /// Numbers by class.
    pub tables: Vec<Table>,
}

/// Position of the largest value, the first one of equals; as `argmax` of numpy.
pub(crate) fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_order_through_json() {
        let metrics: Metrics = [("loss", 0.5), ("accuracy", 1.0)].into_iter().collect();
        let text = serde_json::to_string(&metrics).unwrap();
        assert_eq!(text, r#"{"loss":0.5,"accuracy":1.0}"#);
        assert_eq!(serde_json::from_str::<Metrics>(&text).unwrap(), metrics);
        assert_eq!(
            (metrics.get("accuracy"), metrics.get("f1")),
            (Some(1.0), None)
        );
        let none: Metrics = serde_json::from_str(r#"{"loss":null}"#).unwrap();
        assert!(none.get("loss").unwrap().is_nan());
    }

    #[test]
    fn a_table_is_rows_of_columns_in_json() {
        let table = Table {
            name: "per_class".into(),
            row_header: "label".into(),
            columns: vec!["f1".into(), "support".into()],
            rows: vec![("good".into(), vec![Cell::Score(0.5), Cell::Count(3)])],
        };
        let text = table.to_json().to_string();
        assert_eq!(text, r#"{"good":{"f1":0.5,"support":3}}"#);
    }

    #[test]
    fn directions_know_what_is_better() {
        assert!(Direction::HigherIsBetter.is_better(0.9, 0.8));
        assert!(Direction::LowerIsBetter.is_better(0.8, 0.9));
        assert!(!Direction::HigherIsBetter.is_better(0.8, 0.8));
        assert!(Direction::LowerIsBetter.is_better(0.8, f64::NAN));
        assert!(!Direction::LowerIsBetter.is_better(f64::NAN, 0.8));
        assert!(!Direction::HigherIsBetter.is_better(f64::NAN, f64::NAN));
    }
}
