use super::SplitError;
use super::by_ratio::checked_shares;
use crate::random::RandomStream;

/// Path of the random stream that decides where a text goes.
const STREAM: u64 = 0x5350_4C49_5401;

/// One of the three parts of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// What is trained on.
    Train,
    /// What the best checkpoint is chosen by.
    Validation,
    /// What is kept for the end.
    Test,
}

impl Part {
    /// All of them, in the order of [`PerPart::all`].
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// `train`, `validation` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// Something for each part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PerPart<T> {
    /// That of the training part.
    pub train: T,
    /// That of the validation part.
    pub validation: T,
    /// That of the test part.
    pub test: T,
}

impl<T> PerPart<T> {
    /// That of a part.
    pub fn get(&self, part: Part) -> &T {
        match part {
            Part::Train => &self.train,
            Part::Validation => &self.validation,
            Part::Test => &self.test,
        }
    }

    /// That of a part, to change it.
    pub fn get_mut(&mut self, part: Part) -> &mut T {
        match part {
            Part::Train => &mut self.train,
            Part::Validation => &mut self.validation,
            Part::Test => &mut self.test,
        }
    }

    /// All three with their parts.
    pub fn all(&self) -> [(Part, &T); 3] {
        Part::ALL.map(|part| (part, self.get(part)))
    }

    /// Something else for each part, made of what is there.
    ///
    /// # Errors
    /// The first one of `make`.
    pub fn try_map<U, E>(
        self,
        mut make: impl FnMut(Part, T) -> Result<U, E>,
    ) -> Result<PerPart<U>, E> {
        Ok(PerPart {
            train: make(Part::Train, self.train)?,
            validation: make(Part::Validation, self.validation)?,
            test: make(Part::Test, self.test)?,
        })
    }
}

/// Where each text of a stream goes, with nothing kept of those before it: a text's part follows
/// from the seed and its number.
///
/// Every text is drawn on its own, so the sizes of the parts are their shares up to chance: of n
/// texts with a share p, n · p give or take √(n · p · (1 − p)). For a data set that fits in memory,
/// [`split_by_ratio`](super::split_by_ratio) is exact.
///
/// ```
/// use cloze_data::splits::{Part, SplitByText};
/// let split = SplitByText::new(0.1, 0.1, 666)?;
/// let training = (0..10_000).filter(|&text| split.part(text) == Part::Train).count();
/// assert!((7_800..8_200).contains(&training));
/// # Ok::<(), cloze_data::splits::SplitError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SplitByText {
    validation: f64,
    test: f64,
    seed: u64,
}

impl SplitByText {
    /// Shares of the validation and the test part; the rest is for training.
    ///
    /// # Errors
    /// If a share is not in `[0, 1)`, or both together reach 1.
    pub fn new(validation: f64, test: f64, seed: u64) -> Result<Self, SplitError> {
        checked_shares(validation, test)?;
        Ok(Self {
            validation,
            test,
            seed,
        })
    }

    /// The part of a text by its number, counted from 0.
    pub fn part(&self, text: u64) -> Part {
        // The test part is that of its own share, whatever that of the validation part is.
        let draw = RandomStream::new(self.seed, &[STREAM, text]).unit();
        if draw < self.test {
            Part::Test
        } else if draw < self.test + self.validation {
            Part::Validation
        } else {
            Part::Train
        }
    }

    /// The share of a part.
    pub fn share(&self, part: Part) -> f64 {
        match part {
            Part::Train => 1.0 - self.validation - self.test,
            Part::Validation => self.validation,
            Part::Test => self.test,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_their_shares() {
        let split = SplitByText::new(0.2, 0.1, 7).unwrap();
        for part in Part::ALL {
            let count = (0..100_000)
                .filter(|&text| split.part(text) == part)
                .count() as f64;
            let share = split.share(part);
            let deviation = (100_000.0 * share * (1.0 - share)).sqrt();
            assert!(
                (count - 100_000.0 * share).abs() < 5.0 * deviation,
                "{part:?} {count}"
            );
        }
    }

    #[test]
    fn the_parts_of_a_seed_stay_what_they_are() {
        // The number of a part: 0 for training, 1 for validation, 2 for the test.
        let parts = |validation, test| -> String {
            let split = SplitByText::new(validation, test, 666).unwrap();
            let number = |text| (split.part(text) as u8).to_string();
            (0..30).map(number).collect()
        };
        assert_eq!(parts(0.3, 0.2), "000101101102200110102110101001");
        assert_eq!(parts(0.0, 0.0), "0".repeat(30));
    }

    #[test]
    fn a_share_of_nothing_is_nothing_and_the_test_part_does_not_hang_on_the_other() {
        let (a, b) = (
            SplitByText::new(0.0, 0.3, 1).unwrap(),
            SplitByText::new(0.5, 0.3, 1).unwrap(),
        );
        for text in 0..1000 {
            assert_ne!(a.part(text), Part::Validation);
            assert_eq!(a.part(text) == Part::Test, b.part(text) == Part::Test);
        }
        assert!(SplitByText::new(0.9, 0.1, 1).is_err());
        assert!(SplitByText::new(f64::NAN, 0.1, 1).is_err());
    }
}
