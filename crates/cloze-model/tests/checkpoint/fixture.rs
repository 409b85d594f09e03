use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cloze_core::PackedBatch;
use cloze_model::checkpoint::{Checkpoint, ClassifierOptions, LoadReport, load_classifier};
use cloze_model::{ForwardOptions, SequenceClassifier};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tempfile::TempDir;

/// A folder of `tests/golden`.
pub(crate) fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// A copy of a golden folder's files, to be changed.
pub(crate) fn copy(name: &str) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in fs::read_dir(golden(name)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

/// A tensor as a file holds it.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl Stored {
    pub(crate) fn floats(name: &str, shape: &[usize]) -> Self {
        Self {
            name: name.into(),
            dtype: Dtype::F32,
            shape: shape.into(),
            bytes: vec![0; shape.iter().product::<usize>() * 4],
        }
    }
}

/// All tensors of a safetensors file.
pub(crate) fn tensors(file: &Path) -> Vec<Stored> {
    let bytes = fs::read(file).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let stored = |(name, view): (String, TensorView<'_>)| Stored {
        name,
        dtype: view.dtype(),
        shape: view.shape().into(),
        bytes: view.data().into(),
    };
    tensors.tensors().into_iter().map(stored).collect()
}

/// Writes a safetensors file.
pub(crate) fn write(file: &Path, tensors: &[Stored]) {
    let views = tensors.iter().map(|tensor| {
        let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes).unwrap();
        (tensor.name.clone(), view)
    });
    fs::write(file, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// The golden BERT with its weights changed.
pub(crate) fn changed(change: impl FnOnce(&mut Vec<Stored>)) -> TempDir {
    let folder = copy("bert");
    let file = folder.path().join("model.safetensors");
    let mut all = tensors(&file);
    change(&mut all);
    write(&file, &all);
    folder
}

/// Changes one key of a folder's `config.json`.
pub(crate) fn set(folder: &Path, key: &str, value: serde_json::Value) {
    let path = folder.join("config.json");
    let mut json: serde_json::Map<_, _> =
        serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    json.insert(key.into(), value);
    fs::write(&path, serde_json::to_string_pretty(&json).unwrap()).unwrap();
}

pub(crate) fn load(folder: &Path) -> Result<(SequenceClassifier, LoadReport), String> {
    load_with(folder, &ClassifierOptions::default())
}

pub(crate) fn load_with(
    folder: &Path,
    options: &ClassifierOptions,
) -> Result<(SequenceClassifier, LoadReport), String> {
    let checkpoint = Checkpoint::open(folder).map_err(|error| error.to_string())?;
    load_classifier(&checkpoint, options, &Device::flex()).map_err(|error| error.to_string())
}

/// The error of a load that must fail, without the folder in it.
pub(crate) fn load_error(folder: &Path) -> String {
    let error = load(folder).map(|(_, report)| report).unwrap_err();
    error.replace(&*folder.to_string_lossy(), "FOLDER")
}

/// What a classifier says about two texts.
pub(crate) fn logits(classifier: &SequenceClassifier) -> Vec<f32> {
    let rows: [(&[u32], &[u32]); 2] = [(&[1, 20, 31, 2], &[0, 0, 0, 0]), (&[1, 7, 2], &[0, 0, 0])];
    let batch = PackedBatch::from_sequences(rows).unwrap();
    let output = classifier
        .forward(&batch, &ForwardOptions::default())
        .unwrap();
    output.logits.into_data().try_to_vec().unwrap()
}
