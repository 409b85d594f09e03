//! `word/tag` text: a sentence a line, blanks between the words, each with its tag behind the last
//! slash. Empty lines are left out.

use std::path::Path;

use cloze_core::InputError;

use super::{TaggedFormat, WordRows, WordTable};
use crate::readers::source::TextSource;
use crate::readers::{ReadError, Row, Table, Value, quote};

pub(super) static WORD_SLASH_TAG: TaggedFormat = TaggedFormat {
    name: "word/tag",
    extensions: &["pos", "tagged"],
    read,
    rows,
};

const WANTED: &str = "`word/tag`";

/// Whether the first line with text consists of words with tags.
pub(super) fn is_in(path: &Path) -> Result<bool, ReadError> {
    let mut lines = super::columns::lines(path)?;
    let first = lines.find(|line| !line.as_ref().is_ok_and(|line| line.trim().is_empty()));
    Ok(match first {
        Some(Ok(line)) => line.split_whitespace().all(|item| parts(item).is_some()),
        // What is wrong with it is said when it is read.
        Some(Err(_)) | None => false,
    })
}

/// A word and its tag.
fn parts(item: &str) -> Option<(&str, &str)> {
    item.rsplit_once('/')
        .filter(|(word, tag)| !word.is_empty() && !tag.is_empty())
}

fn read(path: &Path) -> Result<WordTable, ReadError> {
    let source = TextSource::open(path)?;
    let columns = vec!["words".to_owned(), "tags".to_owned()];
    let mut table = Table::new(path, columns);
    let mut counter = source.lines();
    let mut offset = 0;
    for raw in source.body().split(|&byte| byte == b'\n') {
        let line = counter.line_at(offset);
        match source.text(raw, offset, &counter) {
            Ok(text) => match sentence(path, text) {
                Ok(Some(values)) => table.rows.push(Row { line, values }),
                Ok(None) => (),
                Err(error) => table.rejected.push(error.at_line(line)),
            },
            Err(error) => table.rejected.push(error),
        }
        offset += raw.len() + 1;
    }
    Ok(WordTable {
        table,
        word_lines: Vec::new(),
        numbered: false,
    })
}

fn rows(path: &Path) -> Result<WordRows<'_>, ReadError> {
    let lines = super::columns::lines(path)?.enumerate();
    let rows = lines.filter_map(move |(index, text)| {
        let line = index + 1;
        match text.and_then(|text| Ok(sentence(path, &text).map_err(|error| error.at_line(line))?))
        {
            Ok(Some(values)) => Some(Ok((Row { line, values }, Vec::new()))),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    });
    Ok(WordRows {
        head: Table::new(path, vec!["words".to_owned(), "tags".to_owned()]),
        numbered: false,
        rows: Box::new(rows),
    })
}

fn sentence(path: &Path, text: &str) -> Result<Option<Vec<Value>>, InputError> {
    let (mut words, mut tags) = (Vec::new(), Vec::new());
    for (number, item) in text.split_whitespace().enumerate() {
        let Some((word, tag)) = parts(item) else {
            let found = format!("{} as item {}", quote(item), number + 1);
            return Err(InputError::new(path, found, WANTED));
        };
        words.push(Value::Text(word.into()));
        tags.push(Value::Text(tag.into()));
    }
    let values = vec![Value::List(words), Value::List(tags)];
    Ok((values[0] != Value::List(Vec::new())).then_some(values))
}
