//! CSV and TSV: a header line with the names of the columns, then a row a line.
//!
//! CSV is read as RFC 4180 says: a field in quotes may hold commas, line ends and doubled quotes.
//! In the wild, TSV comes both that way and, as GLUE's files, with quotes that mean only themselves
//! and one row a line. It is read with quoting where every quote in the file fits that, unless a
//! row would span lines that are whole rows by themselves.

use std::path::Path;

use cloze_core::InputError;
use csv::{ByteRecord, ReaderBuilder};

use super::quotes::{self, Quotes};
use super::source::{LineCounter, TextSource};
use super::{Format, ReadError, Row, Table, Value};

pub(super) static CSV: Format = Format {
    name: "csv",
    extensions: &["csv"],
    read: read_csv,
};

pub(super) static TSV: Format = Format {
    name: "tsv",
    extensions: &["tsv", "tab"],
    read: read_tsv,
};

fn read_csv(path: &Path) -> Result<Table, ReadError> {
    let source = TextSource::open(path)?;
    if let Quotes::Unclosed(offset) = quotes::scan(source.body(), b',') {
        let line = source.lines().line_at(offset);
        let error = InputError::new(path, "a quote that is never closed", "a closing quote");
        return Err(error.at_line(line).into());
    }
    read(&source, b',', true)
}

fn read_tsv(path: &Path) -> Result<Table, ReadError> {
    let source = TextSource::open(path)?;
    let plain = read(&source, b'\t', false)?;
    let quotes = quotes::scan(source.body(), b'\t');
    if quotes != Quotes::WellFormed || !source.body().contains(&b'"') {
        return Ok(plain);
    }
    let quoted = read(&source, b'\t', true)?;
    let fits = if plain.rejected.is_empty() {
        quoted.rows.len() == plain.rows.len()
    } else {
        quoted.rejected.len() < plain.rejected.len()
    };
    Ok(if fits { quoted } else { plain })
}

fn read(source: &TextSource, delimiter: u8, quoting: bool) -> Result<Table, ReadError> {
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .quoting(quoting)
        .has_headers(false)
        .flexible(true)
        .from_reader(source.body());
    let mut records = Records {
        source,
        lines: source.lines(),
        start: 0,
    };
    let mut record = ByteRecord::new();
    let mut table: Option<Table> = None;
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| ReadError::io(source.path(), error.into()))?
    {
        let end = reader.position().byte() as usize;
        let row = records.next(&record, end);
        match &mut table {
            None => table = Some(header(source, row?)),
            Some(table) => match row.and_then(|row| table.checked(row)) {
                Ok((line, fields)) => table.rows.push(Row {
                    line,
                    values: fields.into_iter().map(Value::Text).collect(),
                }),
                Err(error) => table.rejected.push(error),
            },
        }
    }
    Ok(table.unwrap_or_else(|| Table::new(source.path(), Vec::new())))
}

fn header(source: &TextSource, (_, names): (usize, Vec<String>)) -> Table {
    let columns = names.iter().map(|name| name.trim().to_owned()).collect();
    Table::new(source.path(), columns)
}

impl Table {
    fn checked(&self, row: (usize, Vec<String>)) -> Result<(usize, Vec<String>), InputError> {
        let (found, wanted) = (row.1.len(), self.columns.len());
        if found == wanted {
            return Ok(row);
        }
        let fields = |number| match number {
            1 => "1 field".to_owned(),
            _ => format!("{number} fields"),
        };
        let wanted = format!("{}, as in the header", fields(wanted));
        Err(InputError::new(&self.path, fields(found), wanted).at_line(row.0))
    }
}

/// Follows where in the file the records are.
struct Records<'a> {
    source: &'a TextSource,
    lines: LineCounter<'a>,
    start: usize,
}

impl Records<'_> {
    /// The line and the fields of the record that ends at `end`.
    fn next(
        &mut self,
        record: &ByteRecord,
        end: usize,
    ) -> Result<(usize, Vec<String>), InputError> {
        // The end of the line before, and blank lines, stand before the record.
        let raw = &self.source.body()[self.start..end];
        let blank = raw
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        let start = self.start + blank;
        self.start = end;
        let line = self.lines.line_at(start);
        self.source.text(&raw[blank..], start, &self.lines)?;
        // The whole record is UTF-8, so its fields are, and nothing is replaced.
        let fields = record
            .iter()
            .map(|field| String::from_utf8_lossy(field).into_owned())
            .collect();
        Ok((line, fields))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::super::{read_table, read_table_with_rejected};
    use super::*;

    fn with_file<T>(name: &str, content: &[u8], check: impl FnOnce(&Path) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        check(&path)
    }

    fn rows(name: &str, content: &str) -> Vec<(usize, Vec<String>)> {
        let table = with_file(name, content.as_bytes(), |path| read_table(path, None)).unwrap();
        let texts = |row: Row| {
            let text = |value: &Value| value.as_text().unwrap().to_owned();
            (row.line, row.values.iter().map(text).collect())
        };
        table.rows.into_iter().map(texts).collect()
    }

    fn message(name: &str, content: &[u8]) -> String {
        with_file(name, content, |path| {
            let error = read_table(path, None).unwrap_err().to_string();
            error.replace(&format!("{}/", path.parent().unwrap().display()), "")
        })
    }

    #[test]
    fn lines_are_those_of_the_file_with_quoted_line_ends_blank_lines_and_crlf() {
        let text = "\u{feff}text,label\r\n\"a\r\nb\",1\r\n\r\nc,2\r\n\"d \"\"e\"\", f\",3";
        let expected = [
            (2, vec!["a\r\nb".into(), "1".into()]),
            (5, vec!["c".into(), "2".into()]),
            (6, vec!["d \"e\", f".into(), "3".into()]),
        ];
        assert_eq!(rows("a.csv", text), expected);
        assert_eq!(rows("a.csv", &text.replace('\r', ""))[1], expected[1]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_name() {
        let table = with_file("a.csv", b"\xEF\xBB\xBF\"text\", label\nx,1\n", |path| {
            read_table(path, None).unwrap()
        });
        assert_eq!(table.columns, ["text", "label"]);
    }

    #[test]
    fn ragged_rows_are_listed_and_can_be_left_out() {
        let text = "text,label\na,1\nb\n\"c\nc\",2,3\nd,4\n";
        assert_eq!(
            message("a.csv", text.as_bytes()),
            "a.csv: 2 of 4 rows cannot be used\n  \
             a.csv, line 3: found 1 field, wanted 2 fields, as in the header\n  \
             a.csv, line 4: found 3 fields, wanted 2 fields, as in the header"
        );
        with_file("a.csv", text.as_bytes(), |path| {
            let table = read_table_with_rejected(path, None).unwrap();
            assert_eq!(
                table.rows.iter().map(|row| row.line).collect::<Vec<_>>(),
                [2, 6]
            );
            assert_eq!(table.rejected.len(), 2);
        });
    }

    #[test]
    fn text_that_is_not_utf8_is_named_by_line_and_byte() {
        // GBK for "好" is BA C3.
        assert_eq!(
            message("a.csv", b"text,label\nok,1\n\"x\ny\xBA\xC3\",2\n"),
            "a.csv: 1 of 2 rows cannot be used\n  \
             a.csv, line 4: found the byte 0xBA, number 21 of the file, which is not UTF-8, wanted \
             UTF-8 text (a file in GB 18030 is converted by `iconv -f GB18030 -t UTF-8`)"
        );
        assert!(
            message("a.csv", b"\xBA\xC3,label\nok,1\n")
                .starts_with("a.csv, line 1: found the byte 0xBA, number 1 of the file")
        );
        assert_eq!(
            message("a.csv", b"\xFF\xFEt\0"),
            "a.csv: found UTF-16 text, wanted UTF-8 text"
        );
    }

    #[test]
    fn a_quote_that_is_never_closed_does_not_swallow_the_file() {
        assert_eq!(
            message("a.csv", b"text,label\nx,1\n\"y,2\nz,3\n"),
            "a.csv, line 3: found a quote that is never closed, wanted a closing quote"
        );
    }

    #[test]
    fn tsv_is_read_with_and_without_quoting() {
        let quoted = rows("a.tsv", "text\tlabel\n\"a \"\"b\"\"\nc\"\t1\nd\t2\n");
        assert_eq!(quoted[0], (2, vec!["a \"b\"\nc".into(), "1".into()]));
        assert_eq!(quoted[1].0, 4);
        let plain = rows("a.tsv", "text\tlabel\n\"a\" b\t1\n\"c\t2\n");
        assert_eq!(plain[0], (2, vec!["\"a\" b".into(), "1".into()]));
        assert_eq!(plain[1], (3, vec!["\"c".into(), "2".into()]));
        let by_chance = rows("a.tsv", "text\tlabel\n\"a\t1\nb\"\t2\n");
        assert_eq!(by_chance.len(), 2);
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_again(
            cells in prop::collection::vec(("[a-z,\"\t\r\n 好]{0,6}", "[a-z\"]{1,3}"), 1..8),
            delimiter in prop::sample::select(vec![(b',', "a.csv"), (b'\t', "a.tsv")]),
        ) {
            // In TSV, a tab and a line end in one text can look like two whole rows.
            let blank = if delimiter.0 == b'\t' { '\t' } else { '\0' };
            let cells: Vec<(String, String)> =
                cells.into_iter().map(|(text, label)| (text.replace(blank, " "), label)).collect();
            let mut writer = csv::WriterBuilder::new()
                .delimiter(delimiter.0)
                .quote_style(csv::QuoteStyle::Always)
                .from_writer(Vec::new());
            writer.write_record(["text", "label"]).unwrap();
            for (text, label) in &cells {
                writer.write_record([text, label]).unwrap();
            }
            let content = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let mut line = 2;
            let mut expected = Vec::new();
            for (text, label) in cells {
                let lines = text.matches('\n').count() + 1;
                expected.push((line, vec![text, label]));
                line += lines;
            }
            prop_assert_eq!(rows(delimiter.1, &content), expected);
        }
    }
}
