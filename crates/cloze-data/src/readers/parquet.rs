//! Parquet, as the Hugging Face Hub ships data sets: class ids become the names that `datasets`
//! keeps in the metadata.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloze_core::InputError;
use parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row as Record};
use parquet::schema::types::{ColumnDescriptor, Type};
use serde_json::Value as Json;

use super::parquet_class_names::{ClassNames, METADATA_KEY};
use super::{Format, ReadError, Row, Table, Value};

pub(super) static PARQUET: Format = Format {
    name: "parquet",
    extensions: &["parquet"],
    read,
};

fn read(path: &Path) -> Result<Table, ReadError> {
    let records = Records::open(path)?;
    let mut table = Table::new(path, records.columns.clone());
    for (column, classes) in table.columns.iter().zip(&records.class_names) {
        if let Some(classes) = classes {
            table
                .class_names
                .insert(column.clone(), classes.names().into());
        }
    }
    for row in records {
        match row {
            Ok(row) => table.rows.push(row),
            Err(RecordError::Row(error)) => table.rejected.push(error),
            Err(RecordError::File(error)) => return Err(error.into()),
        }
    }
    Ok(table)
}

/// By column the names of its classes.
pub(crate) type NamesByColumn = BTreeMap<String, Vec<String>>;

/// The columns of a file, and the names of their classes, where the file has them.
pub(crate) fn class_names_of(path: &Path) -> Result<(Vec<String>, NamesByColumn), ReadError> {
    let records = Records::open(path)?;
    let columns = records.columns.iter().zip(&records.class_names);
    let names = columns.filter_map(|(column, classes)| {
        let classes = classes.as_ref()?;
        Some((column.clone(), classes.names().into()))
    });
    let names = names.collect();
    Ok((records.columns, names))
}

/// The rows of a file as they come: a row group's columns are decoded page by page.
pub(super) struct Records {
    path: PathBuf,
    columns: Vec<String>,
    class_names: Vec<Option<ClassNames>>,
    rows: RowIter<'static>,
    /// How many rows the file says that it has.
    count: i64,
    /// The row that was read last, counted from 1.
    line: usize,
}

/// Why a row cannot be had.
pub(super) enum RecordError {
    /// It cannot be used; others can.
    Row(InputError),
    /// The file is broken from here on.
    File(InputError),
}

impl Records {
    /// Opens a file.
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|source| ReadError::io(path, source))?;
        let length = file
            .metadata()
            .map_err(|source| ReadError::io(path, source))?
            .len();
        if length == 0 {
            return Err(InputError::new(path, "an empty file", "rows of data").into());
        }
        let broken = |error| broken(path, &error);
        let reader = SerializedFileReader::new(file).map_err(broken)?;
        let schema = readable_columns(&reader).map_err(broken)?;
        let names = schema.get_fields().iter();
        let columns: Vec<String> = names.map(|field| field.name().to_owned()).collect();
        let class_names = class_names(&reader, &columns);
        let count = reader.metadata().file_metadata().num_rows();
        let rows = reader.into_iter().project(Some(schema)).map_err(broken)?;
        Ok(Self {
            path: path.into(),
            columns,
            class_names,
            rows,
            count,
            line: 0,
        })
    }

    /// Names of the columns.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether the file says that it has no rows.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn row(&self, record: Record) -> Result<Row, InputError> {
        match row(record, &self.class_names) {
            Ok(values) => Ok(Row {
                line: self.line,
                values,
            }),
            Err((column, found)) => {
                let classes = class_count(&self.class_names, column);
                let wanted = format!("the id of one of {classes} classes");
                let error = InputError::new(&self.path, found.describe(), wanted);
                Err(error.at_line(self.line).in_field(&self.columns[column]))
            }
        }
    }
}

impl Iterator for Records {
    type Item = Result<Row, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.rows.next()?;
        self.line += 1;
        Some(match record {
            Ok(record) => self.row(record).map_err(RecordError::Row),
            Err(error) => {
                let error = broken(&self.path, &error).at_line(self.line);
                Err(RecordError::File(error))
            }
        })
    }
}

fn broken(path: &Path, error: &ParquetError) -> InputError {
    InputError::new(
        path,
        format!("no readable Parquet file ({error})"),
        "a complete Parquet file",
    )
}

/// The schema without columns of types that the record reader cannot convert (it would panic):
/// whoever asks for one is told that there is no such column.
fn readable_columns(reader: &SerializedFileReader<File>) -> Result<Type, ParquetError> {
    let schema = reader.metadata().file_metadata().schema_descr();
    let mut fields = Vec::new();
    for (root, field) in schema.root_schema().get_fields().iter().enumerate() {
        let mut leaves = (0..schema.num_columns())
            .filter(|&leaf| schema.get_column_root_idx(leaf) == root)
            .map(|leaf| schema.column(leaf));
        if leaves.all(|leaf| readable(&leaf)) {
            fields.push(Arc::clone(field));
        }
    }
    Type::group_type_builder(schema.root_schema().name())
        .with_fields(fields)
        .build()
}

fn readable(column: &ColumnDescriptor) -> bool {
    use ConvertedType as C;
    let converted = column.converted_type();
    match column.physical_type() {
        PhysicalType::INT32 => matches!(
            converted,
            C::NONE
                | C::INT_8
                | C::INT_16
                | C::INT_32
                | C::UINT_8
                | C::UINT_16
                | C::UINT_32
                | C::DATE
                | C::TIME_MILLIS
                | C::DECIMAL
        ),
        PhysicalType::INT64 => matches!(
            converted,
            C::NONE
                | C::INT_64
                | C::UINT_64
                | C::TIME_MICROS
                | C::TIMESTAMP_MILLIS
                | C::TIMESTAMP_MICROS
                | C::DECIMAL
        ),
        PhysicalType::BYTE_ARRAY => matches!(
            converted,
            C::NONE | C::UTF8 | C::ENUM | C::JSON | C::BSON | C::DECIMAL
        ),
        PhysicalType::FIXED_LEN_BYTE_ARRAY => {
            column.logical_type_ref() == Some(&LogicalType::Float16)
                || matches!(converted, C::NONE | C::DECIMAL)
        }
        PhysicalType::BOOLEAN
        | PhysicalType::INT96
        | PhysicalType::FLOAT
        | PhysicalType::DOUBLE => true,
    }
}

fn class_names(reader: &SerializedFileReader<File>, columns: &[String]) -> Vec<Option<ClassNames>> {
    let metadata = reader.metadata().file_metadata().key_value_metadata();
    let features: Option<Json> = metadata
        .into_iter()
        .flatten()
        .find(|entry| entry.key == METADATA_KEY)
        .and_then(|entry| serde_json::from_str(entry.value.as_deref()?).ok());
    columns
        .iter()
        .map(|column| ClassNames::of_column(features.as_ref()?, column))
        .collect()
}

fn class_count(class_names: &[Option<ClassNames>], column: usize) -> usize {
    class_names[column]
        .as_ref()
        .map_or(0, |classes| classes.names().len())
}

/// The values of a row, or the column and the class id that has no name.
fn row(record: Record, class_names: &[Option<ClassNames>]) -> Result<Vec<Value>, (usize, Value)> {
    let name =
        |(column, ((_, field), classes)): (usize, ((String, Field), &Option<ClassNames>))| {
            let value = value(field);
            match classes {
                Some(classes) => classes.name(value).map_err(|id| (column, id)),
                None => Ok(value),
            }
        };
    record
        .into_columns()
        .into_iter()
        .zip(class_names)
        .enumerate()
        .map(name)
        .collect()
}

fn value(field: Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => Value::Bool(value),
        Field::Byte(value) => Value::Integer(value.into()),
        Field::Short(value) => Value::Integer(value.into()),
        Field::Int(value) => Value::Integer(value.into()),
        Field::Long(value) => Value::Integer(value),
        Field::UByte(value) => Value::Integer(value.into()),
        Field::UShort(value) => Value::Integer(value.into()),
        Field::UInt(value) => Value::Integer(value.into()),
        Field::ULong(value) => match i64::try_from(value) {
            Ok(value) => Value::Integer(value),
            Err(_) => Value::Text(value.to_string()),
        },
        Field::Float16(value) => Value::Float(value.into()),
        Field::Float(value) => Value::Float(value.into()),
        Field::Double(value) => Value::Float(value),
        Field::Str(text) => Value::Text(text),
        // Some writers leave text without an annotation.
        Field::Bytes(bytes) => match String::from_utf8(bytes.data().to_vec()) {
            Ok(text) => Value::Text(text),
            Err(error) => Value::Bytes(error.into_bytes()),
        },
        Field::Group(record) => Value::Object(
            record
                .into_columns()
                .into_iter()
                .map(|(name, field)| (name, value(field)))
                .collect(),
        ),
        Field::ListInternal(list) => {
            Value::List(list.elements().iter().cloned().map(value).collect())
        }
        Field::MapInternal(map) => Value::Object(
            map.entries()
                .iter()
                .map(|(key, field)| (key_text(key), value(field.clone())))
                .collect(),
        ),
        other @ (Field::Decimal(_)
        | Field::Date(_)
        | Field::TimeMillis(_)
        | Field::TimeMicros(_)
        | Field::TimestampMillis(_)
        | Field::TimestampMicros(_)) => Value::Text(other.to_string()),
    }
}

fn key_text(key: &Field) -> String {
    match key {
        Field::Str(text) => text.clone(),
        other => other.to_string(),
    }
}
