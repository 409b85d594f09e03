use std::path::{Path, PathBuf};

use cloze_core::InputError;
use cloze_platform::MappedFile;

use super::{StoredType, safetensors, torch_archive};
use crate::checkpoint::CheckpointError;

/// Where a tensor lies in a file, and as what. Whoever makes one has checked that every number
/// of it lies within the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TensorEntry {
    pub(crate) name: String,
    pub(crate) stored: StoredType,
    pub(crate) shape: Vec<usize>,
    /// Byte of the file at which the first number stands.
    pub(crate) start: usize,
    /// Distance between neighbours in every dimension, in numbers; nothing where the tensor is
    /// row-major without gaps.
    pub(crate) strides: Option<Vec<usize>>,
}

/// One file of weights, mapped, with its table of contents read and checked.
#[derive(Debug)]
pub(crate) struct WeightsFile {
    path: PathBuf,
    bytes: MappedFile,
    entries: Vec<TensorEntry>,
}

const LFS_POINTER: &[u8] = b"version https://git-lfs";

impl WeightsFile {
    /// Opens a safetensors file or a torch archive, whichever its name says.
    pub(crate) fn open(path: &Path) -> Result<Self, CheckpointError> {
        let bytes = MappedFile::open(path).map_err(|source| CheckpointError::Read {
            path: path.into(),
            source,
        })?;
        if bytes.starts_with(LFS_POINTER) {
            return Err(CheckpointError::LfsPointer { path: path.into() });
        }
        let entries = if path
            .extension()
            .is_some_and(|extension| extension == "safetensors")
        {
            safetensors::entries(path, &bytes)?
        } else {
            torch_archive::entries(path, &bytes)?
        };
        Ok(Self {
            path: path.into(),
            bytes,
            entries,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn entries(&self) -> &[TensorEntry] {
        &self.entries
    }

    /// A tensor's numbers, row-major.
    pub(crate) fn read(&self, entry: &TensorEntry) -> Result<Vec<f32>, InputError> {
        let values = match &entry.strides {
            None => self.read_rows(entry),
            Some(strides) => self.gather(entry, strides),
        };
        values.ok_or_else(|| {
            let found = format!("numbers of type {}", entry.stored.name());
            InputError::new(&self.path, found, "floating-point numbers").in_field(&entry.name)
        })
    }

    fn read_rows(&self, entry: &TensorEntry) -> Option<Vec<f32>> {
        let count: usize = entry.shape.iter().product();
        let length = count * entry.stored.bits() / 8;
        entry
            .stored
            .decode(self.bytes.get(entry.start..)?.get(..length)?)
    }

    fn gather(&self, entry: &TensorEntry, strides: &[usize]) -> Option<Vec<f32>> {
        if entry.shape.contains(&0) {
            return Some(Vec::new());
        }
        let dimensions = || entry.shape.iter().zip(strides);
        let reach: usize = dimensions().map(|(size, stride)| (size - 1) * stride).sum();
        let length = (reach + 1) * entry.stored.bits() / 8;
        let numbers = entry
            .stored
            .decode(self.bytes.get(entry.start..)?.get(..length)?)?;
        let mut offsets = vec![0];
        for (&size, &stride) in dimensions() {
            offsets = offsets
                .iter()
                .flat_map(|offset| (0..size).map(move |index| offset + index * stride))
                .collect();
        }
        Some(offsets.into_iter().map(|offset| numbers[offset]).collect())
    }
}
