//! Precision, recall and F1, by class and averaged, as scikit-learn computes them with
//! `labels` set to all of the task's and `zero_division=0`: a quotient without a denominator is 0,
//! and a class that does not occur counts as such.

use super::{Cell, ConfusionMatrix, Table};

/// The scores of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScores {
    /// Right ones among the rows that were given this class.
    pub precision: f64,
    /// Right ones among the rows that have this class.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Rows that have this class.
    pub support: u64,
}

impl ClassScores {
    /// Of the right ones among the rows that were given the class, and among those that have it.
    pub(super) fn of(hits: u64, predicted: u64, support: u64) -> Self {
        Self {
            precision: ratio(hits, predicted),
            recall: ratio(hits, support),
            f1: ratio(2 * hits, predicted + support),
            support,
        }
    }
}

/// F1 over all classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Averages {
    /// Mean over the classes.
    pub macro_f1: f64,
    /// From the counts of all classes together; with one label a row it equals accuracy.
    pub micro_f1: f64,
    /// Mean over the classes, by their rows.
    pub weighted_f1: f64,
}

pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// The scores of every class.
pub fn class_scores(matrix: &ConfusionMatrix) -> Vec<ClassScores> {
    (0..matrix.classes())
        .map(|class| {
            let (hits, predicted) = (matrix.hits(class), matrix.predicted(class));
            ClassScores::of(hits, predicted, matrix.support(class))
        })
        .collect()
}

/// F1 averaged in three ways.
pub fn averages(matrix: &ConfusionMatrix) -> Averages {
    let scores = class_scores(matrix);
    let sum: f64 = scores.iter().map(|score| score.f1).sum();
    let weighted: f64 = scores
        .iter()
        .map(|score| score.f1 * score.support as f64)
        .sum();
    Averages {
        macro_f1: sum / scores.len().max(1) as f64,
        micro_f1: super::accuracy::accuracy(matrix),
        weighted_f1: weighted / matrix.total().max(1) as f64,
    }
}

/// A row of scores for each class.
pub fn per_class_table(matrix: &ConfusionMatrix, names: &[String]) -> Table {
    let cells = |s: &ClassScores| {
        let [precision, recall, f1] = [s.precision, s.recall, s.f1].map(Cell::Score);
        vec![precision, recall, f1, Cell::Count(s.support)]
    };
    Table {
        name: "per_class".into(),
        row_header: "label".into(),
        columns: ["precision", "recall", "f1", "support"]
            .map(Into::into)
            .into(),
        rows: names
            .iter()
            .zip(&class_scores(matrix))
            .map(|(name, scores)| (name.clone(), cells(scores)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(pairs: &[(usize, usize)]) -> ConfusionMatrix {
        let mut matrix = ConfusionMatrix::new(3);
        pairs
            .iter()
            .for_each(|&(truth, predicted)| matrix.add(truth, predicted));
        matrix
    }

    #[test]
    fn scores_by_hand() {
        let scores = class_scores(&matrix(&[(0, 0), (0, 1), (1, 1), (1, 1), (2, 1)]));
        assert_eq!((scores[0].precision, scores[0].recall), (1.0, 0.5));
        assert!((scores[0].f1 - 2.0 / 3.0).abs() < 1e-15);
        assert_eq!(
            (scores[1].precision, scores[1].recall, scores[1].support),
            (0.5, 1.0, 2)
        );
        // Never predicted: 0, not a division by zero.
        assert_eq!(
            (scores[2].precision, scores[2].f1, scores[2].support),
            (0.0, 0.0, 1)
        );
    }

    #[test]
    fn a_class_that_never_occurs_counts_as_0_in_the_macro_average() {
        let averages = averages(&matrix(&[(0, 0), (0, 2)]));
        assert!((averages.macro_f1 - 2.0 / 9.0).abs() < 1e-15);
        assert!((averages.weighted_f1 - 2.0 / 3.0).abs() < 1e-15);
        assert_eq!(averages.micro_f1, 0.5);
    }
}
