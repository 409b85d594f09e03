use std::path::Path;
use std::sync::Arc;

use super::{Input, StreamedRow, line_error};
use crate::readers::{Row, Value};
use crate::tokenizer::TextLines;

/// Plain text: a row a line, in one column that is called `text`.
pub(super) fn read(path: &Path, input: Input) -> impl Iterator<Item = StreamedRow> + use<> {
    let columns = Arc::new(vec!["text".to_owned()]);
    TextLines::new(path, input)
        .enumerate()
        .map(move |(index, text)| StreamedRow {
            columns: Arc::clone(&columns),
            row: text.map_err(line_error).map(|text| Row {
                line: index + 1,
                values: vec![Value::Text(text)],
            }),
        })
}
