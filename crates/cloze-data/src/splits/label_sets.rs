use std::collections::BTreeMap;

/// A class for every row that has any number of labels, for [`split_by_ratio`](super::split_by_ratio):
/// rows with the same set of labels, in whatever order, are of one class.
pub fn classes_of_label_sets<'a>(rows: impl IntoIterator<Item = &'a [String]>) -> Vec<usize> {
    let mut classes = LabelSetClasses::default();
    rows.into_iter().for_each(|labels| classes.see(labels));
    classes.finish()
}

/// The same, while the rows come one after another: every different set is kept once.
#[derive(Debug, Default)]
pub struct LabelSetClasses {
    /// In the order in which they were first seen.
    numbers: BTreeMap<Vec<String>, usize>,
    /// The set of each row.
    rows: Vec<usize>,
}

impl LabelSetClasses {
    /// Sees the labels of the next row.
    pub fn see(&mut self, labels: &[String]) {
        let mut set = labels.to_vec();
        set.sort_unstable();
        set.dedup();
        let next = self.numbers.len();
        self.rows.push(*self.numbers.entry(set).or_insert(next));
    }

    /// The class of each row; those of sets are in the order of these.
    pub fn finish(self) -> Vec<usize> {
        let mut classes = vec![0; self.numbers.len()];
        for (class, number) in self.numbers.into_values().enumerate() {
            classes[number] = class;
        }
        let rows = self.rows.into_iter();
        rows.map(|number| classes[number]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_the_same_labels_are_of_one_class() {
        let row =
            |labels: &[&str]| -> Vec<String> { labels.iter().map(|&label| label.into()).collect() };
        let rows = [
            row(&["b", "a"]),
            row(&[]),
            row(&["a", "b", "a"]),
            row(&["a"]),
        ];
        let classes = classes_of_label_sets(rows.iter().map(Vec::as_slice));
        assert_eq!(classes, [2, 0, 2, 1]);
    }
}
