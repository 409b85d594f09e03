use std::io;
use std::path::Path;
use std::sync::Arc;

use cloze_core::InputError;

use super::{RowStream, StreamedRow};
use crate::readers::ReadError;
use crate::readers::parquet::{RecordError, Records};

/// A Parquet file, row by row. Where it turns out to be broken, the rows end.
pub(super) fn read(path: &Path) -> Result<RowStream, ReadError> {
    let records = Records::open(path)?;
    if records.is_empty() {
        return Err(InputError::new(path, "no rows", "at least one row of data").into());
    }
    let columns = Arc::new(records.columns().to_vec());
    let path = path.to_owned();
    let mut broken = false;
    let rows = records.map_while(move |row| {
        if broken {
            return None;
        }
        let row = row.map_err(|error| match error {
            RecordError::Row(error) => error.into(),
            RecordError::File(error) => {
                broken = true;
                ReadError::io(&path, io::Error::other(error))
            }
        });
        Some(StreamedRow {
            columns: Arc::clone(&columns),
            row,
        })
    });
    Ok(Box::new(rows))
}
