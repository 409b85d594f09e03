//! Tables whose rows hold a list of words and a list of tags: JSON, JSON lines, Parquet.

use std::path::Path;

use super::{TaggedFormat, WordRows, WordTable};
use crate::readers::stream::TableRows;
use crate::readers::{ReadError, read_table_with_rejected};

pub(super) static JSON_LINES: TaggedFormat = TaggedFormat {
    name: "jsonl",
    extensions: &["json", "jsonl", "ndjson"],
    read,
    rows,
};

pub(super) static PARQUET: TaggedFormat = TaggedFormat {
    name: "parquet",
    extensions: &["parquet"],
    read,
    rows,
};

fn read(path: &Path) -> Result<WordTable, ReadError> {
    Ok(WordTable {
        table: read_table_with_rejected(path, None)?,
        word_lines: Vec::new(),
        numbered: false,
    })
}

fn rows(path: &Path) -> Result<WordRows<'_>, ReadError> {
    let rows = TableRows::open(path, None)?;
    Ok(WordRows {
        head: rows.head.clone(),
        numbered: false,
        rows: Box::new(rows.map(|row| Ok((row?, Vec::new())))),
    })
}
