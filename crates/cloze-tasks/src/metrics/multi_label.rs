//! Predictions of any number of labels a row, counted label by label, as scikit-learn counts
//! indicator matrices with `zero_division=0`.

use super::f1::{Averages, ClassScores, ratio};

/// Counts of right and wrong labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiLabelCounts {
    rows: u64,
    exact: u64,
    labels: Vec<LabelCounts>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct LabelCounts {
    hits: u64,
    predicted: u64,
    support: u64,
}

impl MultiLabelCounts {
    /// Counts of nothing, for so many labels.
    pub fn new(labels: usize) -> Self {
        Self {
            rows: 0,
            exact: 0,
            labels: vec![LabelCounts::default(); labels],
        }
    }

    /// Counts a row: which labels it has, and which it was given.
    ///
    /// # Panics
    /// If there are more or fewer of them than labels.
    pub fn add(&mut self, truth: &[bool], predicted: &[bool]) {
        assert_eq!(truth.len(), self.labels.len());
        assert_eq!(predicted.len(), self.labels.len());
        self.rows += 1;
        self.exact += u64::from(truth == predicted);
        let row = truth.iter().zip(predicted);
        for (counts, (&truth, &predicted)) in self.labels.iter_mut().zip(row) {
            counts.hits += u64::from(truth && predicted);
            counts.predicted += u64::from(predicted);
            counts.support += u64::from(truth);
        }
    }

    /// The share of rows that were given exactly their labels; 0 of no rows.
    pub fn subset_accuracy(&self) -> f64 {
        ratio(self.exact, self.rows)
    }

    /// The scores of every label.
    pub fn scores(&self) -> Vec<ClassScores> {
        let labels = self.labels.iter();
        labels
            .map(|label| ClassScores::of(label.hits, label.predicted, label.support))
            .collect()
    }

    /// F1 averaged in three ways; the micro average counts all labels of all rows together.
    pub fn averages(&self) -> Averages {
        let scores = self.scores();
        let sum = |of: fn(&LabelCounts) -> u64| self.labels.iter().map(of).sum::<u64>();
        let hits = sum(|label| label.hits);
        let support = sum(|label| label.support);
        Averages {
            macro_f1: mean(scores.iter().map(|score| score.f1)),
            micro_f1: ratio(2 * hits, sum(|label| label.predicted) + support),
            weighted_f1: weighted_f1(&scores, support),
        }
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1);
    values.sum::<f64>() / count as f64
}

fn weighted_f1(scores: &[ClassScores], support: u64) -> f64 {
    let sum: f64 = scores
        .iter()
        .map(|score| score.f1 * score.support as f64)
        .sum();
    sum / support.max(1) as f64
}

/// The average precision of one label: the area below the curve of precision over recall, as the
/// sum of `(recall[n] - recall[n-1]) · precision[n]` over falling thresholds. `rows` are the label's
/// scores, and whether it applies. 0 where it never does.
pub fn average_precision(rows: impl IntoIterator<Item = (f64, bool)>) -> f64 {
    let curve = Curve::of(rows);
    let mut sum = 0.0;
    let mut before = 0;
    for point in &curve.points {
        sum += (point.hits - before) as f64 * ratio(point.hits, point.predicted);
        before = point.hits;
    }
    sum / curve.support.max(1) as f64
}

/// What a label comes to at each threshold that tells rows apart, from the highest on.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    pub(crate) points: Vec<Point>,
    /// Rows that have the label.
    pub(crate) support: u64,
}

/// What a label comes to where rows of this score, and of higher ones, are given it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) score: f64,
    /// Rows that are given it.
    pub(crate) predicted: u64,
    /// Those of them that have it.
    pub(crate) hits: u64,
}

impl Curve {
    pub(crate) fn of(rows: impl IntoIterator<Item = (f64, bool)>) -> Self {
        let mut rows: Vec<(f64, bool)> = rows.into_iter().collect();
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut points: Vec<Point> = Vec::new();
        let (mut predicted, mut hits) = (0, 0);
        for (score, truth) in rows {
            predicted += 1;
            hits += u64::from(truth);
            let point = Point {
                score,
                predicted,
                hits,
            };
            match points.last_mut().filter(|last| last.score == score) {
                Some(last) => *last = point,
                None => points.push(point),
            }
        }
        Self {
            points,
            support: hits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_hand() {
        let mut counts = MultiLabelCounts::new(3);
        counts.add(&[true, false, false], &[true, false, false]);
        counts.add(&[true, true, false], &[true, false, false]);
        counts.add(&[false, false, false], &[false, false, false]);
        counts.add(&[false, true, false], &[true, true, false]);
        assert_eq!(counts.subset_accuracy(), 0.5);
        let averages = counts.averages();
        // F1: 2·2/(3+2), 2·1/(1+2), 0 where the label never occurs.
        assert!((averages.macro_f1 - (0.8 + 2.0 / 3.0) / 3.0).abs() < 1e-15);
        assert_eq!(averages.micro_f1, 6.0 / 8.0);
        assert!((averages.weighted_f1 - (2.0 * 0.8 + 2.0 * 2.0 / 3.0) / 4.0).abs() < 1e-15);
    }

    #[test]
    fn precision_is_averaged_over_the_rows_that_have_the_label() {
        let rows = [(0.9, true), (0.8, false), (0.7, true), (0.1, false)];
        let expected = (1.0 + 2.0 / 3.0) / 2.0;
        assert!((average_precision(rows) - expected).abs() < 1e-15);
        assert_eq!(average_precision([(0.9, false), (0.1, false)]), 0.0);
        assert_eq!(average_precision([]), 0.0);
        // Rows of one score are one step.
        assert_eq!(average_precision([(0.5, false), (0.5, true)]), 0.5);
    }
}
