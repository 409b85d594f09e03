//! Golden files: arrays (`.safetensors`) and settings (`.json`) written by a reference
//! implementation.

use std::fs;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

/// The tensors of one golden file.
#[derive(Debug)]
pub struct Golden(Vec<u8>);

/// One tensor of a golden file.
#[derive(Clone, Debug, PartialEq)]
pub struct GoldenTensor<T> {
    /// Sizes of the dimensions.
    pub shape: Vec<usize>,
    /// Elements in row-major order.
    pub values: Vec<T>,
}

impl Golden {
    /// Reads a golden file.
    ///
    /// # Panics
    /// If it is not there or damaged: a test cannot go on without it.
    pub fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        SafeTensors::deserialize(&bytes)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(bytes)
    }

    fn tensors(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.0).expect("was read once already")
    }

    /// Names of all tensors, in order.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self
            .tensors()
            .names()
            .iter()
            .map(|name| name.to_string())
            .collect();
        names.sort_unstable();
        names
    }

    /// Whether there is a tensor of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.tensors().tensor(name).is_ok()
    }

    fn raw(&self, name: &str, dtype: Dtype) -> (Vec<usize>, Vec<u8>) {
        let tensors = self.tensors();
        let view = tensors
            .tensor(name)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(view.dtype(), dtype, "{name}");
        (view.shape().to_vec(), view.data().to_vec())
    }

    /// An f32 tensor.
    ///
    /// # Panics
    /// If there is none of this name and type.
    pub fn floats(&self, name: &str) -> GoldenTensor<f32> {
        let (shape, bytes) = self.raw(name, Dtype::F32);
        let (elements, _) = bytes.as_chunks();
        let values = elements
            .iter()
            .map(|element| f32::from_le_bytes(*element))
            .collect();
        GoldenTensor { shape, values }
    }

    /// An i64 tensor.
    ///
    /// # Panics
    /// If there is none of this name and type.
    pub fn integers(&self, name: &str) -> GoldenTensor<i64> {
        let (shape, bytes) = self.raw(name, Dtype::I64);
        let (elements, _) = bytes.as_chunks();
        let values = elements
            .iter()
            .map(|element| i64::from_le_bytes(*element))
            .collect();
        GoldenTensor { shape, values }
    }
}

/// Reads a golden JSON file into a type.
///
/// # Panics
/// If it is not there, or of another form.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
