use std::ops::Range;

use super::by_ratio::checked_shares;
use super::{PerPart, SplitError};

/// Divides what stands in an order, the tokens of a long text say, by position: the first of it is
/// for training, what follows for validation, and the end for the test. Nothing of one part stands
/// between what belongs to another, so that windows which overlap within a part share nothing with
/// those of another.
///
/// ```
/// use cloze_data::splits::split_by_position;
/// let parts = split_by_position(1_000, 0.1, 0.05)?;
/// assert_eq!((parts.train, parts.validation, parts.test), (0..850, 850..950, 950..1_000));
/// # Ok::<(), cloze_data::splits::SplitError>(())
/// ```
///
/// # Errors
/// If a share is not in `[0, 1)`, or both together reach 1.
pub fn split_by_position(
    len: u64,
    validation: f64,
    test: f64,
) -> Result<PerPart<Range<u64>>, SplitError> {
    checked_shares(validation, test)?;
    let share = |share: f64| (share * len as f64).round() as u64;
    let tested = len - share(test).min(len);
    let validated = tested - share(validation).min(tested);
    Ok(PerPart {
        train: 0..validated,
        validation: validated..tested,
        test: tested..len,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_stand_one_behind_the_other_and_have_their_shares(
            len in 0_u64..10_000,
            validation in 0.0..0.5,
            test in 0.0..0.49,
        ) {
            let parts = split_by_position(len, validation, test).unwrap();
            prop_assert_eq!(parts.train.start, 0);
            prop_assert_eq!(parts.train.end, parts.validation.start);
            prop_assert_eq!(parts.validation.end, parts.test.start);
            prop_assert_eq!(parts.test.end, len);
            for (part, share) in [(parts.validation, validation), (parts.test, test)] {
                let wanted = share * len as f64;
                prop_assert!(((part.end - part.start) as f64 - wanted).abs() <= 1.0);
            }
        }
    }

    #[test]
    fn shares_that_leave_nothing_for_training_are_refused() {
        assert!(split_by_position(10, 0.5, 0.5).is_err());
        assert!(split_by_position(10, -0.1, 0.0).is_err());
    }
}
