use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloze_core::InputError;
use serde_json::Value as Json;

use super::{Input, StreamedRow, line_error};
use crate::readers::{ReadError, Row, Value};
use crate::tokenizer::TextLines;

/// One JSON object a line; blank lines are left out.
pub(super) fn read(path: &Path, input: Input) -> impl Iterator<Item = StreamedRow> + use<> {
    let mut objects = Objects {
        path: path.into(),
        columns: Arc::default(),
        places: HashMap::new(),
    };
    TextLines::new(path, input)
        .enumerate()
        .filter_map(move |(index, text)| {
            let row = match text {
                Ok(text) if text.trim().is_empty() => return None,
                Ok(text) => objects.row(&text, index + 1).map_err(ReadError::from),
                Err(error) => Err(line_error(error)),
            };
            Some(StreamedRow {
                columns: Arc::clone(&objects.columns),
                row,
            })
        })
}

/// The keys seen so far.
struct Objects {
    path: PathBuf,
    columns: Arc<Vec<String>>,
    places: HashMap<String, usize>,
}

impl Objects {
    fn row(&mut self, text: &str, line: usize) -> Result<Row, InputError> {
        let object = match serde_json::from_str(text) {
            Ok(Json::Object(object)) => object,
            Ok(other) => {
                let found = Value::from(other).describe();
                return Err(self.error(found, "an object `{…}`", line));
            }
            Err(error) => {
                let message = error.to_string();
                let reason = message.split(" at line ").next().unwrap_or_default();
                let found = format!("broken JSON ({reason} at column {})", error.column());
                return Err(self.error(found, "one JSON object a line", line));
            }
        };
        let mut values = vec![Value::Null; self.columns.len()];
        for (key, value) in object {
            let place = self.place(key);
            values.resize(self.columns.len(), Value::Null);
            values[place] = value.into();
        }
        Ok(Row { line, values })
    }

    fn place(&mut self, key: String) -> usize {
        if let Some(&place) = self.places.get(&key) {
            return place;
        }
        let place = self.columns.len();
        Arc::make_mut(&mut self.columns).push(key.clone());
        self.places.insert(key, place);
        place
    }

    fn error(&self, found: String, wanted: &str, line: usize) -> InputError {
        InputError::new(&self.path, found, wanted).at_line(line)
    }
}
