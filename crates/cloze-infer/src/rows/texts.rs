use std::path::{Path, PathBuf};

use cloze_core::InputError;
use cloze_data::readers::{
    BadRows, FoundColumns, LabelledText, Labels, ReadError, Table, TextColumns, TextReadOptions,
    Value, labelled_texts,
};

use super::StreamedRow;

/// Takes the texts from windows of rows. The columns are found in the first window and stay.
#[derive(Debug)]
pub struct Texts {
    path: PathBuf,
    wanted: TextColumns,
    found: Option<FoundColumns>,
}

/// The texts of a window.
#[derive(Debug, Default)]
pub struct TextsOfWindow {
    /// Rows that can be used, in order.
    pub rows: Vec<LabelledText>,
    /// What is wrong with the others, by line.
    pub bad: Vec<InputError>,
    /// Why the stream ends here, if it does.
    pub end: Option<ReadError>,
}

impl Texts {
    /// `path` is for error messages; columns that are not named are found by their usual names.
    pub fn new(path: &Path, columns: TextColumns) -> Self {
        Self {
            path: path.into(),
            wanted: columns,
            found: None,
        }
    }

    /// The texts of a window of rows.
    ///
    /// # Errors
    /// If a column does not exist, or none can be taken for the text.
    pub fn of_window(&mut self, window: Vec<StreamedRow>) -> Result<TextsOfWindow, ReadError> {
        let mut texts = TextsOfWindow::default();
        let mut table = Table {
            path: self.path.clone(),
            columns: Vec::new(),
            rows: Vec::new(),
            rejected: Vec::new(),
            class_names: Default::default(),
        };
        for StreamedRow { columns, row } in window {
            if columns.len() > table.columns.len() {
                table.columns = columns.to_vec();
            }
            match row {
                Ok(row) => table.rows.push(row),
                Err(ReadError::Input(error)) => table.rejected.push(error),
                Err(error) => texts.end = Some(error),
            }
        }
        if table.rows.is_empty() {
            texts.bad = table.rejected;
            return Ok(texts);
        }
        for row in &mut table.rows {
            row.values.resize(table.columns.len(), Value::Null);
        }
        self.take(table, &mut texts)?;
        Ok(texts)
    }

    /// Takes rows out whose text cannot be used for what is wanted of it: `fault` says what was found
    /// and what was wanted. They stand among the bad ones then.
    pub fn take_out(
        &self,
        texts: &mut TextsOfWindow,
        fault: impl Fn(&LabelledText) -> Option<(&'static str, &'static str)>,
    ) {
        let Some(columns) = &self.found else {
            return;
        };
        texts.rows.retain(|row| {
            let Some((found, wanted)) = fault(row) else {
                return true;
            };
            let error = InputError::new(&self.path, found, wanted);
            let error = error.at_line(row.line).in_field(&columns.text);
            texts.bad.push(error);
            false
        });
        texts.bad.sort_by_key(|error| error.line);
    }

    fn take(&mut self, mut table: Table, texts: &mut TextsOfWindow) -> Result<(), ReadError> {
        let found = match &self.found {
            Some(found) => found,
            None => self.found.insert(self.wanted.find(&table)?),
        };
        // A later window of JSON lines may lack a key that the first one had.
        for name in [
            Some(&found.text),
            found.text_pair.as_ref(),
            found.id.as_ref(),
        ] {
            if let Some(name) = name.filter(|name| !table.columns.contains(name)) {
                table.columns.push(name.clone());
                for row in &mut table.rows {
                    row.values.push(Value::Null);
                }
            }
        }
        let options = TextReadOptions {
            columns: TextColumns {
                text: Some(found.text.clone()),
                text_pair: found.text_pair.clone(),
                label: None,
                id: found.id.clone(),
            },
            labels: Labels::Ignored,
            bad_rows: BadRows::Skip,
            ..TextReadOptions::default()
        };
        match labelled_texts(table, &options) {
            Ok(read) => {
                texts.rows = read.rows;
                texts.bad = read.skipped;
            }
            Err(ReadError::Rows(rows)) => texts.bad = rows.errors,
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloze_data::readers::Row;
    use std::sync::Arc;

    fn rows(columns: &[&str], lines: std::ops::Range<usize>, text: &str) -> Vec<StreamedRow> {
        let columns: Arc<Vec<String>> = Arc::new(columns.iter().map(|&name| name.into()).collect());
        let row = |line| StreamedRow {
            row: Ok(Row {
                line,
                values: columns.iter().map(|_| Value::Text(text.into())).collect(),
            }),
            columns: Arc::clone(&columns),
        };
        lines.map(row).collect()
    }

    fn lines(texts: &TextsOfWindow) -> Vec<usize> {
        texts.rows.iter().map(|row| row.line).collect()
    }

    #[test]
    fn columns_of_the_first_window_stay() {
        let mut texts = Texts::new(Path::new("t.jsonl"), TextColumns::default());
        let first = texts.of_window(rows(&["id", "review"], 1..3, "a")).unwrap();
        assert_eq!(lines(&first), [1, 2]);
        // Another column of a usual name does not take over.
        let second = texts
            .of_window(rows(&["text", "review"], 3..4, "b"))
            .unwrap();
        assert_eq!((lines(&second), &second.rows[0].id), (vec![3], &None));
        // Rows that lack the column are bad rows, not the end.
        let third = texts.of_window(rows(&["text"], 4..5, "c")).unwrap();
        assert_eq!(
            third.bad[0].to_string(),
            "t.jsonl, line 4, field `review`: found nothing, wanted a text"
        );
    }

    #[test]
    fn rows_that_are_taken_out_stand_among_the_bad_ones_in_their_order() {
        let mut texts = Texts::new(Path::new("t.jsonl"), TextColumns::default());
        let mut window = rows(&["review"], 1..3, "a");
        window.extend(rows(&["review"], 3..4, "b"));
        window.extend(rows(&["review"], 4..5, ""));
        let mut found = texts.of_window(window).unwrap();
        texts.take_out(&mut found, |row| {
            (row.text == "b").then_some(("a b", "no b"))
        });
        assert_eq!(lines(&found), [1, 2]);
        let bad: Vec<Option<usize>> = found.bad.iter().map(|error| error.line).collect();
        assert_eq!(bad, [Some(3), Some(4)]);
        assert_eq!(
            found.bad[0].to_string(),
            "t.jsonl, line 3, field `review`: found a b, wanted no b"
        );
    }

    #[test]
    fn a_row_that_needs_more_columns_than_earlier_ones_is_read() {
        let mut texts = Texts::new(Path::new("t.jsonl"), TextColumns::default());
        let mut window = rows(&["text"], 1..2, "a");
        window.extend(rows(&["text", "extra"], 2..3, "b"));
        assert_eq!(lines(&texts.of_window(window).unwrap()), [1, 2]);
    }

    #[test]
    fn what_ends_a_stream_is_apart_from_bad_rows() {
        let mut texts = Texts::new(Path::new("t.txt"), TextColumns::default());
        let mut window = rows(&["text"], 1..2, "a");
        window.push(StreamedRow {
            columns: Arc::default(),
            row: Err(ReadError::Read {
                path: "t.txt".into(),
                source: std::io::Error::other("gone"),
            }),
        });
        let found = texts.of_window(window).unwrap();
        assert_eq!((lines(&found), found.bad.len()), (vec![1], 0));
        assert_eq!(found.end.unwrap().to_string(), "cannot read t.txt");
    }
}
