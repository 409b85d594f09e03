//! Tensors in a safetensors file that are read piece by piece, wherever they lie.
//!
//! The format: eight bytes that say how long the header is, a JSON header that says where every
//! tensor lies, the tensors (<https://github.com/huggingface/safetensors#format>). The header has
//! a fixed size here, padded with spaces as the format allows, so that it can be written last.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use cloze_core::InputError;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::CorpusError;

/// Bytes in front of the tensors of the files that are written here: a page of most systems.
pub(super) const HEADER_BYTES: usize = 4096;
/// Far above the header of any file that is written here.
const LONGEST_HEADER: u64 = 1 << 20;
const LENGTH_BYTES: u64 = 8;

/// What a file is, beside its tensors.
pub(super) type Metadata = BTreeMap<String, String>;

/// The numbers of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    U32,
    U64,
}

impl Numbers {
    fn name(self) -> &'static str {
        match self {
            Self::U32 => "U32",
            Self::U64 => "U64",
        }
    }

    pub(super) fn bytes(self) -> u64 {
        match self {
            Self::U32 => 4,
            Self::U64 => 8,
        }
    }
}

/// A tensor that is written: its name, its numbers, its shape.
pub(super) struct Written<'a> {
    pub(super) name: &'a str,
    pub(super) numbers: Numbers,
    pub(super) shape: &'a [u64],
}

/// The header of a file that holds these tensors, end to end in this order.
///
/// # Errors
/// If the metadata has no room in it.
pub(super) fn header(
    metadata: &Metadata,
    tensors: &[Written<'_>],
) -> io::Result<[u8; HEADER_BYTES]> {
    let mut entries = Map::new();
    entries.insert("__metadata__".into(), json!(metadata));
    let mut begin = 0;
    for tensor in tensors {
        let end = begin + tensor.shape.iter().product::<u64>() * tensor.numbers.bytes();
        let entry = json!({
            "dtype": tensor.numbers.name(),
            "shape": tensor.shape,
            "data_offsets": [begin, end],
        });
        entries.insert(tensor.name.into(), entry);
        begin = end;
    }
    let text = Value::Object(entries).to_string();
    let mut header = [b' '; HEADER_BYTES];
    let room = HEADER_BYTES - LENGTH_BYTES as usize;
    if text.len() > room {
        let message = format!("a header of {} bytes, wanted {room} at most", text.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let (length, rest) = header.split_at_mut(LENGTH_BYTES as usize);
    length.copy_from_slice(&(room as u64).to_le_bytes());
    rest[..text.len()].copy_from_slice(text.as_bytes());
    Ok(header)
}

/// A file of tensors, its header read and checked.
#[derive(Debug)]
pub(super) struct TensorFile {
    file: File,
    path: PathBuf,
    metadata: Metadata,
    tensors: BTreeMap<String, Stored>,
}

/// Where a tensor lies in its file.
#[derive(Clone, Debug)]
struct Stored {
    dtype: String,
    shape: Vec<u64>,
    bytes: Range<u64>,
}

/// A tensor whose type and shape were checked: where it begins in the file, and how many rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    begin: u64,
    row_bytes: u64,
    pub(super) count: u64,
}

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl TensorFile {
    /// Opens a file that was written with these values for `format` and `version`.
    pub(super) fn open(path: &Path, format: &str, version: &str) -> Result<Self, CorpusError> {
        let error = CorpusError::read(path);
        let file = File::open(path).map_err(&error)?;
        let length = file.metadata().map_err(&error)?.len();
        let mut opened = Self {
            file,
            path: path.into(),
            metadata: Metadata::new(),
            tensors: BTreeMap::new(),
        };
        let (header, data_begin) = opened.header(length, format)?;
        for (name, value) in header {
            if name == "__metadata__" {
                opened.metadata = serde_json::from_value(value)
                    .map_err(|error| opened.broken(&error).in_field(&name))?;
            } else {
                let stored = opened.stored(&name, value, data_begin, length)?;
                opened.tensors.insert(name, stored);
            }
        }
        opened.expect("format", format)?;
        opened.expect("version", version)?;
        let end = opened.tensors.values().map(|stored| stored.bytes.end).max();
        match end {
            Some(end) if end < length => {
                let found = format!("{} bytes behind its last tensor", length - end);
                Err(opened.error(found, "none").into())
            }
            _ => Ok(opened),
        }
    }

    /// The entries of the header, and where the data begins.
    fn header(&self, length: u64, format: &str) -> Result<(Map<String, Value>, u64), CorpusError> {
        let wanted = format!("a file of {format}");
        if length < LENGTH_BYTES {
            return Err(self
                .error(format!("a file of {length} bytes"), wanted)
                .into());
        }
        let mut bytes = [0; LENGTH_BYTES as usize];
        self.read_bytes(0, &mut bytes)?;
        let header_length = u64::from_le_bytes(bytes);
        if header_length > LONGEST_HEADER {
            let found = format!("a header of {header_length} bytes");
            return Err(self.error(found, wanted).into());
        }
        let data_begin = LENGTH_BYTES + header_length;
        if data_begin > length {
            let found = format!(
                "only {} bytes: the file is cut short",
                length - LENGTH_BYTES
            );
            let wanted = format!("a header of {header_length} bytes");
            return Err(self.error(found, wanted).into());
        }
        let mut text = vec![0; header_length as usize];
        self.read_bytes(LENGTH_BYTES, &mut text)?;
        let header = serde_json::from_slice(&text).map_err(|error| self.broken(&error))?;
        Ok((header, data_begin))
    }

    fn stored(
        &self,
        name: &str,
        value: Value,
        data_begin: u64,
        length: u64,
    ) -> Result<Stored, InputError> {
        let error = |found: String, wanted: String| Err(self.error(found, wanted).in_field(name));
        let entry: Entry =
            serde_json::from_value(value).map_err(|error| self.broken(&error).in_field(name))?;
        let (begin, end) = entry.data_offsets;
        let data = length - data_begin;
        if begin > end {
            return error(
                format!("bytes {begin} to {end}"),
                "ascending offsets".into(),
            );
        }
        if end > data {
            let found = format!("only {data} bytes of data: the file is cut short");
            return error(found, format!("its bytes {begin} to {end}"));
        }
        Ok(Stored {
            dtype: entry.dtype,
            shape: entry.shape,
            bytes: data_begin + begin..data_begin + end,
        })
    }

    /// A tensor of `columns` numbers a row: `[rows]` where there is one, else `[rows, columns]`.
    pub(super) fn rows(
        &self,
        name: &str,
        numbers: Numbers,
        columns: u64,
    ) -> Result<Rows, InputError> {
        let error = |found: String, wanted: String| self.error(found, wanted).in_field(name);
        let stored = self
            .tensors
            .get(name)
            .ok_or_else(|| error("no such tensor".into(), "one".into()))?;
        let count = match stored.shape[..] {
            [count] if columns == 1 => Some(count),
            [count, width] if columns > 1 && width == columns => Some(count),
            _ => None,
        };
        let wanted_shape = if columns == 1 {
            "[n]".to_owned()
        } else {
            format!("[n, {columns}]")
        };
        let row_bytes = numbers.bytes() * columns;
        let Some(count) = count.filter(|_| stored.dtype == numbers.name()) else {
            return Err(error(
                format!("{} numbers of shape {:?}", stored.dtype, stored.shape),
                format!("{} numbers of shape {wanted_shape}", numbers.name()),
            ));
        };
        let bytes = stored.bytes.end - stored.bytes.start;
        if count.checked_mul(row_bytes) != Some(bytes) {
            return Err(error(
                format!("{bytes} bytes"),
                format!("those of {:?} {} numbers", stored.shape, stored.dtype),
            ));
        }
        Ok(Rows {
            begin: stored.bytes.start,
            row_bytes,
            count,
        })
    }

    pub(super) fn expect(&self, key: &str, wanted: &str) -> Result<(), InputError> {
        let found = match self.metadata.get(key) {
            Some(value) if value == wanted => return Ok(()),
            Some(value) => crate::readers::quote(value),
            None => "nothing".into(),
        };
        Err(self.error(found, format!("{wanted:?}")).in_field(key))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// An error about the file.
    pub(super) fn error(&self, found: impl Into<String>, wanted: impl Into<String>) -> InputError {
        InputError::new(&self.path, found, wanted)
    }

    fn broken(&self, error: &serde_json::Error) -> InputError {
        let found = format!("a header that is broken: {error}");
        self.error(found, "a safetensors header")
    }

    /// Fills `bytes` with those from row `first` of a tensor on. The rows must be in the tensor.
    pub(super) fn read(&self, rows: Rows, first: u64, bytes: &mut [u8]) -> Result<(), CorpusError> {
        debug_assert!(first * rows.row_bytes + bytes.len() as u64 <= rows.count * rows.row_bytes);
        self.read_bytes(rows.begin + first * rows.row_bytes, bytes)
    }

    fn read_bytes(&self, position: u64, bytes: &mut [u8]) -> Result<(), CorpusError> {
        read_exact_at(&self.file, position, bytes).map_err(CorpusError::read(&self.path))
    }
}

/// Fills `bytes` with those of a file from a position on.
#[cfg(unix)]
pub(crate) fn read_exact_at(file: &File, position: u64, bytes: &mut [u8]) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    file.read_exact_at(bytes, position)
}

#[cfg(windows)]
pub(crate) fn read_exact_at(
    file: &File,
    mut position: u64,
    mut bytes: &mut [u8],
) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !bytes.is_empty() {
        match file.seek_read(bytes, position) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                position += read as u64;
                bytes = &mut bytes[read..];
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
