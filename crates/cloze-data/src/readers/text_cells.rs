use cloze_core::InputError;

use super::{Label, Labels, NoLabel, Table, Value};

/// What is wrong in a column of a row.
pub(super) struct Problem {
    column: usize,
    found: String,
    wanted: String,
}

impl Problem {
    pub(super) fn error(self, table: &Table, line: usize) -> InputError {
        InputError::new(&table.path, self.found, self.wanted)
            .at_line(line)
            .in_field(&table.columns[self.column])
    }
}

/// A text that is not blank.
pub(super) fn text(value: Value, column: usize) -> Result<String, Problem> {
    match value {
        Value::Text(text) if text.trim().is_empty() => Err(Problem {
            column,
            found: "an empty text".into(),
            wanted: "a text".into(),
        }),
        Value::Text(text) => Ok(text),
        other => Err(Problem {
            column,
            found: other.describe(),
            wanted: "a text".into(),
        }),
    }
}

/// A label; `None` where there is none and none is needed.
pub(super) fn label<L: Label>(
    value: &Value,
    column: usize,
    labels: Labels,
    separator: &str,
) -> Result<Option<L>, Problem> {
    let problem = match L::read(value, separator) {
        Ok(label) => return Ok(Some(label)),
        Err(problem) => problem,
    };
    let (found, wanted) = match problem {
        NoLabel::Absent(_) if labels != Labels::Required => return Ok(None),
        NoLabel::Absent(found) => (found.into(), L::WANTED.into()),
        NoLabel::Unusable { found, wanted } => (found, wanted),
    };
    Err(Problem {
        column,
        found,
        wanted,
    })
}
