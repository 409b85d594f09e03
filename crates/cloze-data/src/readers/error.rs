use std::fmt;
use std::path::{Path, PathBuf};

use cloze_core::InputError;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What to do with rows that cannot be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadRows {
    /// Stop, and list them.
    #[default]
    Stop,
    /// Leave them out, and hand back the list.
    Skip,
}

/// Why a data file cannot be used.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Something is wrong with the file as a whole.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Some rows cannot be used.
    #[error(transparent)]
    Rows(#[from] RowErrors),
}

impl ReadError {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Read {
            path: path.into(),
            source,
        }
    }
}

/// Rows that cannot be used: how many, of how many, and what is wrong with each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowErrors {
    /// The file.
    pub path: PathBuf,
    /// Number of rows in the file, good and bad.
    pub rows: usize,
    /// One error for each row that cannot be used, by line.
    pub errors: Vec<InputError>,
}

/// How many bad rows an error message lists; the others are counted.
const LISTED: usize = 5;

impl fmt::Display for RowErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bad, rows) = (self.errors.len(), self.rows);
        let noun = if rows == 1 { "row" } else { "rows" };
        write!(
            f,
            "{}: {bad} of {rows} {noun} cannot be used",
            self.path.display()
        )?;
        for error in self.errors.iter().take(LISTED) {
            write!(f, "\n  {error}")?;
        }
        if bad > LISTED {
            write!(f, "\n  and {} more", bad - LISTED)?;
        }
        Ok(())
    }
}

impl std::error::Error for RowErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rows_are_listed_and_the_others_counted() {
        let error = |line| InputError::new("a.csv", "nothing", "a label").at_line(line);
        let rows = RowErrors {
            path: "a.csv".into(),
            rows: 100,
            errors: (2..9).map(error).collect(),
        };
        assert_eq!(
            rows.to_string(),
            "a.csv: 7 of 100 rows cannot be used\n  \
             a.csv, line 2: found nothing, wanted a label\n  \
             a.csv, line 3: found nothing, wanted a label\n  \
             a.csv, line 4: found nothing, wanted a label\n  \
             a.csv, line 5: found nothing, wanted a label\n  \
             a.csv, line 6: found nothing, wanted a label\n  \
             and 2 more"
        );
    }
}
