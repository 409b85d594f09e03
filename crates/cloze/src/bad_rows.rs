//! Rows that are left out: counted, the first ones listed, on standard error.

use cloze_core::InputError;
use cloze_data::readers::{BadRows, ReadError};

use crate::failure::hint;
use crate::terminal::{counted, note, warn};

/// How many are listed.
const LISTED: usize = 5;

/// Rows that were left out so far.
#[derive(Debug, Default)]
pub(crate) struct SkippedRows {
    count: usize,
}

impl SkippedRows {
    /// Lists a row, if not enough are listed already.
    pub(crate) fn add(&mut self, error: &InputError) {
        self.count += 1;
        if self.count <= LISTED {
            warn(error);
        }
    }

    /// Adds rows of which only the first ones are described.
    pub(crate) fn add_counted(&mut self, count: u64, first: &[InputError]) {
        first.iter().for_each(|error| self.add(error));
        self.count += count as usize - first.len();
    }

    /// Says how many there were.
    pub(crate) fn report(&self) {
        if self.count > 0 {
            let beyond = match self.count.saturating_sub(LISTED) {
                0 => String::new(),
                more => format!(", {more} more than listed"),
            };
            note(format_args!(
                "{} left out{beyond}",
                counted(self.count, "row")
            ));
        }
    }

    /// How many there were.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

/// What is wrong with rows, and what can be done about it.
pub(crate) fn suggest_skipping(error: anyhow::Error, bad_rows: BadRows) -> anyhow::Error {
    match error.downcast::<ReadError>() {
        Ok(error @ ReadError::Rows(_)) if bad_rows == BadRows::Stop => {
            hint(error, "`--bad-rows skip` leaves such rows out")
        }
        Ok(error) => error.into(),
        Err(error) => error,
    }
}
