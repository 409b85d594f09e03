use std::path::Path;
use std::sync::Arc;

use super::{RowStream, StreamedRow};
use crate::readers::{Format, ReadError, Table, read_table_with_rejected};

/// A file that is read as a whole, then row by row.
pub(super) fn read(path: &Path, format: &Format) -> Result<RowStream, ReadError> {
    Ok(rows(read_table_with_rejected(path, Some(format))?))
}

/// The rows of a table, those that were rejected among them.
pub(super) fn rows(table: Table) -> RowStream {
    let columns = Arc::new(table.columns);
    let rejected = table
        .rejected
        .into_iter()
        .map(|error| (error.line, Err(error.into())));
    let rows = table.rows.into_iter().map(|row| (Some(row.line), Ok(row)));
    let mut rows: Vec<_> = rows.chain(rejected).collect();
    rows.sort_by_key(|(line, _)| *line);
    Box::new(rows.into_iter().map(move |(_, row)| StreamedRow {
        columns: Arc::clone(&columns),
        row,
    }))
}
