//! JSON: a list of objects, or one object a line (JSON lines).
//!
//! The two are told apart by their first character, not by the extension: many a `.json` file,
//! CLUE's among them, holds lines.

use std::path::Path;

use cloze_core::InputError;
use serde_json::{Deserializer, Value as Json};

use super::source::TextSource;
use super::table::ObjectTable;
use super::{Format, ReadError, Table};

pub(super) static JSON: Format = Format {
    name: "json",
    extensions: &["json"],
    read,
};

pub(super) static JSON_LINES: Format = Format {
    name: "jsonl",
    extensions: &["jsonl", "ndjson"],
    read,
};

const WANTED_LINE: &str = "one JSON object a line";

fn read(path: &Path) -> Result<Table, ReadError> {
    let source = TextSource::open(path)?;
    if source.body().trim_ascii_start().starts_with(b"[") {
        read_list(&source)
    } else {
        read_lines(&source)
    }
}

fn read_lines(source: &TextSource) -> Result<Table, ReadError> {
    let mut table = ObjectTable::new(source.path());
    let mut lines = source.lines();
    let mut offset = 0;
    for raw in source.body().split(|&byte| byte == b'\n') {
        let line = lines.line_at(offset);
        if !raw.trim_ascii().is_empty() {
            match source.text(raw, offset, &lines) {
                Err(error) => table.reject(error),
                Ok(text) => match serde_json::from_str(text) {
                    Ok(value) => table.push(line, value),
                    Err(error) => {
                        if table.is_empty() && error.is_eof() {
                            refuse_single_object(source)?;
                        }
                        table.reject(broken(source, &error, WANTED_LINE).at_line(line));
                    }
                },
            }
        }
        offset += raw.len() + 1;
    }
    Ok(table.finish())
}

/// Says so where the whole file is one object, laid out over several lines.
fn refuse_single_object(source: &TextSource) -> Result<(), InputError> {
    if serde_json::from_slice::<serde_json::Map<String, Json>>(source.body()).is_err() {
        return Ok(());
    }
    let wanted = "a list of objects, or one object a line";
    Err(InputError::new(
        source.path(),
        "a single JSON object",
        wanted,
    ))
}

fn read_list(source: &TextSource) -> Result<Table, ReadError> {
    let body = source.body();
    source.text(body, 0, &source.lines())?;
    let mut table = ObjectTable::new(source.path());
    let mut lines = source.lines();
    let mut at = after_blanks(body, 0) + 1;
    let mut first = true;
    loop {
        at = after_blanks(body, at);
        match (body.get(at), first) {
            (Some(b']'), _) => break,
            (Some(b','), false) => at = after_blanks(body, at + 1),
            (_, true) => {}
            (found, false) => {
                let line = lines.line_at(at);
                let found = found.map_or("the end of the file".into(), |&byte| {
                    format!("`{}`", char::from(byte))
                });
                let error = InputError::new(source.path(), found, "`,` or `]` of the JSON list");
                return Err(error.at_line(line).into());
            }
        }
        first = false;
        let line = lines.line_at(at);
        let mut values = Deserializer::from_slice(&body[at..]).into_iter::<Json>();
        match values.next() {
            Some(Ok(value)) => table.push(line, value),
            Some(Err(error)) => {
                let line = line + error.line().saturating_sub(1);
                let error = broken(source, &error, "a JSON object of the list");
                return Err(error.at_line(line).into());
            }
            None => {
                let error = InputError::new(source.path(), "the end of the file", "a JSON object");
                return Err(error.at_line(line).into());
            }
        }
        at += values.byte_offset();
    }
    let rest = after_blanks(body, at + 1);
    if rest < body.len() {
        let error = InputError::new(source.path(), "text after the JSON list", "nothing");
        return Err(error.at_line(lines.line_at(rest)).into());
    }
    Ok(table.finish())
}

fn after_blanks(bytes: &[u8], at: usize) -> usize {
    bytes.len() - bytes[at.min(bytes.len())..].trim_ascii_start().len()
}

fn broken(source: &TextSource, error: &serde_json::Error, wanted: &str) -> InputError {
    let message = error.to_string();
    // serde_json counts lines from where it began to read.
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = message.strip_suffix(&place).unwrap_or(&message);
    let found = format!("broken JSON ({reason} at column {})", error.column());
    InputError::new(source.path(), found, wanted)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::super::{Value, read_table, read_table_with_rejected};
    use super::*;

    fn with_file<T>(content: &[u8], check: impl FnOnce(&Path) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        fs::write(&path, content).unwrap();
        check(&path)
    }

    fn table(content: &str) -> Table {
        with_file(content.as_bytes(), |path| read_table(path, None)).unwrap()
    }

    fn message(content: &[u8]) -> String {
        with_file(content, |path| {
            let error = read_table(path, None).unwrap_err().to_string();
            error.replace(&format!("{}/", path.parent().unwrap().display()), "")
        })
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn lists_and_lines_are_told_apart_by_content() {
        let lines = "\u{feff}{\"text\": \"a\", \"label\": 1}\r\n\r\n{\"label\": 2, \"id\": 7}\r\n";
        let list = "\n[{\"text\": \"a\",\n \"label\": 1}\n,\n\n{\"label\": 2, \"id\": 7}]\n";
        for (content, lines) in [(lines, [1, 3]), (list, [2, 6])] {
            let table = table(content);
            assert_eq!(table.columns, ["text", "label", "id"]);
            let first = [text("a"), Value::Integer(1), Value::Null];
            let second = [Value::Null, Value::Integer(2), Value::Integer(7)];
            assert_eq!(table.rows[0].values, first);
            assert_eq!(table.rows[1].values, second);
            assert_eq!([table.rows[0].line, table.rows[1].line], lines);
        }
    }

    #[test]
    fn a_line_that_is_broken_or_no_object_is_listed() {
        let content = b"{\"text\": \"a\"}\n{\"text\": \"b\n[1]\n{\"text\": \"c\xBA\"}\n3\n";
        assert_eq!(
            message(content),
            "a.json: 4 of 5 rows cannot be used\n  \
             a.json, line 2: found broken JSON (EOF while parsing a string at column 11), wanted one \
             JSON object a line\n  \
             a.json, line 3: found a list of 1, wanted an object `{…}`\n  \
             a.json, line 4: found the byte 0xBA, number 42 of the file, which is not UTF-8, wanted \
             UTF-8 text (a file in GB 18030 is converted by `iconv -f GB18030 -t UTF-8`)\n  \
             a.json, line 5: found 3, wanted an object `{…}`"
        );
        let table = with_file(content, |path| read_table_with_rejected(path, None)).unwrap();
        assert_eq!((table.rows.len(), table.rejected.len()), (1, 4));
    }

    #[test]
    fn a_broken_list_is_refused_with_its_line() {
        assert_eq!(
            message(b"[\n{\"a\": 1},\n{\"a\": nul}\n]"),
            "a.json, line 3: found broken JSON (expected ident at column 10), wanted a JSON object \
             of the list"
        );
        assert_eq!(
            message(b"[{\"a\": 1}\n{\"a\": 2}]"),
            "a.json, line 2: found `{`, wanted `,` or `]` of the JSON list"
        );
        assert_eq!(
            message(b"[{\"a\": 1}\n"),
            "a.json, line 2: found the end of the file, wanted `,` or `]` of the JSON list"
        );
        assert_eq!(
            message(b"[{\"a\": 1}]\n[]"),
            "a.json, line 2: found text after the JSON list, wanted nothing"
        );
        assert!(message(b"[").ends_with("found the end of the file, wanted a JSON object"));
        assert!(message(b"[{\"a\": \"\xBA\"}]").contains("the byte 0xBA, number 9 of the file"));
    }

    #[test]
    fn one_object_over_many_lines_is_no_table() {
        assert_eq!(
            message(b"{\n\"data\": [\n{\"text\": \"a\"}\n]\n}\n"),
            "a.json: found a single JSON object, wanted a list of objects, or one object a line"
        );
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_again(
            cells in prop::collection::vec((".{0,6}", any::<i64>()), 1..8),
            as_list in any::<bool>(),
            pretty in any::<bool>(),
        ) {
            let objects: Vec<Json> = cells
                .iter()
                .map(|(text, label)| serde_json::json!({"text": text, "label": label}))
                .collect();
            let content = match (as_list, pretty) {
                (true, true) => serde_json::to_string_pretty(&objects).unwrap(),
                (true, false) => serde_json::to_string(&objects).unwrap(),
                (false, _) => objects.iter().map(|object| format!("{object}\n")).collect(),
            };
            let read: Vec<Vec<Value>> =
                table(&content).rows.into_iter().map(|row| row.values).collect();
            let expected: Vec<Vec<Value>> = cells
                .into_iter()
                .map(|(text, label)| vec![Value::Text(text), Value::Integer(label)])
                .collect();
            prop_assert_eq!(read, expected);
        }
    }
}
