use std::fmt;
use std::path::PathBuf;

/// What is wrong with a file that the user gave, and where: the file, the line, the field, what
/// was found and what was wanted.
///
/// ```
/// use cloze_core::InputError;
/// let error = InputError::new("reviews.csv", "an empty cell", "a label").at_line(17).in_field("label");
/// assert_eq!(error.to_string(), "reviews.csv, line 17, field `label`: found an empty cell, wanted a label");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// The file as the user named it.
    pub file: PathBuf,
    /// Line (of a text file) or row (of a binary one), counted from 1.
    pub line: Option<usize>,
    /// Column, key or tensor.
    pub field: Option<String>,
    /// What is there.
    pub found: String,
    /// What should be there.
    pub wanted: String,
}

impl InputError {
    /// An error about a whole file; narrow it with [`at_line`](Self::at_line) and
    /// [`in_field`](Self::in_field).
    pub fn new(
        file: impl Into<PathBuf>,
        found: impl Into<String>,
        wanted: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            line: None,
            field: None,
            found: found.into(),
            wanted: wanted.into(),
        }
    }

    /// Names the line, counted from 1.
    #[must_use]
    pub fn at_line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// Names the column, key or tensor.
    #[must_use]
    pub fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", field `{field}`")?;
        }
        write!(f, ": found {}, wanted {}", self.found, self.wanted)
    }
}

impl std::error::Error for InputError {}
