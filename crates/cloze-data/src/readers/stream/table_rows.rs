//! The rows of a file as a table has them, every row with a value for each column, but one after
//! another.
//!
//! CSV, JSON lines and Parquet come row by row. A TSV file comes so where quotes can mean nothing in it,
//! that is, where it has none or some that are not well formed. Anything else is read as a whole: a JSON
//! list, other TSV files, CSV with blank lines, and files of which something is wrong as a whole, so that
//! the same is said of it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::{Source, delimited, json_lines, open, parquet, tables};
use crate::readers::quotes::{QuoteScan, Quotes};
use crate::readers::{Format, ReadError, Row, Table, Value, parquet_class_names_of};

/// The rows of a table, one after another.
pub(crate) struct TableRows {
    /// The table without its rows.
    pub(crate) head: Table,
    rows: super::RowStream,
}

impl TableRows {
    /// Opens a file. Without a format the extension tells it.
    ///
    /// # Errors
    /// As [`read_table`](crate::readers::read_table), as far as they are about the file as a whole.
    pub(crate) fn open(path: &Path, format: Option<&'static Format>) -> Result<Self, ReadError> {
        let format = format.map_or_else(|| Format::of_file(path), Ok)?;
        let streamed = match format.name {
            _ if !path.is_file() => Ok(None),
            "csv" => Self::delimited(path, b','),
            "tsv" => Self::delimited(path, b'\t'),
            "json" | "jsonl" => Self::json_lines(path),
            "parquet" => Self::parquet(path),
            _ => Ok(None),
        };
        match streamed {
            Ok(Some(rows)) => Ok(rows),
            // What is wrong is said of the whole file.
            Ok(None) | Err(_) => Self::whole(path, format),
        }
    }

    fn whole(path: &Path, format: &'static Format) -> Result<Self, ReadError> {
        let table = crate::readers::read_table_with_rejected(path, Some(format))?;
        let head = Table {
            rows: Vec::new(),
            rejected: Vec::new(),
            path: table.path.clone(),
            columns: table.columns.clone(),
            class_names: table.class_names.clone(),
        };
        let rows = tables::rows(table);
        Ok(Self { head, rows })
    }

    /// `None` for a file that has to be read as a whole.
    fn delimited(path: &Path, delimiter: u8) -> Result<Option<Self>, ReadError> {
        let found = look_through(path, delimiter).map_err(|source| ReadError::io(path, source))?;
        let dialect = match found {
            Some(Delimited {
                quotes: Quotes::WellFormed | Quotes::Loose,
                ..
            }) if delimiter == b',' => delimited::CSV,
            Some(found) if delimiter == b'\t' && !found.may_mean_quotes() => delimited::TSV,
            _ => return Ok(None),
        };
        let input = BufReader::with_capacity(1 << 16, open_file(path)?);
        let mut rows = delimited::read(path, Box::new(input), dialect)?.peekable();
        let Some(first) = rows.peek() else {
            return Ok(None);
        };
        let head = Table::new(path, first.columns.to_vec());
        Ok(Some(Self {
            head,
            rows: Box::new(rows),
        }))
    }

    /// The file is read twice: an object may have keys that no earlier one has.
    fn json_lines(path: &Path) -> Result<Option<Self>, ReadError> {
        let mut input = BufReader::with_capacity(1 << 16, open_file(path)?);
        let read_error = |source| ReadError::io(path, source);
        if super::begins_a_list(&mut input).map_err(read_error)? {
            return Ok(None);
        }
        let mut columns = None;
        for row in json_lines::read(path, Box::new(input)) {
            if row.row.is_ok() {
                columns = Some(row.columns);
            }
        }
        let Some(columns) = columns else {
            return Ok(None);
        };
        let head = Table::new(path, columns.to_vec());
        let rows = open(&Source::File(path.into()), Format::from_name("jsonl"))?;
        Ok(Some(Self { head, rows }))
    }

    fn parquet(path: &Path) -> Result<Option<Self>, ReadError> {
        let (columns, class_names) = parquet_class_names_of(path)?;
        let mut head = Table::new(path, columns);
        head.class_names = class_names;
        let rows = parquet::read(path)?;
        Ok(Some(Self { head, rows }))
    }
}

/// Rows, and what is wrong with those that cannot be read. [`ReadError::Input`] is about one row, others
/// end the rows.
impl Iterator for TableRows {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?.row;
        Some(row.map(|mut row| {
            row.values.resize(self.head.columns.len(), Value::Null);
            row
        }))
    }
}

fn open_file(path: &Path) -> Result<File, ReadError> {
    File::open(path).map_err(|source| ReadError::io(path, source))
}

/// What a delimited file looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Delimited {
    quotes: Quotes,
    has_quotes: bool,
}

impl Delimited {
    /// Whether it depends on the rows what the quotes mean.
    fn may_mean_quotes(self) -> bool {
        self.has_quotes && self.quotes == Quotes::WellFormed
    }
}

/// Looks through a file piece by piece. `None` where it is not to be streamed: it is empty or of other
/// text than UTF-8, or blank lines stand among its rows or lines end in different ways, so that the lines
/// of rows would not be known.
fn look_through(path: &Path, delimiter: u8) -> std::io::Result<Option<Delimited>> {
    let mut input = BufReader::with_capacity(1 << 16, File::open(path)?);
    let start = input.fill_buf()?;
    if start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]) {
        return Ok(None);
    }
    let mark = if start.starts_with(super::BYTE_ORDER_MARK) {
        super::BYTE_ORDER_MARK.len()
    } else {
        0
    };
    input.consume(mark);
    let mut scan = QuoteScan::new(delimiter);
    let (mut blank, mut has_quotes) = (true, false);
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        blank &= bytes.trim_ascii().is_empty();
        has_quotes |= bytes.contains(&b'"');
        bytes.iter().for_each(|&byte| scan.see(byte));
        let length = bytes.len();
        input.consume(length);
    }
    let is_uncounted = scan.has_blank_lines() || scan.ends_differ();
    let quotes = scan.finish();
    let usable = !blank && !is_uncounted && !matches!(quotes, Quotes::Unclosed(_));
    // In TSV a quote that is never closed means itself.
    let usable = usable || (delimiter == b'\t' && !blank && !is_uncounted);
    Ok(usable.then_some(Delimited { quotes, has_quotes }))
}
