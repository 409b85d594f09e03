use std::path::{Path, PathBuf};

use cloze_core::InputError;
use cloze_data::readers::{
    FoundColumns, LabelledText, Labels, ReadError, Table, TextColumns, TextReadOptions,
    labelled_texts,
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
            row.values
                .resize(table.columns.len(), cloze_data::readers::Value::Null);
        }
        self.take(table, &mut texts)?;
        Ok(texts)
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
                    row.values.push(cloze_data::readers::Value::Null);
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
            bad_rows: cloze_data::readers::BadRows::Skip,
            format: None,
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
