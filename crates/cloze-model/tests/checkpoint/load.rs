use std::fs;

use burn::tensor::Device;
use cloze_core::Activation;
use cloze_model::checkpoint::{
    Checkpoint, ClassifierOptions, check_vocabulary, load_encoder, resolve_model,
};
use cloze_model::{ClassificationHeadConfig, Features};
use safetensors::tensor::Dtype;
use serde_json::json;
use testkit::close::assert_close;

use crate::fixture::{
    Stored, changed, copy, golden, load, load_error, load_with, logits, set, tensors, write,
};

#[test]
fn names_without_prefix_and_old_names_load_the_same_model() {
    let wanted = logits(&load(&golden("bert")).unwrap().0);
    let folder = changed(|tensors| {
        for tensor in tensors.iter_mut() {
            tensor.name = tensor
                .name
                .replace("bert.", "")
                .replace("LayerNorm.weight", "LayerNorm.gamma");
        }
        tensors.push(Stored::floats("embeddings.position_ids", &[1, 24]));
    });
    let (model, report) = load(folder.path()).unwrap();
    assert!(report.lines().is_empty(), "{report:?}");
    assert_eq!(logits(&model), wanted);
}

#[test]
fn a_head_of_another_task_is_named_in_one_line_and_the_new_one_in_another() {
    let folder = changed(|tensors| {
        tensors.retain(|t| !t.name.starts_with("classifier") && !t.name.contains("pooler"));
        tensors.push(Stored::floats("cls.predictions.bias", &[60]));
        tensors.push(Stored::floats(
            "cls.predictions.transform.dense.weight",
            &[32, 32],
        ));
    });
    let (model, report) = load(folder.path()).unwrap();
    assert_eq!(
        report.lines(),
        [
            "not in the checkpoint, newly initialised: bert.pooler.dense.weight, \
             bert.pooler.dense.bias, classifier.weight, classifier.bias",
            "in the checkpoint, but not used: cls.predictions.bias, \
             cls.predictions.transform.dense.weight",
        ]
    );
    // The number of labels is that of config.json; the new tensors follow from the seed.
    assert_eq!(model.head.labels(), 3);
    let seeded = |seed| {
        let options = ClassifierOptions {
            seed,
            ..Default::default()
        };
        logits(&load_with(folder.path(), &options).unwrap().0)
    };
    assert_eq!(seeded(0), logits(&model));
    assert_ne!(seeded(1), seeded(2));
}

#[test]
fn an_encoder_loads_without_a_head() {
    let checkpoint = Checkpoint::open(&golden("bert")).unwrap();
    let (encoder, report) = load_encoder(&checkpoint, &Device::flex()).unwrap();
    assert!(report.missing.is_empty());
    assert_eq!(report.unexpected, ["classifier.bias", "classifier.weight"]);
    assert_eq!(encoder.config(), checkpoint.encoder_config());
}

#[test]
fn a_missing_layer_is_an_error_that_names_it() {
    let folder = changed(|tensors| tensors.retain(|t| !t.name.contains("layer.1.attention.self")));
    assert_eq!(
        load_error(folder.path()),
        "FOLDER lacks 6 of the encoder's tensors, first of all \
         `bert.encoder.layer.1.attention.self.query.weight`; \
         is its config.json that of another model?"
    );
}

#[test]
fn a_wrong_shape_is_an_error_that_names_tensor_found_and_wanted() {
    let folder = copy("bert");
    set(folder.path(), "intermediate_size", json!(48));
    assert_eq!(
        load_error(folder.path()),
        "FOLDER/model.safetensors, field `bert.encoder.layer.0.intermediate.dense.weight`: \
         found shape [64, 32], wanted [48, 32]"
    );
}

#[test]
fn a_truncated_file_is_an_error_that_says_so() {
    let folder = copy("bert");
    let file = folder.path().join("model.safetensors");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 100]).unwrap();
    let error = load_error(folder.path());
    assert!(
        error.starts_with("FOLDER/model.safetensors, field `"),
        "{error}"
    );
    assert!(
        error.contains("the file is cut short, wanted its bytes"),
        "{error}"
    );
    fs::write(&file, &bytes[..1000]).unwrap();
    let error = load_error(folder.path());
    assert!(
        error.contains("found only 992 bytes of it: the file is cut short"),
        "{error}"
    );
}

#[test]
fn integers_are_no_weights() {
    let folder = changed(|tensors| {
        let bias = tensors
            .iter_mut()
            .find(|t| t.name == "bert.pooler.dense.bias")
            .unwrap();
        *bias = Stored {
            dtype: Dtype::I32,
            ..bias.clone()
        };
    });
    assert_eq!(
        load_error(folder.path()),
        "FOLDER/model.safetensors, field `bert.pooler.dense.bias`: found numbers of type I32, \
         wanted floating-point numbers"
    );
}

#[test]
fn half_precision_is_converted() {
    let wanted = logits(&load(&golden("bert")).unwrap().0);
    for (dtype, tolerance) in [(Dtype::F16, 0.05), (Dtype::BF16, 0.5), (Dtype::F64, 0.0)] {
        let folder = changed(|tensors| {
            for tensor in tensors.iter_mut() {
                tensor.dtype = dtype;
                let (values, _) = tensor.bytes.as_chunks::<4>();
                let values = values.iter().map(|&bytes| f32::from_le_bytes(bytes));
                tensor.bytes = match dtype {
                    Dtype::F16 => values
                        .flat_map(|v| half::f16::from_f32(v).to_le_bytes())
                        .collect(),
                    Dtype::BF16 => values
                        .flat_map(|v| half::bf16::from_f32(v).to_le_bytes())
                        .collect(),
                    _ => values.flat_map(|v| f64::from(v).to_le_bytes()).collect(),
                };
            }
        });
        let found = logits(&load(folder.path()).unwrap().0);
        assert_close(&format!("{dtype:?}"), &found, &wanted, tolerance);
    }
}

#[test]
fn sharded_safetensors_are_read_together() {
    let wanted = logits(&load(&golden("bert")).unwrap().0);
    let folder = copy("bert");
    let whole = folder.path().join("model.safetensors");
    let all = tensors(&whole);
    fs::remove_file(whole).unwrap();
    let (first, second) = all.split_at(all.len() / 2);
    let mut map = serde_json::Map::new();
    for (shard, tensors) in [
        ("model-00001-of-00002.safetensors", first),
        ("model-00002-of-00002.safetensors", second),
    ] {
        write(&folder.path().join(shard), tensors);
        map.extend(
            tensors
                .iter()
                .map(|tensor| (tensor.name.clone(), shard.into())),
        );
    }
    let index = folder.path().join("model.safetensors.index.json");
    fs::write(&index, json!({"weight_map": map}).to_string()).unwrap();
    assert_eq!(logits(&load(folder.path()).unwrap().0), wanted);

    map.insert("extra".into(), "model-00002-of-00002.safetensors".into());
    fs::write(&index, json!({"weight_map": map}).to_string()).unwrap();
    assert_eq!(
        load_error(folder.path()),
        "FOLDER/model-00002-of-00002.safetensors, field `extra`: found no such tensor, \
         wanted what FOLDER/model.safetensors.index.json says is there"
    );
    map.insert("extra".into(), "../secret.safetensors".into());
    fs::write(&index, json!({"weight_map": map}).to_string()).unwrap();
    assert_eq!(
        load_error(folder.path()),
        "FOLDER/model.safetensors.index.json, field `extra`: found \"../secret.safetensors\", \
         wanted the name of a file beside it"
    );
    map.insert("extra".into(), "model-00003-of-00002.safetensors".into());
    fs::write(&index, json!({"weight_map": map}).to_string()).unwrap();
    assert_eq!(
        load_error(folder.path()),
        "FOLDER/model.safetensors.index.json names the shard model-00003-of-00002.safetensors, \
         which is not beside it"
    );
}

#[test]
fn a_folder_without_weights_says_what_was_looked_for() {
    let folder = copy("bert");
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    fs::write(folder.path().join("tf_model.h5"), "").unwrap();
    assert_eq!(
        load_error(folder.path()),
        "FOLDER holds no weights: wanted model.safetensors, model.safetensors.index.json, \
         pytorch_model.bin or pytorch_model.bin.index.json; tf_model.h5 is of another program"
    );
}

#[test]
fn another_number_of_labels_needs_a_new_head() {
    let options = ClassifierOptions {
        num_labels: Some(5),
        ..Default::default()
    };
    let folder = golden("bert");
    let error = load_with(&folder, &options)
        .map(|(_, report)| report)
        .unwrap_err();
    assert!(
        error.ends_with(
            "has a head for 3 labels, but 5 are wanted; leave its head out to train a new one"
        ),
        "{error}"
    );
    let (model, report) = load_with(
        &folder,
        &ClassifierOptions {
            new_head: true,
            ..options
        },
    )
    .unwrap();
    assert_eq!(model.head.labels(), 5);
    assert_eq!(report.missing, ["classifier.weight", "classifier.bias"]);
    assert_eq!(report.unexpected, ["classifier.bias", "classifier.weight"]);
}

#[test]
fn a_head_of_another_form_is_new_as_a_whole() {
    let head = ClassificationHeadConfig {
        features: Features::Mean,
        feature_dropout: 0.0,
        hidden: vec![20],
        activation: Activation::Relu,
        dropout: 0.1,
    };
    let options = ClassifierOptions {
        head: Some(head),
        ..Default::default()
    };
    let (model, report) = load_with(&golden("distilbert"), &options).unwrap();
    assert_eq!(
        report.missing,
        [
            "head.hidden.0.weight",
            "head.hidden.0.bias",
            "head.output.weight",
            "head.output.bias"
        ]
    );
    assert_eq!(model.head.labels(), 3);
}

#[test]
fn a_tokenizer_with_more_entries_than_embeddings_is_refused() {
    let checkpoint = Checkpoint::open(&golden("bert")).unwrap();
    assert!(check_vocabulary(&checkpoint, 60, 60).is_ok());
    let error = check_vocabulary(&checkpoint, 61, 60)
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with(
            "has 61 entries, but the model's embeddings have only 60 rows: \
             the vocabulary does not belong to these weights"
        ),
        "{error}"
    );
}

#[test]
fn a_name_is_a_folder_or_else_must_be_a_hub_id() {
    let folder = golden("bert");
    let name = folder.to_str().unwrap();
    assert_eq!(resolve_model(name, &Default::default()).unwrap(), folder);
    let error = |name: &str| {
        resolve_model(name, &Default::default())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error("./no/such/folder"),
        "\"./no/such/folder\" is neither a folder that exists nor a Hub id \
         (owner/name, or owner/name@revision)"
    );
    let file = folder.join("config.json");
    assert_eq!(
        error(file.to_str().unwrap()),
        format!(
            "{} is not a folder; a checkpoint is a folder with config.json and its weights",
            file.display()
        )
    );
}
