use std::io::{self, Write};
use std::path::Path;

use cloze_core::{InputError, LabelSet, output};
use serde_json::{Map, Value, json};

use crate::TaskError;
use crate::metrics::multi_label::{Curve, Point};

/// The file that holds thresholds, beside the weights of a model. `transformers` does not look at it.
pub const FILE: &str = "thresholds.json";

/// The threshold where nothing else is said.
pub const USUAL: f64 = 0.5;

/// From which probability on each label is given, by label id.
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds(Vec<f64>);

impl Thresholds {
    /// One for each label, by id.
    pub fn new(values: Vec<f64>) -> Self {
        Self(values)
    }

    /// The same for so many labels.
    pub fn same(threshold: f64, labels: usize) -> Self {
        Self(vec![threshold; labels])
    }

    /// By label id.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// Which labels a row of probabilities is given.
    pub fn given(&self, probabilities: &[f64]) -> Vec<bool> {
        let pairs = probabilities.iter().zip(&self.0);
        pairs
            .map(|(probability, threshold)| probability >= threshold)
            .collect()
    }

    /// Those of a model's folder; `None` where none were saved.
    ///
    /// # Errors
    /// If the file cannot be read, or has not a number from 0 to 1 for each of the labels.
    pub fn read(folder: &Path, labels: &LabelSet) -> Result<Option<Self>, TaskError> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(TaskError::Read { path, source }),
        };
        let wanted = "an object with a number from 0 to 1 for each label";
        let wrong = |found: String| InputError::new(&path, found, wanted);
        let map: Map<String, Value> = serde_json::from_str(&text)
            .map_err(|error| wrong(format!("no such object ({error})")))?;
        if let Some(name) = map.keys().find(|name| labels.id(name).is_none()) {
            return Err(wrong("no label of the model".into()).in_field(name).into());
        }
        let value = |name: &String| {
            let value = map.get(name).ok_or_else(|| wrong("nothing".into()));
            let value = value.map_err(|error| error.in_field(name))?;
            let number = value.as_f64().filter(|value| (0.0..=1.0).contains(value));
            number.ok_or_else(|| wrong(value.to_string()).in_field(name))
        };
        let values: Result<_, InputError> = labels.names().iter().map(value).collect();
        Ok(Some(Self(values?)))
    }

    /// Writes them into a model's folder.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn write(&self, folder: &Path, labels: &LabelSet) -> Result<(), TaskError> {
        let pairs = labels.names().iter().zip(&self.0);
        let map: Map<_, _> = pairs
            .map(|(name, threshold)| (name.clone(), json!(threshold)))
            .collect();
        let path = folder.join(FILE);
        output::write_file(&path, |out: &mut dyn Write| {
            serde_json::to_writer_pretty(&mut *out, &Value::Object(map))?;
            out.write_all(b"\n")
        })
        .map_err(|source| TaskError::Write { path, source })
    }
}

/// The threshold with which a label has the best F1 over these rows, its probabilities and whether it
/// applies. It lies in the middle between two of them; of several that are equally good it is the
/// one nearest to 0.5, and 0.5 where the label never applies.
pub(super) fn best_threshold(rows: impl IntoIterator<Item = (f64, bool)>) -> f64 {
    let curve = Curve::of(rows);
    if curve.support == 0 {
        return USUAL;
    }
    let f1 = |point: &Point| 2.0 * point.hits as f64 / (point.predicted + curve.support) as f64;
    let mut best = (f64::NEG_INFINITY, USUAL);
    for (index, point) in curve.points.iter().enumerate() {
        let below = curve.points.get(index + 1).map_or(0.0, |next| next.score);
        let threshold = between(below, point.score);
        let is_nearer = (threshold - USUAL).abs() < (best.1 - USUAL).abs();
        let f1 = f1(point);
        if f1 > best.0 || (f1 == best.0 && is_nearer) {
            best = (f1, threshold);
        }
    }
    best.1
}

/// A number above `low` and at most `high`, in the middle if there is room, and 0.5 if that lies
/// between them.
fn between(low: f64, high: f64) -> f64 {
    if low < USUAL && USUAL <= high {
        return USUAL;
    }
    let middle = low + (high - low) / 2.0;
    if middle > low { middle } else { high }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn f1(rows: &[(f64, bool)], threshold: f64) -> f64 {
        let count = |of: &dyn Fn(&(f64, bool)) -> bool| rows.iter().filter(|row| of(row)).count();
        let hits = count(&|row| row.0 >= threshold && row.1);
        let sum = count(&|row| row.0 >= threshold) + count(&|row| row.1);
        2.0 * hits as f64 / sum.max(1) as f64
    }

    #[test]
    fn the_threshold_that_is_found_is_the_best_one() {
        let rows = [
            (0.9, true),
            (0.3, true),
            (0.25, false),
            (0.2, true),
            (0.2, false),
            (0.1, false),
        ];
        let threshold = best_threshold(rows);
        let best = f1(&rows, threshold);
        for step in 0..=100 {
            assert!(f1(&rows, f64::from(step) / 100.0) <= best);
        }
        // In the middle between 0.25 and 0.3.
        assert!((threshold - 0.275).abs() < 1e-12, "{threshold}");
    }

    proptest! {
        #[test]
        fn no_other_threshold_is_better(
            // Few different scores, so that many are equal.
            rows in prop::collection::vec((0_u8..20, any::<bool>()), 0..40),
            other in 0.0..=1.0,
        ) {
            let rows: Vec<_> = rows
                .into_iter()
                .map(|(score, truth)| (f64::from(score) / 19.0, truth))
                .collect();
            let found = best_threshold(rows.iter().copied());
            prop_assert!((0.0..=1.0).contains(&found));
            prop_assert!(f1(&rows, found) >= f1(&rows, other));
            let half = f1(&rows, USUAL) == f1(&rows, found);
            prop_assert!(!half || found == USUAL, "{} in the place of one half", found);
        }
    }

    #[test]
    fn one_half_is_kept_where_it_is_as_good_as_any() {
        assert_eq!(best_threshold([(0.9, true), (0.1, false)]), 0.5);
        assert_eq!(best_threshold([(0.9, false), (0.1, false)]), 0.5);
        assert_eq!(best_threshold([]), 0.5);
        assert_eq!(best_threshold([(0.2, true)]), 0.1);
    }

    #[test]
    fn there_is_always_a_number_between_two() {
        let high = 0.7_f64;
        let low = f64::from_bits(high.to_bits() - 1);
        assert_eq!(between(low, high), high);
        assert_eq!(between(0.0, 0.0), 0.0);
    }

    #[test]
    fn they_come_back_from_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let labels = LabelSet::from_names(vec!["人名".into(), "place".into()]).unwrap();
        assert_eq!(Thresholds::read(folder.path(), &labels).unwrap(), None);
        let thresholds = Thresholds::new(vec![0.25, 0.625]);
        thresholds.write(folder.path(), &labels).unwrap();
        let read = Thresholds::read(folder.path(), &labels).unwrap();
        assert_eq!(read, Some(thresholds));
        let others = LabelSet::from_names(vec!["人名".into(), "time".into()]).unwrap();
        let path = folder.path().join(FILE);
        let place = path.display();
        assert_eq!(
            Thresholds::read(folder.path(), &others)
                .unwrap_err()
                .to_string(),
            format!(
                "{place}, field `place`: found no label of the model, wanted an object with a \
                 number from 0 to 1 for each label"
            )
        );
        for (text, found) in [
            (r#"{"人名": 0.5}"#, "field `place`: found nothing"),
            (r#"{"人名": 2, "place": 0.5}"#, "field `人名`: found 2"),
            ("0.5", "found no such object"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Thresholds::read(folder.path(), &labels).unwrap_err();
            assert!(error.to_string().contains(found), "{error}");
        }
    }
}
