use super::{Masking, MaskingError};

/// A masking whose rate changes from epoch to epoch.
///
/// A high rate teaches more from a text, a low one leaves more to read from: pretraining gains from
/// beginning with the one and ending with the other (Ankner et al. 2023, "Dynamic Masking Rate
/// Schedules for MLM Pretraining").
///
/// ```
/// use cloze_data::masking::{Masking, MaskingSchedule};
///
/// let first = Masking::new(0.4, [0.8, 0.1, 0.1])?;
/// let schedule = MaskingSchedule::linear(first, 0.2, 3)?;
/// let rates: Vec<f64> = (0..3).map(|epoch| schedule.at(epoch).rate()).collect();
/// assert!((rates[1] - 0.3).abs() < 1e-12);
/// assert_eq!((rates[0], rates[2]), (0.4, 0.2));
/// # Ok::<(), cloze_data::masking::MaskingError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaskingSchedule {
    first: Masking,
    last: Masking,
    epochs: u64,
}

impl MaskingSchedule {
    /// From the rate of `first` in the first epoch, in equal steps, to `last_rate` in the last of so
    /// many epochs.
    ///
    /// # Errors
    /// If the rate is not in `(0, 1]`.
    pub fn linear(first: Masking, last_rate: f64, epochs: u64) -> Result<Self, MaskingError> {
        let last = Masking::new(last_rate, first.shares())?;
        Ok(Self {
            first,
            last,
            epochs,
        })
    }

    /// The masking of an epoch, which are counted from 0.
    pub fn at(&self, epoch: u64) -> Masking {
        // Both ends are taken as they are: what is computed might miss them by a rounding.
        if epoch == 0 || self.first.rate == self.last.rate {
            return self.first;
        }
        if epoch + 1 >= self.epochs {
            return self.last;
        }
        let share = epoch as f64 / (self.epochs - 1) as f64;
        let rate = self.first.rate + (self.last.rate - self.first.rate) * share;
        Masking { rate, ..self.first }
    }
}

/// The same in every epoch.
impl From<Masking> for MaskingSchedule {
    fn from(masking: Masking) -> Self {
        Self {
            first: masking,
            last: masking,
            epochs: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(last_rate: f64, epochs: u64, shown: u64) -> Vec<f64> {
        let schedule = MaskingSchedule::linear(Masking::default(), last_rate, epochs).unwrap();
        (0..shown).map(|epoch| schedule.at(epoch).rate()).collect()
    }

    #[test]
    fn a_rate_goes_in_equal_steps_from_the_first_epoch_to_the_last() {
        let rates = rates(0.55, 5, 5);
        for (rate, wanted) in rates.iter().zip([0.15, 0.25, 0.35, 0.45, 0.55]) {
            assert!((rate - wanted).abs() < 1e-12, "{rates:?}");
        }
    }

    #[test]
    fn a_single_epoch_has_the_first_rate_and_what_comes_behind_the_last_has_its() {
        assert_eq!(rates(0.3, 1, 2), [0.15, 0.3]);
        assert_eq!(rates(0.3, 2, 4), [0.15, 0.3, 0.3, 0.3]);
    }

    #[test]
    fn without_a_schedule_every_epoch_is_the_same() {
        let schedule = MaskingSchedule::from(Masking::default());
        assert!((0..9).all(|epoch| schedule.at(epoch) == Masking::default()));
    }

    #[test]
    fn a_last_rate_that_is_none_is_refused() {
        let refused = MaskingSchedule::linear(Masking::default(), 0.0, 3);
        assert_eq!(refused, Err(MaskingError::Rate { rate: 0.0 }));
    }
}
