//! Rows of a file or of standard input, as they come, with flat memory.
//!
//! CSV, JSON lines, Parquet and plain text are read a row at a time. A JSON list and a TSV file (which
//! has to be seen whole to know what its quotes mean) are read first.

mod corpus_texts;
mod delimited;
mod json_lines;
mod lines;
mod parquet;
mod table_rows;
mod tables;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloze_core::InputError;

use crate::readers::{Format, ReadError, Row};
use crate::tokenizer::TokenizerError;

pub use corpus_texts::{CorpusTexts, SkippedTexts};
pub(crate) use table_rows::TableRows;

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input.
    StandardInput,
}

/// What error messages call standard input.
pub const STANDARD_INPUT: &str = "standard input";

/// One row with the names of its values, or what is wrong with it.
#[derive(Debug)]
pub struct StreamedRow {
    /// Names of the values. Rows of JSON lines may have names that earlier ones had not.
    pub columns: Arc<Vec<String>>,
    /// The row. [`ReadError::Input`] is about this row alone, others end the stream.
    pub row: Result<Row, ReadError>,
}

/// Rows as they come.
pub type RowStream = Box<dyn Iterator<Item = StreamedRow> + Send>;

type Input = Box<dyn BufRead + Send>;

/// How a format is read.
#[derive(Clone, Copy)]
enum Reading {
    Lines,
    Delimited(delimited::Dialect),
    JsonLines,
    Whole,
}

/// Opens a file or standard input. Without a format, the extension of the file tells it, and
/// standard input is plain text.
///
/// # Errors
/// If the file cannot be opened, its format is unknown, or standard input is said to have a format
/// that has to be read whole.
pub fn open(source: &Source, format: Option<&'static Format>) -> Result<RowStream, ReadError> {
    match source {
        Source::File(path) => open_file(path, format),
        Source::StandardInput => {
            let path = Path::new(STANDARD_INPUT);
            let reading = match format.map_or("txt", |format| format.name) {
                "txt" => Reading::Lines,
                "csv" => Reading::Delimited(delimited::CSV),
                "tsv" => Reading::Delimited(delimited::TSV),
                "jsonl" => Reading::JsonLines,
                other => {
                    let found = format!("the format {other}, which has to be read whole");
                    let wanted = "txt, csv, tsv or jsonl";
                    return Err(InputError::new(path, found, wanted).into());
                }
            };
            stream(path, Box::new(BufReader::new(io::stdin())), reading)
        }
    }
}

fn open_file(path: &Path, format: Option<&'static Format>) -> Result<RowStream, ReadError> {
    let format = format.map_or_else(|| Format::of_file(path), Ok)?;
    let read_error = |source| ReadError::Read {
        path: path.into(),
        source,
    };
    let file = File::open(path).map_err(read_error)?;
    if file.metadata().map_err(read_error)?.is_dir() {
        return Err(InputError::new(path, "a folder", "a data file").into());
    }
    if format.name == "parquet" {
        return parquet::read(path);
    }
    let mut input = BufReader::with_capacity(1 << 16, file);
    let reading = match format.name {
        "txt" => Reading::Lines,
        "csv" => Reading::Delimited(delimited::CSV),
        "json" | "jsonl" if !begins_a_list(&mut input).map_err(read_error)? => Reading::JsonLines,
        _ => Reading::Whole,
    };
    match reading {
        Reading::Whole => tables::read(path, format),
        reading => stream(path, Box::new(input), reading),
    }
}

fn stream(path: &Path, input: Input, reading: Reading) -> Result<RowStream, ReadError> {
    Ok(match reading {
        Reading::Delimited(dialect) => Box::new(delimited::read(path, input, dialect)?),
        Reading::JsonLines => Box::new(json_lines::read(path, input)),
        Reading::Lines | Reading::Whole => Box::new(lines::read(path, input)),
    })
}

/// Whether the first character is `[`, blanks aside.
fn begins_a_list(input: &mut impl BufRead) -> io::Result<bool> {
    let start = input.fill_buf()?;
    let start = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start);
    Ok(start.trim_ascii_start().starts_with(b"["))
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A line that is not UTF-8 is wrong by itself; anything else ends the stream.
pub(crate) fn line_error(error: TokenizerError) -> ReadError {
    match error {
        TokenizerError::Input(error) => error.into(),
        TokenizerError::Read { path, source } => ReadError::Read { path, source },
        other => ReadError::Read {
            path: STANDARD_INPUT.into(),
            source: io::Error::other(other),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// What each row is, or what is wrong with it.
    fn read(name: &str, content: impl AsRef<[u8]>) -> Vec<Result<(usize, String), String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let prefix = format!("{}/", folder.path().display());
        let rows = open(&Source::File(path), None).unwrap();
        rows.map(|StreamedRow { columns, row }| match row {
            Ok(row) => {
                let values = columns.iter().zip(&row.values);
                let values = values.map(|(name, value)| format!("{name}={}", value.describe()));
                Ok((row.line, values.collect::<Vec<_>>().join(" ")))
            }
            Err(error) => Err(error.to_string().replace(&prefix, "")),
        })
        .collect()
    }

    fn row(line: usize, values: &str) -> Result<(usize, String), String> {
        Ok((line, values.into()))
    }

    #[test]
    fn formats_are_told_apart_by_name_and_content() {
        let texts = [row(2, r#"id="1" text="a""#), row(3, r#"id="2" text="b""#)];
        assert_eq!(read("t.csv", "id,text\n1,a\n2,b\n"), texts);
        assert_eq!(read("t.tsv", "id\ttext\n1\ta\n2\tb\n"), texts);
        assert_eq!(
            read("t.txt", "\u{feff}a\nb"),
            [row(1, r#"text="a""#), row(2, r#"text="b""#)]
        );
        let objects = [row(1, r#"text="a""#), row(2, r#"text="b""#)];
        assert_eq!(
            read("t.jsonl", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n"),
            objects
        );
        assert_eq!(
            read("t.json", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n"),
            objects
        );
        assert_eq!(
            read("t.json", " [{\"text\": \"a\"},\n{\"text\": \"b\"}]"),
            objects
        );
    }

    #[test]
    fn quoted_fields_span_lines_and_lines_are_counted() {
        assert_eq!(
            read("t.csv", "\u{feff}text,n\n\"a\n\"\"b\"\"\",1\nc,2\n"),
            [
                row(2, r#"text="a\n"b"" n="1""#),
                row(4, r#"text="c" n="2""#)
            ]
        );
    }

    #[test]
    fn lines_are_counted_whatever_ends_them() {
        let text = "text,n\n\"a\nb\",1\nc\nd,2\n";
        let lines = |text: &str| {
            let rows = read("t.csv", text).into_iter();
            rows.map(|row| row.map(|(line, _)| line))
                .collect::<Vec<_>>()
        };
        let expected = lines(text);
        assert_eq!((expected[0].clone(), expected[2].clone()), (Ok(2), Ok(5)));
        assert_eq!(lines(&text.replace('\n', "\r\n")), expected);
    }

    #[test]
    fn a_bad_row_is_named_and_the_next_one_read() {
        assert_eq!(
            read("t.csv", b"text,n\na\n\xB2\xEE,1\nb,2\n"),
            [
                Err("t.csv, line 2: found 1 field, wanted 2 fields, as in the header".into()),
                Err(
                    "t.csv, line 3: found the byte 0xB2, which is not UTF-8, wanted UTF-8 text"
                        .into()
                ),
                row(4, r#"text="b" n="2""#),
            ]
        );
        assert_eq!(
            read("t.jsonl", "{\"text\": \n\n[1]\n{\"text\": \"a\"}"),
            [
                Err(
                    "t.jsonl, line 1: found broken JSON (EOF while parsing a value at column 9), \
                     wanted one JSON object a line"
                        .into()
                ),
                Err("t.jsonl, line 3: found a list of 1, wanted an object `{…}`".into()),
                row(4, r#"text="a""#),
            ]
        );
    }

    #[test]
    fn standard_input_has_no_format_that_is_read_whole() {
        let error = open(&Source::StandardInput, Format::from_name("parquet"))
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "standard input: found the format parquet, which has to be read whole, wanted txt, csv, \
             tsv or jsonl"
        );
    }
}
