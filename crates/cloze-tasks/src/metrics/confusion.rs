//! How often each class was taken for each.

use super::{Cell, Table};

/// Counts by true class and predicted class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    counts: Vec<u64>,
}

impl ConfusionMatrix {
    /// A matrix of zeros.
    pub fn new(classes: usize) -> Self {
        Self {
            classes,
            counts: vec![0; classes * classes],
        }
    }

    /// Counts one row.
    ///
    /// # Panics
    /// If a class is not below the number of classes.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        assert!(truth < self.classes && predicted < self.classes);
        self.counts[truth * self.classes + predicted] += 1;
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How often `truth` was taken for `predicted`.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        self.counts[truth * self.classes + predicted]
    }

    /// Rows that have this class.
    pub fn support(&self, class: usize) -> u64 {
        (0..self.classes)
            .map(|predicted| self.count(class, predicted))
            .sum()
    }

    /// Rows that were given this class.
    pub fn predicted(&self, class: usize) -> u64 {
        (0..self.classes)
            .map(|truth| self.count(truth, class))
            .sum()
    }

    /// Rows that have this class and were given it.
    pub fn hits(&self, class: usize) -> u64 {
        self.count(class, class)
    }

    /// All rows.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The matrix under the names of its classes: a row for each true class.
    pub fn table(&self, names: &[String]) -> Table {
        let row = |truth: usize| (0..self.classes).map(move |p| Cell::Count(self.count(truth, p)));
        Table {
            name: "confusion_matrix".into(),
            row_header: "true label".into(),
            columns: names.to_vec(),
            rows: names
                .iter()
                .enumerate()
                .map(|(truth, name)| (name.clone(), row(truth).collect()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_true_classes_and_columns_predicted_ones() {
        let mut matrix = ConfusionMatrix::new(2);
        for (truth, predicted) in [(0, 0), (0, 1), (0, 1), (1, 1)] {
            matrix.add(truth, predicted);
        }
        assert_eq!(
            (matrix.support(0), matrix.predicted(0), matrix.hits(0)),
            (3, 1, 1)
        );
        assert_eq!(
            (matrix.count(0, 1), matrix.count(1, 0), matrix.total()),
            (2, 0, 4)
        );
        let table = matrix.table(&["no".into(), "yes".into()]);
        assert_eq!(
            table.rows[0],
            ("no".into(), vec![Cell::Count(1), Cell::Count(2)])
        );
    }
}
