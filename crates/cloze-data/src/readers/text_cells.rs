use cloze_core::InputError;

use super::{Labels, Table, Value};

/// What is wrong in a column of a row.
pub(super) struct Problem {
    column: usize,
    found: String,
    wanted: &'static str,
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
            wanted: "a text",
        }),
        Value::Text(text) => Ok(text),
        other => Err(Problem {
            column,
            found: other.describe(),
            wanted: "a text",
        }),
    }
}

/// Whole numbers up to this are exact as `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A label's name; `None` where there is none and none is needed.
pub(super) fn label(
    value: &Value,
    column: usize,
    labels: Labels,
) -> Result<Option<String>, Problem> {
    let problem = |found: String, wanted| Problem {
        column,
        found,
        wanted,
    };
    let missing = match value {
        Value::Text(text) => match text.trim() {
            "" => "an empty cell",
            label => return Ok(Some(label.to_owned())),
        },
        Value::Null => "nothing",
        Value::Integer(number) => return Ok(Some(number.to_string())),
        Value::Bool(truth) => return Ok(Some(truth.to_string())),
        // pandas makes whole numbers so where a cell of the column is empty.
        Value::Float(number) if number.fract() == 0.0 && number.abs() <= EXACT => {
            return Ok(Some(format!("{number:.0}")));
        }
        other => {
            let wanted = "a label: a text, a whole number, true or false";
            return Err(problem(other.describe(), wanted));
        }
    };
    match labels {
        Labels::Required => Err(problem(missing.into(), "a label")),
        Labels::IfPresent | Labels::Ignored => Ok(None),
    }
}
