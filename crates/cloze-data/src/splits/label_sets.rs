use std::collections::BTreeMap;

/// A class for every row that has any number of labels, for [`split_by_ratio`](super::split_by_ratio):
/// rows with the same set of labels, in whatever order, are of one class.
pub fn classes_of_label_sets<'a>(rows: impl IntoIterator<Item = &'a [String]>) -> Vec<usize> {
    let set = |labels: &'a [String]| {
        let mut labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    };
    let sets: Vec<Vec<&str>> = rows.into_iter().map(set).collect();
    let mut ids: BTreeMap<&[&str], usize> = sets.iter().map(|set| (&set[..], 0)).collect();
    for (id, of_set) in ids.values_mut().enumerate() {
        *of_set = id;
    }
    sets.iter().map(|set| ids[&set[..]]).collect()
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
