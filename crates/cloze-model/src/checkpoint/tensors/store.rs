use std::collections::HashMap;
use std::path::{Path, PathBuf};

use burn::tensor::TensorData;
use cloze_core::InputError;

use super::index::open_shards;
use super::{StoredType, TensorEntry, WeightsFile};
use crate::checkpoint::CheckpointError;
use crate::parameter_source::f32_data;

/// Every tensor of a checkpoint folder by its name in the file, mapped into memory and read only
/// when asked for.
///
/// In order of preference: `model.safetensors`, `model.safetensors.index.json` with its shards,
/// `pytorch_model.bin`, `pytorch_model.bin.index.json` with its shards.
#[derive(Debug)]
pub struct TensorStore {
    files: Vec<WeightsFile>,
    /// File and entry of every tensor.
    places: HashMap<String, (usize, usize)>,
}

/// Weights of programs that cloze does not read, to be named where nothing else is found.
const OTHER_PROGRAMS: [&str; 5] = [
    "tf_model.h5",
    "flax_model.msgpack",
    "model.ckpt.index",
    "bert_model.ckpt.index",
    "adapter_model.safetensors",
];

impl TensorStore {
    /// Opens the weights of a folder and checks their tables of contents.
    ///
    /// # Errors
    /// If there are no weights, or a file is missing, cut short, or broken.
    pub fn open(folder: &Path) -> Result<Self, CheckpointError> {
        for name in ["model.safetensors", "pytorch_model.bin"] {
            let path = folder.join(name);
            if path.is_file() {
                return Ok(Self::of(vec![WeightsFile::open(&path)?]));
            }
            let index = folder.join(format!("{name}.index.json"));
            if index.is_file() {
                return Ok(Self::of(open_shards(&index)?));
            }
        }
        let other = |name: &&str| folder.join(name).is_file();
        Err(CheckpointError::NoWeights {
            folder: folder.into(),
            found: OTHER_PROGRAMS
                .iter()
                .copied()
                .filter(other)
                .map(Into::into)
                .collect(),
        })
    }

    /// Opens a single file and checks its table of contents.
    ///
    /// # Errors
    /// If the file is missing, cut short, or broken.
    pub fn open_file(path: &Path) -> Result<Self, CheckpointError> {
        Ok(Self::of(vec![WeightsFile::open(path)?]))
    }

    fn of(files: Vec<WeightsFile>) -> Self {
        let mut places = HashMap::new();
        for (file, weights) in files.iter().enumerate() {
            for (entry, tensor) in weights.entries().iter().enumerate() {
                places.insert(tensor.name.clone(), (file, entry));
            }
        }
        Self { files, places }
    }

    /// The files that hold the tensors.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(WeightsFile::path)
    }

    /// The names of all tensors, in alphabetic order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.places.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// A tensor's shape, if there is such a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.find(name).map(|(_, entry)| entry.shape.as_slice())
    }

    /// How a tensor's numbers are stored, if there is such a tensor.
    pub fn stored_type(&self, name: &str) -> Option<StoredType> {
        self.find(name).map(|(_, entry)| entry.stored)
    }

    /// The file that holds a tensor, if there is such a tensor.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        self.find(name).map(|(file, _)| file.path().into())
    }

    /// A tensor's values, converted to `f32`, copied once out of the mapped file; nothing if there
    /// is no such tensor.
    ///
    /// # Errors
    /// If the tensor has another shape, or holds no floating-point numbers.
    pub fn read(&self, name: &str, shape: &[usize]) -> Result<Option<TensorData>, InputError> {
        let Some((file, entry)) = self.find(name) else {
            return Ok(None);
        };
        if entry.shape != shape {
            let (found, wanted) = (format!("shape {:?}", entry.shape), format!("{shape:?}"));
            return Err(InputError::new(file.path(), found, wanted).in_field(name));
        }
        Ok(Some(f32_data(file.read(entry)?, shape)))
    }

    fn find(&self, name: &str) -> Option<(&WeightsFile, &TensorEntry)> {
        let &(file, entry) = self.places.get(name)?;
        let file = &self.files[file];
        Some((file, &file.entries()[entry]))
    }
}
