//! Parameter counts of published models, from their `config.json` alone.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails like a test")]

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, TensorData};
use cloze_core::{ConfigJson, EncoderConfig};
use cloze_model::parameters::{ModelPart, ParameterReport, TensorSummary};
use cloze_model::{
    Encoder, Init, MaskedLanguageModel, ModelClass, ParameterError, ParameterSource,
    SequenceClassifier, TokenClassifier, architectures,
};
use serde::Deserialize;
use testkit::golden::read_json;

/// Gives zeros: a count needs no numbers.
struct Zeros;

impl ParameterSource for Zeros {
    fn get(&mut self, _: &str, shape: &[usize], _: Init) -> Result<TensorData, ParameterError> {
        Ok(TensorData::zeros::<f32, _>(shape))
    }
}

fn report(config: &str) -> ParameterReport {
    let json = ConfigJson::parse(Path::new("config.json"), config).unwrap();
    let (_, config) = architectures::parse_config(&json).unwrap();
    ParameterReport::of(&Encoder::new(&config, &mut Zeros, &Device::flex()).unwrap())
}

fn bert(vocab_size: usize, hidden: usize, layers: usize) -> ParameterReport {
    report(&format!(
        r#"{{"model_type": "bert", "vocab_size": {vocab_size}, "hidden_size": {hidden},
            "num_hidden_layers": {layers}, "num_attention_heads": {}, "intermediate_size": {},
            "max_position_embeddings": 512, "type_vocab_size": 2}}"#,
        hidden / 64,
        hidden * 4,
    ))
}

#[test]
fn bert_base_uncased() {
    let report = bert(30522, 768, 12);
    assert_eq!(
        (report.parameters, report.trainable),
        (109_482_240, 109_482_240)
    );
    assert_eq!(report.bytes, 437_928_960);
    let part = |part| *report.part(part).unwrap();
    assert_eq!(
        part(ModelPart::Embeddings).parameters,
        (30522 + 512 + 2) * 768
    );
    assert_eq!(part(ModelPart::Embeddings).parameters, 23_835_648);
    assert_eq!(part(ModelPart::LayerNorm).parameters, 38_400);
    assert_eq!(part(ModelPart::Attention).matrices, 28_311_552);
    assert_eq!(part(ModelPart::FeedForward).matrices, 56_623_104);
    assert_eq!(part(ModelPart::Pooler).parameters, 768 * 768 + 768);
    assert!(report.part(ModelPart::Head).is_none());
}

#[test]
fn other_bert_models() {
    assert_eq!(bert(21128, 768, 12).parameters, 102_267_648, "base chinese");
    assert_eq!(bert(28996, 768, 12).parameters, 108_310_272, "base cased");
    assert_eq!(
        bert(30522, 1024, 24).parameters,
        335_141_888,
        "large uncased"
    );
}

#[test]
fn distilbert_base_uncased_with_and_without_its_masked_lm_head() {
    let encoder = report(
        r#"{"model_type": "distilbert", "vocab_size": 30522, "dim": 768, "n_layers": 6,
            "n_heads": 12, "hidden_dim": 3072, "max_position_embeddings": 512}"#,
    );
    assert_eq!(encoder.parameters, 66_362_880);
    // The decoder's matrix is that of the word embeddings.
    let head = [
        ("vocab_transform.weight", vec![768, 768]),
        ("vocab_transform.bias", vec![768]),
        ("vocab_layer_norm.weight", vec![768]),
        ("vocab_layer_norm.bias", vec![768]),
        ("vocab_projector.bias", vec![30522]),
    ];
    let head = head.map(|(name, shape)| TensorSummary {
        name: name.into(),
        shape,
        trainable: true,
    });
    let tensors = encoder.tensors.into_iter().chain(head).collect();
    let report = ParameterReport::from_tensors(tensors);
    assert_eq!(report.parameters, 66_985_530);
    assert_eq!(
        report.part(ModelPart::Head).unwrap().parameters,
        66_985_530 - 66_362_880
    );
}

#[derive(Deserialize)]
struct Counts {
    config: serde_json::Value,
    encoder: usize,
    classifier: usize,
    token_classifier: usize,
    masked_lm: usize,
}

/// `tools/reference/parameter_counts_golden.py` asks `transformers`.
#[test]
fn models_with_every_head_count_as_in_transformers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let golden: BTreeMap<String, Counts> = read_json(&folder.join("parameter_counts.json"));
    assert_eq!(golden["roberta-base"].encoder, 124_645_632);
    assert_eq!(golden["xlm-roberta-base"].encoder, 278_043_648);
    let device = Device::flex();
    for (name, counts) in golden {
        let json = counts.config.to_string();
        let json = ConfigJson::parse(Path::new("config.json"), &json).unwrap();
        let (architecture, config) = architectures::parse_config(&json).unwrap();
        let encoder = Encoder::new(&config, &mut Zeros, &device).unwrap();
        assert_eq!(
            ParameterReport::of(&encoder).parameters,
            counts.encoder,
            "{name}"
        );
        drop(encoder);

        let head = architecture.classification_head(&json, &config).unwrap();
        let pooler = architecture.has_pooler(ModelClass::SequenceClassification);
        let under_head = EncoderConfig {
            pooler,
            ..config.clone()
        };
        let model = SequenceClassifier::new(&under_head, &head, 3, &mut Zeros, &device).unwrap();
        assert_eq!(
            ParameterReport::of(&model).parameters,
            counts.classifier,
            "{name}"
        );
        drop(model);

        let model = TokenClassifier::new(&config, 0.1, 3, &mut Zeros, &device).unwrap();
        let found = ParameterReport::of(&model).parameters;
        assert_eq!(found, counts.token_classifier, "{name}");
        drop(model);

        let activation = architecture.masked_lm_activation(&config);
        let model =
            MaskedLanguageModel::new(&config, activation, false, &mut Zeros, &device).unwrap();
        assert_eq!(
            ParameterReport::of(&model).parameters,
            counts.masked_lm,
            "{name}"
        );
    }
}

#[test]
fn the_table_shows_what_is_frozen() {
    let tensor = |name: &str, rows, trainable| TensorSummary {
        name: name.into(),
        shape: vec![rows, 10],
        trainable,
    };
    let report = ParameterReport::from_tensors(vec![
        tensor("embeddings.word_embeddings.weight", 123_456, false),
        tensor("classifier.weight", 3, true),
    ]);
    assert_eq!(
        report.to_string(),
        "                   parameters      trainable         frozen\n\
         embeddings          1,234,560              0      1,234,560\n\
         head                       30             30              0\n\
         total               1,234,590             30      1,234,560\n\
         4,938,360 bytes"
    );
}
