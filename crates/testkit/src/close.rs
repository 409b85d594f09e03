//! Comparing arrays of numbers.

/// The largest absolute difference between two arrays, and where it is.
///
/// # Panics
/// If the arrays differ in length.
pub fn largest_difference(actual: &[f32], expected: &[f32]) -> (usize, f32) {
    assert_eq!(actual.len(), expected.len(), "arrays differ in length");
    let differences = actual.iter().zip(expected).map(|(a, e)| (a - e).abs());
    differences
        .enumerate()
        .fold((0, 0.0), |largest, (at, difference)| {
            // A NaN is the worst of differences and stays so.
            if difference.is_nan() || difference > largest.1 {
                (
                    at,
                    if difference.is_nan() {
                        f32::INFINITY
                    } else {
                        difference
                    },
                )
            } else {
                largest
            }
        })
}

/// Asserts that no element is farther than `tolerance` from the expected one.
///
/// # Panics
/// With the position and both values where they part the most.
#[track_caller]
pub fn assert_close(what: &str, actual: &[f32], expected: &[f32], tolerance: f32) {
    let (at, difference) = largest_difference(actual, expected);
    assert!(
        difference <= tolerance,
        "{what}: element {at} is {}, expected {}: {difference:e} apart, {tolerance:e} allowed",
        actual[at],
        expected[at],
    );
}

/// Asserts that the largest difference is at most `tolerance` times the largest expected
/// magnitude, as gradients are compared.
///
/// # Panics
/// With the position and both values where they part the most.
#[track_caller]
pub fn assert_relatively_close(what: &str, actual: &[f32], expected: &[f32], tolerance: f32) {
    let scale = expected.iter().fold(0.0_f32, |scale, e| scale.max(e.abs()));
    // A gradient that is zero in theory is rounding noise in practice.
    assert_close(what, actual, expected, tolerance * scale.max(1e-4));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_never_close() {
        assert_eq!(
            largest_difference(&[1.0, f32::NAN], &[1.0, 2.0]),
            (1, f32::INFINITY)
        );
        assert_eq!(largest_difference(&[1.0, 2.5], &[1.5, 2.5]), (0, 0.5));
    }

    #[test]
    #[should_panic(expected = "logits: element 1 is 2, expected 3")]
    fn a_difference_is_shown_where_it_is_largest() {
        assert_close("logits", &[1.0, 2.0], &[1.0, 3.0], 1e-4);
    }

    #[test]
    fn relative_closeness_scales_with_the_largest_element() {
        assert_relatively_close("gradient", &[1000.5, 0.2], &[1000.0, 0.0], 1e-3);
    }
}
