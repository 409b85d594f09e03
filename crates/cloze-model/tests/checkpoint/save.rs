use std::fs;
use std::path::Path;

use burn::tensor::Device;
use cloze_core::{Activation, ConfigJson, LabelSet};
use cloze_model::checkpoint::{
    Checkpoint, ClassifierMetadata, ClassifierOptions, ClozeSettings, ProblemType, init_classifier,
    init_encoder, load_encoder, save_classifier, save_encoder,
};
use cloze_model::{ClassificationHeadConfig, Features, SequenceClassifier};
use serde_json::{Value, json};

use crate::fixture::{copy, golden, load, load_with, logits, set, tensors};

fn saved(folder: &Path, model: &SequenceClassifier, config: &ConfigJson) -> Value {
    let names = ["bad", "fair", "good"].map(String::from).to_vec();
    let metadata = ClassifierMetadata {
        config,
        labels: &LabelSet::from_names(names).unwrap(),
        problem_type: ProblemType::SingleLabelClassification,
        task: "text-classification",
        max_length: Some(16),
        stride: None,
    };
    save_classifier(folder, model, &metadata).unwrap();
    serde_json::from_str(&fs::read_to_string(folder.join("config.json")).unwrap()).unwrap()
}

fn mean_head() -> ClassificationHeadConfig {
    ClassificationHeadConfig {
        features: Features::Mean,
        feature_dropout: 0.2,
        hidden: vec![20],
        activation: Activation::GeluTanh,
        dropout: 0.3,
    }
}

#[test]
fn a_head_of_transformers_is_saved_under_its_class_and_names() {
    let source = copy("distilbert");
    set(source.path(), "a_key_of_somebody_else", json!([1, 2]));
    set(source.path(), "torch_dtype", json!("float16"));
    set(
        source.path(),
        "auto_map",
        json!({"AutoModel": "modeling_other.Other"}),
    );
    let (model, _) = load(source.path()).unwrap();
    let target = tempfile::tempdir().unwrap();
    let config = ConfigJson::read(&source.path().join("config.json")).unwrap();
    let written = saved(target.path(), &model, &config);

    assert_eq!(
        written["architectures"],
        json!(["DistilBertForSequenceClassification"])
    );
    assert_eq!(
        written["id2label"],
        json!({"0": "bad", "1": "fair", "2": "good"})
    );
    assert_eq!(written["label2id"], json!({"bad": 0, "fair": 1, "good": 2}));
    assert_eq!(written["problem_type"], "single_label_classification");
    assert_eq!(written["dtype"], "float32");
    assert_eq!(written["transformers_version"], "5.23.0");
    assert_eq!(written["a_key_of_somebody_else"], json!([1, 2]));
    assert_eq!(
        written["cloze"],
        json!({"task": "text-classification", "max_length": 16})
    );
    assert!(written.get("torch_dtype").is_none() && written.get("auto_map").is_none());
    assert!(!target.path().join("modeling_cloze.py").exists());

    let names = |folder: &Path| {
        let tensors = tensors(&folder.join("model.safetensors"));
        let mut names: Vec<String> = tensors.into_iter().map(|tensor| tensor.name).collect();
        names.sort();
        names
    };
    assert_eq!(names(target.path()), names(source.path()));
    let (again, report) = load(target.path()).unwrap();
    assert!(report.lines().is_empty(), "{report:?}");
    assert_eq!(logits(&again), logits(&model));
}

#[test]
fn a_head_that_transformers_lacks_is_saved_with_its_python() {
    for architecture in ["bert", "distilbert"] {
        let options = ClassifierOptions {
            head: Some(mean_head()),
            ..Default::default()
        };
        let (model, _) = load_with(&golden(architecture), &options).unwrap();
        let target = tempfile::tempdir().unwrap();
        let source = Checkpoint::open(&golden(architecture)).unwrap();
        let written = saved(target.path(), &model, source.config());
        assert_eq!(
            written["auto_map"],
            json!({"AutoModelForSequenceClassification": "modeling_cloze.ClozeForSequenceClassification"})
        );
        assert_eq!(
            written["architectures"],
            json!(["ClozeForSequenceClassification"])
        );
        assert_eq!(
            written["cloze"]["head"],
            json!({"features": "mean", "feature_dropout": 0.2, "hidden": [20], "activation": "gelu_tanh", "dropout": 0.3})
        );
        let python = fs::read_to_string(target.path().join("modeling_cloze.py")).unwrap();
        assert!(python.contains("class ClozeForSequenceClassification(PreTrainedModel):"));

        let (again, report) = load(target.path()).unwrap();
        assert!(report.lines().is_empty(), "{report:?}");
        assert_eq!(again.head.config(), &mean_head());
        assert_eq!(logits(&again), logits(&model));

        // Saved once more with the head of transformers, nothing of the other one is left.
        let own = source.classification_head().unwrap();
        let options = ClassifierOptions {
            head: Some(own),
            ..Default::default()
        };
        let (plain, _) = load_with(target.path(), &options).unwrap();
        let config = Checkpoint::open(target.path()).unwrap().config().clone();
        let written = saved(target.path(), &plain, &config);
        assert!(written.get("auto_map").is_none() && written["cloze"].get("head").is_none());
        assert_eq!(logits(&load(target.path()).unwrap().0), logits(&plain));
    }
}

#[test]
fn what_cloze_stored_comes_back() {
    let (model, _) = load(&golden("bert")).unwrap();
    let target = tempfile::tempdir().unwrap();
    let source = Checkpoint::open(&golden("bert")).unwrap();
    assert_eq!(source.cloze_settings(), None);
    saved(target.path(), &model, source.config());
    let checkpoint = Checkpoint::open(target.path()).unwrap();
    assert_eq!(
        checkpoint.cloze_settings(),
        Some(&ClozeSettings {
            task: Some("text-classification".into()),
            max_length: Some(16),
            ..ClozeSettings::default()
        })
    );
    assert_eq!(
        checkpoint.labels().unwrap().unwrap().names(),
        ["bad", "fair", "good"]
    );
    assert_eq!(
        checkpoint.problem_type().unwrap(),
        Some(ProblemType::SingleLabelClassification)
    );
}

#[test]
fn settings_that_are_none_of_clozes_are_an_error() {
    let folder = copy("bert");
    set(folder.path(), "cloze", json!({"max_length": "long"}));
    let error = Checkpoint::open(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("field `cloze`: found {\"max_length\":\"long\"}, wanted"),
        "{error}"
    );
}

#[test]
fn a_new_model_follows_from_its_seed_and_loads_again() {
    let config = ConfigJson::read(&golden("bert/config.json")).unwrap();
    let target = tempfile::tempdir().unwrap();
    let fresh = |seed| {
        let encoder = init_encoder(&config, seed, &Device::flex()).unwrap();
        let folder = target.path().join(seed.to_string());
        save_encoder(&folder, &encoder, &config).unwrap();
        folder
    };
    let (one, two) = (fresh(1), fresh(2));
    let bytes = |folder: &Path| fs::read(folder.join("model.safetensors")).unwrap();
    assert_ne!(bytes(&one), bytes(&two));
    assert_eq!(bytes(&one), bytes(&fresh(1)));
    // As AutoModel writes it: without a prefix.
    let first = &tensors(&one.join("model.safetensors"));
    assert!(
        first
            .iter()
            .any(|tensor| tensor.name == "embeddings.word_embeddings.weight")
    );
    let checkpoint = Checkpoint::open(&one).unwrap();
    assert_eq!(
        checkpoint.config().get("architectures"),
        Some(&json!(["BertModel"]))
    );
    let (_, report) = load_encoder(&checkpoint, &Device::flex()).unwrap();
    assert!(report.lines().is_empty());
}

#[test]
fn a_new_classifier_has_the_labels_it_was_asked_for() {
    let config = ConfigJson::read(&golden("distilbert/config.json")).unwrap();
    let options = ClassifierOptions {
        num_labels: Some(7),
        seed: 1,
        ..Default::default()
    };
    let model = init_classifier(&config, &options, &Device::flex()).unwrap();
    assert_eq!(model.head.labels(), 7);
}
