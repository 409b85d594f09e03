//! The share of right predictions.

use super::ConfusionMatrix;

/// Right predictions of all, 0 where there is no row.
pub fn accuracy(matrix: &ConfusionMatrix) -> f64 {
    let hits: u64 = (0..matrix.classes()).map(|class| matrix.hits(class)).sum();
    super::f1::ratio(hits, matrix.total())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_diagonal_over_all_rows() {
        let mut matrix = ConfusionMatrix::new(3);
        assert_eq!(accuracy(&matrix), 0.0);
        for (truth, predicted) in [(0, 0), (1, 2), (2, 2), (2, 0)] {
            matrix.add(truth, predicted);
        }
        assert_eq!(accuracy(&matrix), 0.5);
    }
}
