use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use cloze_core::InputError;

use super::value::quote;
use super::{ReadError, RowErrors, Value};

/// The rows of a data file.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The file as the user named it.
    pub path: PathBuf,
    /// Names of the columns, in the order of the file. JSON objects need not agree: a key that
    /// any row has is a column, and rows without it hold [`Value::Null`].
    pub columns: Vec<String>,
    /// The rows, each with one value for every column.
    pub rows: Vec<Row>,
    /// Rows that could not be read at all (a ragged row, a line that is no JSON).
    pub rejected: Vec<InputError>,
    /// By column, the names of its classes in the order of their ids, where the file has them (a
    /// Hugging Face `ClassLabel` in a Parquet file). The rows then hold the names.
    pub class_names: BTreeMap<String, Vec<String>>,
}

/// One row of a [`Table`].
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The line where the row begins (the row itself in a Parquet file), counted from 1.
    pub line: usize,
    /// One value for every column.
    pub values: Vec<Value>,
}

impl Table {
    pub(super) fn new(path: &Path, columns: Vec<String>) -> Self {
        Self {
            path: path.into(),
            columns,
            rows: Vec::new(),
            rejected: Vec::new(),
            class_names: BTreeMap::new(),
        }
    }

    /// The position of a column.
    ///
    /// # Errors
    /// If there is none of that name, or more than one. The error lists the columns that exist
    /// and names the nearest.
    pub fn column(&self, name: &str) -> Result<usize, InputError> {
        let mut places = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| *column == name);
        match (places.next(), places.next()) {
            (Some((place, _)), None) => Ok(place),
            (Some(_), Some(_)) => {
                let error = InputError::new(&self.path, "two columns of that name", "one");
                Err(error.in_field(name))
            }
            (None, _) => Err(self.missing_column(name)),
        }
    }

    fn missing_column(&self, name: &str) -> InputError {
        let mut wanted = String::from("a column of that name");
        if let Some(nearest) = self.nearest_column(name) {
            wanted.push_str(&format!(" (did you mean `{nearest}`?)"));
        }
        InputError::new(&self.path, self.list_columns(), wanted).in_field(name)
    }

    fn nearest_column(&self, name: &str) -> Option<&str> {
        let name = name.to_lowercase();
        let distance = |column: &str| strsim::damerau_levenshtein(&name, &column.to_lowercase());
        let nearest = self.columns.iter().min_by_key(|column| distance(column))?;
        let limit = name.chars().count().max(3) / 2;
        (distance(nearest) <= limit).then_some(nearest.as_str())
    }

    /// The columns as an error message lists them.
    pub(super) fn list_columns(&self) -> String {
        match &self.columns[..] {
            [only] if only.contains([';', '\t', '|']) => {
                format!(
                    "a single column, {}, with another separator in it",
                    quote(only)
                )
            }
            [only] => format!("the column {}", tick(only)),
            [] => "no columns".into(),
            columns => {
                let names: Vec<String> = columns.iter().map(|name| tick(name)).collect();
                format!("the columns {}", names.join(", "))
            }
        }
    }

    /// The table, unless rows were rejected.
    pub(super) fn strict(self) -> Result<Self, ReadError> {
        if self.rejected.is_empty() {
            return Ok(self);
        }
        let rows = self.rows.len() + self.rejected.len();
        Err(RowErrors {
            path: self.path,
            rows,
            errors: self.rejected,
        }
        .into())
    }
}

// A file without a header line has whole texts for column names.
fn tick(name: &str) -> String {
    const LONGEST: usize = 30;
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &name[..end]),
        None => format!("`{name}`"),
    }
}

/// A table of JSON objects, whose columns become known while they are read.
pub(super) struct ObjectTable {
    table: Table,
    places: HashMap<String, usize>,
}

impl ObjectTable {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            table: Table::new(path, Vec::new()),
            places: HashMap::new(),
        }
    }

    /// Adds a row; what is no object is rejected.
    pub(super) fn push(&mut self, line: usize, value: serde_json::Value) {
        let serde_json::Value::Object(object) = value else {
            let found = Value::from(value).describe();
            let error = InputError::new(&self.table.path, found, "an object `{…}`");
            return self.reject(error.at_line(line));
        };
        let mut values = vec![Value::Null; self.table.columns.len()];
        for (key, value) in object {
            let place = match self.places.get(&key) {
                Some(&place) => place,
                None => {
                    values.push(Value::Null);
                    self.table.columns.push(key.clone());
                    self.places.insert(key, values.len() - 1);
                    values.len() - 1
                }
            };
            values[place] = value.into();
        }
        self.table.rows.push(Row { line, values });
    }

    /// Whether nothing was added, nor rejected.
    pub(super) fn is_empty(&self) -> bool {
        self.table.rows.is_empty() && self.table.rejected.is_empty()
    }

    pub(super) fn reject(&mut self, error: InputError) {
        self.table.rejected.push(error);
    }

    pub(super) fn finish(mut self) -> Table {
        let width = self.table.columns.len();
        for row in &mut self.table.rows {
            row.values.resize(width, Value::Null);
        }
        self.table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[&str]) -> Table {
        let columns = columns.iter().map(|&name| name.into()).collect();
        Table::new(Path::new("r.csv"), columns)
    }

    #[test]
    fn a_missing_column_is_named_with_those_that_exist_and_the_nearest() {
        let table = table(&["review", "label"]);
        assert_eq!(table.column("label"), Ok(1));
        assert_eq!(
            table.column("reveiw").unwrap_err().to_string(),
            "r.csv, field `reveiw`: found the columns `review`, `label`, \
             wanted a column of that name (did you mean `review`?)"
        );
        assert_eq!(
            table.column("hypothesis").unwrap_err().to_string(),
            "r.csv, field `hypothesis`: found the columns `review`, `label`, \
             wanted a column of that name"
        );
        assert_eq!(
            table.column("LABEL").unwrap_err().wanted,
            "a column of that name (did you mean `label`?)"
        );
    }

    #[test]
    fn a_column_that_stands_twice_cannot_be_chosen() {
        assert_eq!(
            table(&["text", "text"])
                .column("text")
                .unwrap_err()
                .to_string(),
            "r.csv, field `text`: found two columns of that name, wanted one"
        );
    }

    #[test]
    fn a_table_without_columns_says_so() {
        assert_eq!(table(&[]).column("text").unwrap_err().found, "no columns");
    }

    #[test]
    fn another_separator_is_recognised() {
        assert_eq!(
            table(&["label;review"])
                .column("review")
                .unwrap_err()
                .to_string(),
            "r.csv, field `review`: found a single column, \"label;review\", with another \
             separator in it, wanted a column of that name"
        );
    }
}
