use std::path::Path;

use cloze_core::InputError;
use serde::Serialize;

use super::label_cells::usual_columns;
use super::text_cells::{Problem, label, text};
use super::{
    BadRows, Format, FoundColumns, Label, ReadError, Row, RowErrors, Table, TextColumns, Value,
    label_columns, read_table_with_rejected,
};

/// A text, or a pair of texts, with its label: one name, a list of names (`Vec<String>`), or a
/// number (`f64`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelledText<L = String> {
    /// The text, the first one of a pair.
    pub text: String,
    /// The second text of a pair.
    pub text_pair: Option<String>,
    /// The label; one label as its name: a whole number by its digits, a truth value as `true` or
    /// `false`.
    pub label: Option<L>,
    /// What the file calls the row.
    pub id: Option<Value>,
    /// The line where the row begins (the row itself in a Parquet file), counted from 1.
    pub line: usize,
}

/// The texts of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledTexts<L = String> {
    /// The columns that were read.
    pub columns: FoundColumns,
    /// The rows that can be used, in the order of the file.
    pub rows: Vec<LabelledText<L>>,
    /// What is wrong with each of the rows that were left out, by line.
    pub skipped: Vec<InputError>,
    /// The names of the classes in the order of their ids, where the file itself has them, or
    /// each has a column.
    pub class_names: Option<Vec<String>>,
}

/// Whether the rows must have labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Labels {
    /// Every row needs one: training and evaluation.
    #[default]
    Required,
    /// Those that are there are read; a missing column or an empty cell is fine.
    IfPresent,
    /// They are not looked at.
    Ignored,
}

/// How several labels stand in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelCells {
    /// What stands between two labels in one text.
    pub separator: String,
    /// Columns that each belong to one label, of the same name, and hold 1 where it applies and 0
    /// elsewhere; without any, all labels stand in one column.
    pub columns: Vec<String>,
}

impl Default for LabelCells {
    /// One column, commas.
    fn default() -> Self {
        Self {
            separator: ",".into(),
            columns: Vec::new(),
        }
    }
}

/// How [`read_labelled_texts`] reads.
#[derive(Clone, Debug, Default)]
pub struct TextReadOptions {
    /// The columns that the user named.
    pub columns: TextColumns,
    /// Whether the rows must have labels.
    pub labels: Labels,
    /// How several labels stand in a row.
    pub cells: LabelCells,
    /// What to do with rows that cannot be used.
    pub bad_rows: BadRows,
    /// The format, if it is not that of the extension.
    pub format: Option<&'static Format>,
}

/// Reads texts, or pairs of texts, with their labels.
///
/// Texts are taken as they are; labels without the blanks around them. A row cannot be used if it
/// cannot be read at all, if a text is missing, no text, or blank, or if the label is missing (and
/// required) or none of its kind: one label is a text, a whole number or a truth value.
///
/// # Errors
/// As [`read_table`](super::read_table); if a column does not exist; and, unless they are
/// skipped, if there are rows that cannot be used ([`ReadError::Rows`] lists them all). If no
/// usable row is left, that is an error in any case.
pub fn read_labelled_texts<L: Label>(
    path: &Path,
    options: &TextReadOptions,
) -> Result<LabelledTexts<L>, ReadError> {
    let table = read_table_with_rejected(path, options.format)?;
    labelled_texts(table, options)
}

/// Takes texts with their labels from a table, as [`read_labelled_texts`] does.
///
/// # Errors
/// As there.
pub fn labelled_texts<L: Label>(
    mut table: Table,
    options: &TextReadOptions,
) -> Result<LabelledTexts<L>, ReadError> {
    let mut wanted = options.columns.clone();
    let one_each = &options.cells.columns;
    if options.labels == Labels::Required && !one_each.is_empty() {
        wanted.label = Some(label_columns::merge(&mut table, one_each)?);
    }
    if options.labels != Labels::Required {
        wanted = absent_label_dropped(&wanted, &table);
    }
    let mut columns = wanted.find_with::<L>(&table)?;
    if options.labels == Labels::Ignored {
        columns.label = None;
    }
    if options.labels == Labels::Required && columns.label.is_none() {
        return Err(no_label_column::<L>(&table).into());
    }
    let places = Places::of(&columns, &table)?;
    let total = table.rows.len() + table.rejected.len();
    let mut skipped = std::mem::take(&mut table.rejected);
    let mut rows = Vec::with_capacity(table.rows.len());
    for row in std::mem::take(&mut table.rows) {
        match places.read(row, options.labels, &options.cells.separator) {
            Ok(row) => rows.push(row),
            Err((line, problem)) => skipped.push(problem.error(&table, line)),
        }
    }
    skipped.sort_by_key(|error| error.line);
    if !skipped.is_empty() && (options.bad_rows == BadRows::Stop || rows.is_empty()) {
        return Err(RowErrors {
            path: table.path,
            rows: total,
            errors: skipped,
        }
        .into());
    }
    let class_names = columns
        .label
        .as_ref()
        .and_then(|name| table.class_names.remove(name));
    Ok(LabelledTexts {
        columns,
        rows,
        skipped,
        class_names,
    })
}

fn absent_label_dropped(columns: &TextColumns, table: &Table) -> TextColumns {
    let present = |name: &String| table.columns.contains(name);
    TextColumns {
        label: columns.label.clone().filter(present),
        ..columns.clone()
    }
}

fn no_label_column<L: Label>(table: &Table) -> InputError {
    let wanted = format!(
        "the name of the label's column, as none has a usual one {}",
        usual_columns::<L>()
    );
    InputError::new(&table.path, table.list_columns(), wanted)
}

/// Where in a row the columns are.
struct Places {
    text: usize,
    text_pair: Option<usize>,
    label: Option<usize>,
    id: Option<usize>,
}

impl Places {
    fn of(columns: &FoundColumns, table: &Table) -> Result<Self, InputError> {
        let place =
            |name: &Option<String>| name.as_ref().map(|name| table.column(name)).transpose();
        Ok(Self {
            text: table.column(&columns.text)?,
            text_pair: place(&columns.text_pair)?,
            label: place(&columns.label)?,
            id: place(&columns.id)?,
        })
    }

    fn read<L: Label>(
        &self,
        row: Row,
        labels: Labels,
        separator: &str,
    ) -> Result<LabelledText<L>, (usize, Problem)> {
        let Row { line, mut values } = row;
        let mut read = || {
            let label = match self.label {
                Some(column) => label(&values[column], column, labels, separator)?,
                None => None,
            };
            let id = self.id.map(|column| values[column].clone());
            let text_pair = match self.text_pair {
                Some(column) => Some(text(values[column].clone(), column)?),
                None => None,
            };
            let text = text(
                std::mem::replace(&mut values[self.text], Value::Null),
                self.text,
            )?;
            Ok(LabelledText {
                text,
                text_pair,
                label,
                id: id.filter(|id| *id != Value::Null),
                line,
            })
        };
        read().map_err(|problem| (line, problem))
    }
}

#[cfg(test)]
mod tests;
