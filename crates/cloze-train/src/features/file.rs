//! Kept features as a safetensors file: one tensor, `features`, `[rows, width]`, and in the
//! metadata the key and the hash of the tensor's bytes.

use std::io;
use std::path::Path;

use cloze_core::output::write_file;
use cloze_platform::MappedFile;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde_json::json;

const TENSOR: &str = "features";
const KEY: &str = "key";
const HASH: &str = "blake3";
const CONTENT: &str = "content";
/// Bytes before the header that say how long it is, and what the header's length is a multiple of.
const ALIGNMENT: usize = 8;
/// How many numbers are written or hashed at once.
const BLOCK: usize = 1 << 16;

/// Features in a file whose every byte is what was written.
#[derive(Debug)]
pub(super) struct FeatureFile {
    mapping: MappedFile,
    /// Where the numbers begin.
    start: usize,
    pub(super) rows: usize,
    pub(super) width: usize,
}

impl FeatureFile {
    /// The features of this key; `None` if there are none. A file of fewer than the wanted rows
    /// is what a stopped computation has left.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(super) fn open(path: &Path, key: &str) -> Result<Option<Self>, String> {
        let mapping = match MappedFile::open(path) {
            Ok(mapping) => mapping,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let (header, metadata) =
            SafeTensors::read_metadata(&mapping).map_err(|error| error.to_string())?;
        let said = |name: &str| metadata.metadata().as_ref()?.get(name).cloned();
        if said(KEY).as_deref() != Some(key) {
            return Err("it holds something else than its name says".into());
        }
        let (rows, width) = match metadata.info(TENSOR) {
            Some(info) if info.dtype == Dtype::F32 && metadata.tensors().len() == 1 => {
                match info.shape[..] {
                    [rows, width] => (rows, width),
                    _ => return Err(format!("its features have the shape {:?}", info.shape)),
                }
            }
            _ => return Err(format!("it is not one tensor `{TENSOR}` of type F32")),
        };
        let start = ALIGNMENT + header;
        let hash = blake3::hash(&mapping[start..]).to_hex();
        if said(HASH).as_deref() != Some(hash.as_str()) {
            return Err("its features are not what was written: their hash differs".into());
        }
        Ok(Some(Self {
            mapping,
            start,
            rows,
            width,
        }))
    }

    /// Appends these rows to `values`.
    pub(super) fn read(&self, rows: std::ops::Range<usize>, values: &mut Vec<f32>) {
        let byte = |row: usize| self.start + row * self.width * size_of::<f32>();
        let bytes = &self.mapping[byte(rows.start)..byte(rows.end)];
        let numbers = bytes.as_chunks::<{ size_of::<f32>() }>().0;
        values.extend(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)));
    }
}

/// Writes features, `[rows, width]`, whole or not at all.
pub(super) fn write(path: &Path, key: &str, values: &[f32], width: usize) -> io::Result<()> {
    let mut hasher = blake3::Hasher::new();
    in_blocks(values, |bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    let mut header = serde_json::to_vec(&json!({
        "__metadata__": {
            CONTENT: "features of a frozen encoder, kept by cloze",
            KEY: key,
            HASH: hasher.finalize().to_hex().as_str(),
        },
        TENSOR: {
            "dtype": "F32",
            "shape": [values.len() / width.max(1), width],
            "data_offsets": [0, size_of_val(values)],
        },
    }))?;
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
    write_file(path, |out| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        in_blocks(values, |bytes| out.write_all(bytes))
    })
}

fn in_blocks(values: &[f32], mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(BLOCK * size_of::<f32>());
    for block in values.chunks(BLOCK) {
        bytes.clear();
        bytes.extend(block.iter().flat_map(|value| value.to_le_bytes()));
        each(&bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::fs;

    use safetensors::tensor::{Metadata, TensorInfo};

    use super::*;

    const VALUES: [f32; 6] = [1.0, -2.0, 0.5, 1e-40, f32::MAX, -0.0];

    fn opened(path: &Path) -> Result<Vec<f32>, String> {
        let file = FeatureFile::open(path, "a key")?.ok_or("absent")?;
        let mut values = Vec::new();
        file.read(1..file.rows, &mut values);
        file.read(0..1, &mut values);
        assert_eq!(file.width, 2);
        Ok(values)
    }

    #[test]
    fn features_come_back_bit_for_bit_and_others_can_read_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("features/of.safetensors");
        assert!(FeatureFile::open(&path, "a key").unwrap().is_none());
        write(&path, "a key", &VALUES, 2).unwrap();
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        let values = opened(&path).unwrap();
        assert_eq!(bits(&values[4..]), bits(&VALUES[..2]));
        assert_eq!(bits(&values[..4]), bits(&VALUES[2..]));
        let bytes = fs::read(&path).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(tensors.tensor("features").unwrap().shape(), [3, 2]);
    }

    #[test]
    fn a_file_that_is_not_what_was_written_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("features.safetensors");
        write(&path, "a key", &VALUES, 2).unwrap();
        let whole = fs::read(&path).unwrap();
        let with = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            opened(&path).unwrap_err()
        };
        let mut changed = whole.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(
            with(&changed),
            "its features are not what was written: their hash differs"
        );
        for length in 0..whole.len() {
            with(&whole[..length]);
        }
        with(&[&whole[..], b"more"].concat());
        with(b"not a tensor file at all");
        let stored = |dtype, shape: &[usize]| {
            let info = TensorInfo {
                dtype,
                shape: shape.to_vec(),
                data_offsets: (0, 16),
            };
            let said = HashMap::from([(KEY.to_owned(), "a key".to_owned())]);
            let tensors = vec![(TENSOR.to_owned(), info)];
            let header = serde_json::to_vec(&Metadata::new(Some(said), tensors).unwrap()).unwrap();
            [&(header.len() as u64).to_le_bytes()[..], &header, &[0; 16]].concat()
        };
        assert_eq!(
            with(&stored(Dtype::F32, &[4])),
            "its features have the shape [4]"
        );
        assert_eq!(
            with(&stored(Dtype::I32, &[2, 2])),
            "it is not one tensor `features` of type F32"
        );
        assert!(with(&stored(Dtype::F32, &[2, 2])).ends_with("their hash differs"));
        fs::write(&path, &whole).unwrap();
        assert!(opened(&path).is_ok());
        assert_eq!(
            FeatureFile::open(&path, "another").unwrap_err(),
            "it holds something else than its name says"
        );
    }
}
