//! Rows of a table back into a file.

use std::io::{self, Write};
use std::path::Path;

use cloze_core::output::write_file;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::readers::{Format, Row, Table, Value};

/// What rows are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormat {
    /// With a comma or a tab between the fields, and a header.
    Delimited(u8),
    /// One object a line.
    JsonLines,
    /// The text alone, one a line.
    Lines,
}

impl RowFormat {
    /// The format that is closest to the one that rows were read from, and keeps every value.
    pub fn like(format: &Format) -> Self {
        match format.name {
            "csv" => Self::Delimited(b','),
            "tsv" => Self::Delimited(b'\t'),
            "txt" => Self::Lines,
            _ => Self::JsonLines,
        }
    }

    /// The extension of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Delimited(b'\t') => "tsv",
            Self::Delimited(_) => "csv",
            Self::JsonLines => "jsonl",
            Self::Lines => "txt",
        }
    }
}

/// Writes rows of a table, given by their numbers. The file appears whole or not at all.
///
/// # Errors
/// If the file cannot be written.
///
/// # Panics
/// If the table has no row of such a number.
pub fn write_rows(path: &Path, format: RowFormat, table: &Table, rows: &[usize]) -> io::Result<()> {
    let rows = rows.iter().map(|&row| &table.rows[row]);
    write_file(path, |out| match format {
        RowFormat::Delimited(delimiter) => write_delimited(out, delimiter, &table.columns, rows),
        RowFormat::JsonLines => write_json_lines(out, &table.columns, rows),
        RowFormat::Lines => write_lines(out, rows),
    })
}

fn write_delimited<'a>(
    out: &mut dyn Write,
    delimiter: u8,
    columns: &[String],
    rows: impl Iterator<Item = &'a Row>,
) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .from_writer(out);
    writer.write_record(columns)?;
    for row in rows {
        writer.write_record(row.values.iter().map(|value| value.as_text().unwrap_or("")))?;
    }
    writer.flush()
}

fn write_json_lines<'a>(
    out: &mut dyn Write,
    columns: &[String],
    rows: impl Iterator<Item = &'a Row>,
) -> io::Result<()> {
    for row in rows {
        let values = &row.values;
        serde_json::to_writer(&mut *out, &Object { columns, values })?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn write_lines<'a>(out: &mut dyn Write, rows: impl Iterator<Item = &'a Row>) -> io::Result<()> {
    for row in rows {
        let text = row.values.first().and_then(Value::as_text).unwrap_or("");
        writeln!(out, "{text}")?;
    }
    Ok(())
}

/// The values of a row under the names of their columns; absent ones are left out.
struct Object<'a> {
    columns: &'a [String],
    values: &'a [Value],
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.columns.iter().zip(self.values) {
            if *value != Value::Null {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::readers::read_table;

    fn round_trip(name: &str, content: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let table = read_table(&path, None).unwrap();
        let format = RowFormat::like(Format::of_file(&path).unwrap());
        let out = folder.path().join(format!("out.{}", format.extension()));
        write_rows(&out, format, &table, &[1, 0]).unwrap();
        let again = read_table(&out, None).unwrap();
        let values = |table: &Table, row: usize| table.rows[row].values.clone();
        assert_eq!(values(&again, 0), values(&table, 1));
        assert_eq!(values(&again, 1), values(&table, 0));
        fs::read_to_string(out).unwrap()
    }

    #[test]
    fn rows_are_read_again_as_they_were() {
        assert_eq!(
            round_trip("a.csv", "text,label\n\"a, \"\"b\"\"\n\",1\n好,\n"),
            "text,label\n好,\n\"a, \"\"b\"\"\n\",1\n"
        );
        assert_eq!(
            round_trip("a.tsv", "text\tlabel\na, b\t1\nc\t2\n"),
            "text\tlabel\nc\t2\na, b\t1\n"
        );
        assert_eq!(
            round_trip(
                "a.jsonl",
                "{\"text\":\"a\",\"n\":[1,2.5]}\n{\"text\":\"b\",\"n\":null}\n"
            ),
            "{\"text\":\"b\"}\n{\"text\":\"a\",\"n\":[1,2.5]}\n"
        );
        assert_eq!(round_trip("a.txt", "好\nb\n"), "b\n好\n");
    }
}
