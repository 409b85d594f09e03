use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloze_core::InputError;
use csv::{ByteRecord, Reader, ReaderBuilder};

use super::{BYTE_ORDER_MARK, Input, StreamedRow};
use crate::readers::{ReadError, Row, Value};

/// How fields are set apart.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    delimiter: u8,
    quoting: bool,
}

pub(super) const CSV: Dialect = Dialect {
    delimiter: b',',
    quoting: true,
};

/// A stream of TSV cannot be looked through for what its quotes mean; mostly they mean nothing.
pub(super) const TSV: Dialect = Dialect {
    delimiter: b'\t',
    quoting: false,
};

/// A header line with the names of the columns, then a row a line.
pub(super) fn read(
    path: &Path,
    mut input: Input,
    dialect: Dialect,
) -> Result<impl Iterator<Item = StreamedRow> + use<>, ReadError> {
    let read_error = |source| ReadError::Read {
        path: path.into(),
        source,
    };
    if input
        .fill_buf()
        .map_err(read_error)?
        .starts_with(BYTE_ORDER_MARK)
    {
        input.consume(BYTE_ORDER_MARK.len());
    }
    let ends_in_two = ends_in_two(input.fill_buf().map_err(read_error)?);
    let reader = ReaderBuilder::new()
        .delimiter(dialect.delimiter)
        .quoting(dialect.quoting)
        .has_headers(false)
        .flexible(true)
        .from_reader(input);
    let mut records = Records {
        path: path.into(),
        reader,
        record: ByteRecord::new(),
        pending: 0,
    };
    let header = match records.next() {
        Some(record) => record?.1,
        None => return Err(InputError::new(path, "an empty file", "rows of data").into()),
    };
    // A record is read up to the carriage return: the line feed stands before the next one.
    records.pending = usize::from(ends_in_two);
    let columns: Arc<Vec<String>> =
        Arc::new(header.iter().map(|name| name.trim().to_owned()).collect());
    let path = path.to_owned();
    Ok(records.map(move |record| StreamedRow {
        columns: Arc::clone(&columns),
        row: record.and_then(|record| Ok(row(&path, record, columns.len())?)),
    }))
}

fn row(path: &Path, (line, fields): (usize, Vec<String>), width: usize) -> Result<Row, InputError> {
    if fields.len() == width {
        let values = fields.into_iter().map(Value::Text).collect();
        return Ok(Row { line, values });
    }
    let count = |number| match number {
        1 => "1 field".to_owned(),
        _ => format!("{number} fields"),
    };
    let wanted = format!("{}, as in the header", count(width));
    Err(InputError::new(path, count(fields.len()), wanted).at_line(line))
}

/// Whether lines end in a carriage return and a line feed, as the first one does.
fn ends_in_two(start: &[u8]) -> bool {
    let end = start.iter().position(|&byte| byte == b'\n');
    end.is_some_and(|end| end > 0 && start[end - 1] == b'\r')
}

/// Lines and fields of the records.
struct Records {
    path: PathBuf,
    reader: Reader<Input>,
    record: ByteRecord,
    /// Line ends that stand before a record and belong to the one before.
    pending: usize,
}

impl Iterator for Records {
    type Item = Result<(usize, Vec<String>), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => Some(self.fields().map_err(ReadError::from)),
            Err(error) => Some(Err(ReadError::Read {
                path: self.path.clone(),
                source: error.into(),
            })),
        }
    }
}

impl Records {
    fn fields(&self) -> Result<(usize, Vec<String>), InputError> {
        let line = self
            .record
            .position()
            .map_or(0, |position| position.line() as usize + self.pending);
        let text = |field: &[u8]| match std::str::from_utf8(field) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => {
                let found = format!(
                    "the byte 0x{:02X}, which is not UTF-8",
                    field[error.valid_up_to()]
                );
                Err(InputError::new(&self.path, found, "UTF-8 text").at_line(line))
            }
        };
        let fields = self.record.iter().map(text).collect::<Result<_, _>>()?;
        Ok((line, fields))
    }
}
