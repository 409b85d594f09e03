//! Vectors → a file, as they come: a matrix of `f32`, one row a vector.
//!
//! - `.npy`, as NumPy reads it
//!   (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>)
//! - `.safetensors` with the one tensor [`TENSOR`]
//!   (<https://github.com/huggingface/safetensors#format>)
//!
//! How many rows there are stands in front of them and is known when all are written, so that both
//! headers have a fixed length here, filled up with spaces as the formats allow.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use cloze_core::output::OutputFile;
use thiserror::Error;

/// The tensor of a safetensors file.
pub const TENSOR: &str = "embeddings";

/// Bytes in front of the rows of a `.npy` file: a multiple of 64, with room for any shape.
const NPY_HEADER: usize = 128;
/// Bytes in front of the rows of a safetensors file, the eight of the length included.
const SAFETENSORS_HEADER: usize = 256;
const LENGTH_BYTES: usize = 8;

/// A format of files of vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorFormat {
    /// NumPy's.
    Npy,
    /// Hugging Face's.
    Safetensors,
}

impl VectorFormat {
    /// The format that the name of a file stands for.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "npy" => Some(Self::Npy),
            "safetensors" => Some(Self::Safetensors),
            _ => None,
        }
    }

    /// The header of a file with this many rows of this many numbers.
    fn header(self, rows: usize, columns: usize) -> Vec<u8> {
        match self {
            Self::Npy => npy_header(rows, columns),
            Self::Safetensors => safetensors_header(rows, columns),
        }
    }
}

fn npy_header(rows: usize, columns: usize) -> Vec<u8> {
    const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";
    let length = NPY_HEADER - MAGIC.len() - 2;
    let dictionary =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let mut header = MAGIC.to_vec();
    header.extend((length as u16).to_le_bytes());
    header.extend(dictionary.as_bytes());
    header.resize(NPY_HEADER - 1, b' ');
    header.push(b'\n');
    header
}

fn safetensors_header(rows: usize, columns: usize) -> Vec<u8> {
    let end = rows * columns * size_of::<f32>();
    let text = format!(
        r#"{{"{TENSOR}":{{"dtype":"F32","shape":[{rows},{columns}],"data_offsets":[0,{end}]}}}}"#
    );
    let length = SAFETENSORS_HEADER - LENGTH_BYTES;
    let mut header = (length as u64).to_le_bytes().to_vec();
    header.extend(text.as_bytes());
    header.resize(SAFETENSORS_HEADER, b' ');
    header
}

/// A file of vectors in the making. It is written beside its place and appears there whole when it
/// is finished; dropped before that, it leaves nothing behind.
#[derive(Debug)]
pub struct VectorFile {
    file: OutputFile,
    format: VectorFormat,
    columns: usize,
    rows: usize,
    bytes: Vec<u8>,
}

/// A file of vectors cannot be written.
#[derive(Debug, Error)]
#[error("cannot write {path}")]
pub struct VectorFileError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

impl VectorFile {
    /// Begins a file that is to be at `path`, with vectors of `columns` numbers; its folder is made
    /// if there is none.
    ///
    /// # Errors
    /// If the folder cannot be made or written.
    pub fn create(
        path: &Path,
        format: VectorFormat,
        columns: usize,
    ) -> Result<Self, VectorFileError> {
        let error = |source| VectorFileError {
            path: path.into(),
            source,
        };
        let mut file = OutputFile::beside(path).map_err(error)?;
        file.write_all(&format.header(0, columns)).map_err(error)?;
        Ok(Self {
            file,
            format,
            columns,
            rows: 0,
            bytes: Vec::new(),
        })
    }

    /// Adds a vector.
    ///
    /// # Errors
    /// If the file cannot be written.
    ///
    /// # Panics
    /// If the vector has another number of columns than the file.
    pub fn push(&mut self, vector: &[f32]) -> Result<(), VectorFileError> {
        assert_eq!(
            vector.len(),
            self.columns,
            "vectors of a file are of one width"
        );
        self.bytes.clear();
        self.bytes
            .extend(vector.iter().flat_map(|number| number.to_le_bytes()));
        let written = self.file.write_all(&self.bytes);
        written.map_err(|source| self.error(source))?;
        self.rows += 1;
        Ok(())
    }

    /// How many vectors were added.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> Result<(), VectorFileError> {
        let header = self.format.header(self.rows, self.columns);
        let headed = self.file.seek(SeekFrom::Start(0));
        let headed = headed.and_then(|_| self.file.write_all(&header));
        headed.map_err(|source| self.error(source))?;
        let path = self.file.target().to_owned();
        self.file
            .commit()
            .map_err(|source| VectorFileError { path, source })
    }

    fn error(&self, source: io::Error) -> VectorFileError {
        VectorFileError {
            path: self.file.target().into(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn written(format: VectorFormat, columns: usize, vectors: &[Vec<f32>]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("vectors");
        let mut file = VectorFile::create(&path, format, columns).unwrap();
        for vector in vectors {
            file.push(vector).unwrap();
        }
        assert!(!path.exists());
        assert_eq!(file.rows(), vectors.len());
        file.finish().unwrap();
        fs::read(path).unwrap()
    }

    /// As NumPy reads it: magic, version 1.0, length, dictionary, rows.
    fn read_npy(bytes: &[u8]) -> (String, Vec<u8>) {
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        let length = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
        assert_eq!((10 + length) % 64, 0);
        let dictionary = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
        assert!(dictionary.ends_with('\n'));
        (dictionary.trim_end().into(), bytes[10 + length..].to_vec())
    }

    /// As the safetensors library reads it: length, JSON, rows.
    fn read_safetensors(bytes: &[u8]) -> (Value, Vec<u8>) {
        let (length, rest) = bytes.split_first_chunk::<8>().unwrap();
        let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
        (serde_json::from_slice(header).unwrap(), data.to_vec())
    }

    #[test]
    fn the_largest_shape_has_room_in_both_headers() {
        let (rows, columns) = (u32::MAX as usize, u16::MAX as usize * 1000);
        assert_eq!(npy_header(rows, columns).len(), NPY_HEADER);
        assert_eq!(safetensors_header(rows, columns).len(), SAFETENSORS_HEADER);
    }

    #[test]
    fn an_unfinished_file_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.npy");
        assert_eq!(VectorFormat::of(&path), Some(VectorFormat::Npy));
        drop(VectorFile::create(&path, VectorFormat::Npy, 2).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(VectorFormat::of("v.csv".as_ref()), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            (columns, vectors) in (0_usize..9).prop_flat_map(|columns| {
                let vector = prop::collection::vec(any::<f32>(), columns);
                (Just(columns), prop::collection::vec(vector, 0..20))
            })
        ) {
            let data: Vec<u8> = vectors.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
            let rows = vectors.len();
            let (dictionary, npy) = read_npy(&written(VectorFormat::Npy, columns, &vectors));
            prop_assert_eq!(
                dictionary,
                format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}")
            );
            prop_assert_eq!(&npy, &data);
            let bytes = written(VectorFormat::Safetensors, columns, &vectors);
            let (header, tensor) = read_safetensors(&bytes);
            let entry = json!({
                "dtype": "F32", "shape": [rows, columns], "data_offsets": [0, data.len()],
            });
            prop_assert_eq!(&header["embeddings"], &entry);
            prop_assert_eq!(&tensor, &data);
        }
    }
}
