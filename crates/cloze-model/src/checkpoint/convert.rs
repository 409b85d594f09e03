use std::fs;
use std::io;
use std::path::Path;

use cloze_core::{InputError, output};
use serde_json::{Value, json};

use super::tensors::safetensors::{self, NamedTensor};
use super::{Checkpoint, CheckpointError, StoredType};
use crate::parameter_source::f32_data;

/// Writes a copy of a checkpoint whose weights are stored as another floating-point type, in one
/// `model.safetensors`; everything else in the folder is copied as it is. Programs that compute
/// in `f32`, cloze among them, widen the weights again while they read them.
///
/// # Errors
/// If a file cannot be read or written, or a weight is too large for the type; names the tensor.
///
/// # Panics
/// If the type is no floating-point type.
pub fn convert_weights(
    source: &Checkpoint,
    folder: &Path,
    stored: StoredType,
) -> Result<(), CheckpointError> {
    let store = source.tensors()?;
    let mut tensors = Vec::new();
    for name in store.names() {
        let Some(shape) = store.shape(name) else {
            continue;
        };
        // Integers are buffers that a model computes anew.
        if matches!(store.stored_type(name), Some(StoredType::Other { .. })) {
            continue;
        }
        let Some(data) = store.read(name, shape)? else {
            continue;
        };
        let values: Vec<f32> = data.iter::<f32>().collect();
        if let Some(value) = values.iter().find(|value| !stored.holds(**value)) {
            let file = store.file(name).unwrap_or_else(|| source.folder().into());
            let wanted = format!("numbers that {} can hold", stored.name());
            return Err(InputError::new(file, value.to_string(), wanted)
                .in_field(name)
                .into());
        }
        let shape = shape.to_vec();
        tensors.push(NamedTensor {
            name: name.into(),
            shape: shape.clone(),
            values: Box::new(move || f32_data(values.clone(), &shape)),
        });
    }
    let wrong = |path: &Path| {
        let path = path.to_owned();
        move |source| CheckpointError::Write { path, source }
    };
    let weights = folder.join("model.safetensors");
    output::write_file(&weights, |out| safetensors::write(out, tensors, stored))
        .map_err(wrong(&weights))?;
    copy_other_files(source.folder(), folder)?;
    let mut config = source.config().as_map().clone();
    config.shift_remove("torch_dtype");
    let name = stored.torch_name().unwrap_or("float32");
    config.insert("dtype".into(), json!(name));
    let path = folder.join("config.json");
    output::write_file(&path, |out| {
        serde_json::to_writer_pretty(&mut *out, &Value::Object(config))?;
        out.write_all(b"\n")
    })
    .map_err(wrong(&path))
}

/// Everything but weights and `config.json`: tokenizer files, code, a model card.
fn copy_other_files(from: &Path, to: &Path) -> Result<(), CheckpointError> {
    const WEIGHTS: [&str; 8] = [
        "safetensors",
        "bin",
        "h5",
        "msgpack",
        "pt",
        "pth",
        "ckpt",
        "onnx",
    ];
    let wrong = |source: io::Error| CheckpointError::Read {
        path: from.into(),
        source,
    };
    for entry in fs::read_dir(from).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let name = path.file_name().unwrap_or_default();
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        let is_weights =
            WEIGHTS.contains(&&*extension) || name.to_string_lossy().ends_with(".index.json");
        if !path.is_file() || is_weights || name == "config.json" {
            continue;
        }
        let target = to.join(name);
        fs::copy(&path, &target).map_err(|source| CheckpointError::Write {
            path: target,
            source,
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use cloze_core::ConfigJson;

    use super::*;
    use crate::checkpoint::{MaskedLanguageMetadata, save_masked_language_model};
    use crate::checkpoint::{init_masked_language_model, load_masked_language_model};
    use crate::named::{ParameterVisitor, for_each_parameter};
    use burn::module::Param;
    use burn::tensor::Tensor;

    const CONFIG: &str = r#"{"model_type": "bert", "vocab_size": 20, "hidden_size": 8,
        "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
        "max_position_embeddings": 10}"#;

    fn values(folder: &Path) -> Vec<f32> {
        struct Values(Vec<f32>);
        impl ParameterVisitor for Values {
            fn visit<const D: usize>(&mut self, _: &str, parameter: &Param<Tensor<D>>) {
                self.0.extend(parameter.val().into_data().iter::<f32>());
            }
        }
        let checkpoint = Checkpoint::open(folder).unwrap();
        let (model, report) =
            load_masked_language_model(&checkpoint, false, 0, &Device::flex()).unwrap();
        assert!(report.missing.is_empty() && report.unexpected.is_empty());
        let mut values = Values(Vec::new());
        for_each_parameter(&model, &mut values);
        values.0
    }

    #[test]
    fn half_precision_takes_half_the_space_and_is_read_again() {
        let place = tempfile::tempdir().unwrap();
        let (whole, half) = (place.path().join("whole"), place.path().join("half"));
        let json = ConfigJson::parse(Path::new("config.json"), CONFIG).unwrap();
        let model = init_masked_language_model(&json, false, 7, &Device::flex()).unwrap();
        let metadata = MaskedLanguageMetadata {
            config: &json,
            task: "masked-lm",
            max_length: Some(10),
        };
        save_masked_language_model(&whole, &model, &metadata).unwrap();
        fs::write(whole.join("vocab.txt"), "[PAD]\n").unwrap();
        fs::create_dir(&half).unwrap();
        let checkpoint = Checkpoint::open(&whole).unwrap();
        convert_weights(&checkpoint, &half, StoredType::F16).unwrap();
        let size = |folder: &Path| {
            fs::metadata(folder.join("model.safetensors"))
                .unwrap()
                .len()
        };
        assert!(size(&half) < size(&whole) * 3 / 4);
        assert_eq!(
            fs::read_to_string(half.join("vocab.txt")).unwrap(),
            "[PAD]\n"
        );
        let config = Checkpoint::open(&half).unwrap();
        assert_eq!(config.config().get("dtype").unwrap(), "float16");
        for (before, after) in values(&whole).into_iter().zip(values(&half)) {
            assert_eq!(half::f16::from_f32(before).to_f32(), after);
        }
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused() {
        assert!(StoredType::F16.holds(65_504.0) && StoredType::BF16.holds(1e38));
        assert!(!StoredType::F16.holds(70_000.0));
        assert!(
            StoredType::F16.holds(f32::NAN),
            "a fault of the source, kept as it is"
        );
    }
}
