//! Tables whose rows hold a list of words and a list of tags: JSON, JSON lines, Parquet.

use std::path::Path;

use super::{TaggedFormat, WordTable};
use crate::readers::{ReadError, read_table_with_rejected};

pub(super) static JSON_LINES: TaggedFormat = TaggedFormat {
    name: "jsonl",
    extensions: &["json", "jsonl", "ndjson"],
    read,
};

pub(super) static PARQUET: TaggedFormat = TaggedFormat {
    name: "parquet",
    extensions: &["parquet"],
    read,
};

fn read(path: &Path) -> Result<WordTable, ReadError> {
    Ok(WordTable {
        table: read_table_with_rejected(path, None)?,
        word_lines: Vec::new(),
        numbered: false,
    })
}
