//! How two series of numbers go together, as SciPy computes it.

/// Pearson's correlation coefficient. Not a number where there are fewer than two pairs or one of
/// the series is constant.
///
/// # Panics
/// If the series differ in length.
pub fn pearson(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "every number needs its counterpart");
    let (a, b) = (centred(a), centred(b));
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let scale = (product(&a, &a) * product(&b, &b)).sqrt();
    if scale > 0.0 {
        (product(&a, &b) / scale).clamp(-1.0, 1.0)
    } else {
        f64::NAN
    }
}

/// Spearman's rank correlation coefficient: Pearson's of the ranks, where equal numbers share the
/// mean of theirs. Not a number as [`pearson`].
///
/// # Panics
/// If the series differ in length.
pub fn spearman(a: &[f64], b: &[f64]) -> f64 {
    pearson(&ranks(a), &ranks(b))
}

/// The mean squared difference; 0 of nothing.
///
/// # Panics
/// If the series differ in length.
pub fn mean_squared_error(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "every number needs its counterpart");
    let sum: f64 = a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum();
    sum / a.len().max(1) as f64
}

fn centred(values: &[f64]) -> Vec<f64> {
    let constant = values.windows(2).all(|pair| pair[0] == pair[1]);
    if constant {
        // The mean of equal numbers need not be that number to the last bit.
        return vec![0.0; values.len()];
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| value - mean).collect()
}

/// Ranks from 1; equal values have the mean of the ranks that they take up.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for group in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = start as f64 + (group.len() + 1) as f64 / 2.0;
        group.iter().for_each(|&index| ranks[index] = rank);
        start += group.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranks_do_not_depend_on_the_scale(
            pairs in prop::collection::vec((-9_i8..9, -9_i8..9), 2..40),
        ) {
            let (a, b): (Vec<f64>, Vec<f64>) =
                pairs.iter().map(|&(a, b)| (f64::from(a), f64::from(b))).unzip();
            let (found, mirrored) = (spearman(&a, &b), spearman(&b, &a));
            let stretched: Vec<f64> = a.iter().map(|a| a.exp()).collect();
            let scaled = spearman(&stretched, &b);
            if found.is_nan() {
                prop_assert!(mirrored.is_nan() && scaled.is_nan());
            } else {
                prop_assert!((-1.0..=1.0).contains(&found));
                prop_assert!((found - mirrored).abs() < 1e-12);
                prop_assert!((found - scaled).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn equal_numbers_share_their_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0, 3.0]), [4.0, 1.0, 4.0, 2.0, 4.0]);
        assert_eq!(ranks(&[-0.0, 0.0]), [1.5, 1.5]);
    }

    #[test]
    fn lines_and_curves() {
        let x = [1.0, 2.0, 3.0, 4.0];
        let line: Vec<f64> = x.iter().map(|x| 5.0 - 2.0 * x).collect();
        let curve: Vec<f64> = x.iter().map(|x| x * x * x).collect();
        assert!((pearson(&x, &line) + 1.0).abs() < 1e-15);
        assert!(pearson(&x, &curve) < 0.99 && spearman(&x, &curve) == 1.0);
        assert_eq!(mean_squared_error(&x, &[1.0, 2.0, 3.0, 2.0]), 1.0);
    }

    #[test]
    fn a_constant_goes_together_with_nothing() {
        assert!(pearson(&[0.1; 3], &[1.0, 2.0, 3.0]).is_nan());
        assert!(spearman(&[1.0], &[1.0]).is_nan());
        assert!(pearson(&[], &[]).is_nan());
    }
}
