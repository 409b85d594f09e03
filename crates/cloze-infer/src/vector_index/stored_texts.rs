use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use cloze_core::InputError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::InferError;

/// A text of an index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexedText {
    /// What identifies it in the file that it came from, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
    /// The text, without any prompt.
    pub text: String,
}

/// The texts in these rows, in their order. The file is read as far as the last of them.
pub(super) fn read(path: &Path, rows: &[usize]) -> Result<Vec<IndexedText>, InferError> {
    let mut wanted: Vec<usize> = rows.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let mut found = HashMap::new();
    let file = File::open(path).map_err(InferError::read(path))?;
    let mut lines = BufReader::with_capacity(1 << 16, file);
    let (mut line, mut next) = (Vec::new(), 0);
    for row in wanted {
        while next <= row {
            line.clear();
            let bytes = lines.read_until(b'\n', &mut line);
            if bytes.map_err(InferError::read(path))? == 0 {
                let found = format!("{next} lines");
                let wanted = format!("a line for every vector, number {} too", row + 1);
                return Err(InputError::new(path, found, wanted).into());
            }
            next += 1;
        }
        let text: IndexedText = serde_json::from_slice(&line).map_err(|error| {
            InputError::new(
                path,
                format!("what does not fit ({error})"),
                "a text of an index",
            )
            .at_line(row + 1)
        })?;
        found.insert(row, text);
    }
    Ok(rows.iter().map(|row| found[row].clone()).collect())
}
