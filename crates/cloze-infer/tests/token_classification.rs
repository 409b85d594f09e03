//! Entities beside the token-classification pipeline of `transformers`, on models that it saved.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy exempts only functions marked as tests"
)]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use burn::module::Param;
use burn::tensor::{Device, Gradients, Tensor};
use cloze_core::PackedBatch;
use cloze_infer::{
    Aggregation, FoundEntity, InferError, ModelTask, TaggingOptions, TextClassifier,
    TokenClassificationPipeline,
};
use cloze_model::ForwardOptions;
use cloze_model::checkpoint::{Checkpoint, TokenClassifierOptions, load_token_classifier};
use cloze_model::named::{ParameterVisitor, for_each_parameter, is_encoder_name};
use cloze_tasks::{Input, TagTarget, Task, TextClassification, token_classification::TaggedToken};
use serde::Deserialize;
use serde_json::Value;
use testkit::close::{assert_close, assert_relatively_close};
use testkit::golden::{Golden, read_json};

const MODELS: [&str; 5] = ["bert", "distilbert", "electra", "roberta", "xlm-roberta"];

#[derive(Deserialize)]
struct Expected {
    labels: Vec<String>,
    batch: Batch,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Batch {
    input_ids: Vec<Vec<u32>>,
    labels: Vec<Vec<i64>>,
    logits: Vec<Vec<Vec<f32>>>,
    loss: f32,
}

impl Batch {
    fn packed(&self) -> PackedBatch {
        let types = vec![0; 128];
        let rows = self.input_ids.iter();
        PackedBatch::from_sequences(rows.map(|ids| (ids.as_slice(), &types[..ids.len()]))).unwrap()
    }

    fn targets(&self) -> Vec<TagTarget> {
        let target = |(sentence, labels): (usize, &Vec<i64>)| TagTarget {
            sentence,
            length: labels.len(),
            words: 0,
            tokens: (0..)
                .zip(labels)
                .filter(|(_, label)| **label >= 0)
                .map(|(position, &label)| TaggedToken {
                    position,
                    label: label as usize,
                    word: None,
                })
                .collect(),
        };
        self.labels.iter().enumerate().map(target).collect()
    }
}

#[derive(Deserialize)]
struct Case {
    text: String,
    output: BTreeMap<String, Vec<Value>>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn folder(model: &str) -> PathBuf {
    root()
        .join("crates/cloze-infer/tests/golden/token_classification")
        .join(model)
}

fn open(model: &str) -> (TokenClassificationPipeline, Expected) {
    let folder = folder(model);
    let pipeline = TokenClassificationPipeline::open(&folder, &Device::flex()).unwrap();
    (pipeline, read_json(&folder.join("expected.json")))
}

fn options(aggregation: Aggregation) -> TaggingOptions {
    TaggingOptions {
        aggregation,
        ..TaggingOptions::default()
    }
}

#[track_caller]
fn compare(text: &str, found: &FoundEntity, expected: &Value) {
    let found = serde_json::to_value(found).unwrap();
    let [found, expected] = [&found, expected].map(|entity| entity.as_object().unwrap());
    let names =
        |entity: &serde_json::Map<String, Value>| entity.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{text}");
    for (name, value) in found {
        if name == "score" {
            let difference = value.as_f64().unwrap() - expected[name].as_f64().unwrap();
            assert!(difference.abs() < 1e-4, "{text}: {found:?} {expected:?}");
        } else {
            assert_eq!(value, &expected[name], "{text}: {found:?}");
        }
    }
}

#[test]
fn entities_are_those_of_transformers_with_every_aggregation() {
    let strategies = [
        ("none", Aggregation::None),
        ("simple", Aggregation::Simple),
        ("first", Aggregation::First),
        ("average", Aggregation::Average),
        ("max", Aggregation::Max),
    ];
    for model in MODELS {
        let (pipeline, golden) = open(model);
        assert_eq!(pipeline.labels().names(), golden.labels);
        assert!(golden.cases.len() >= 10);
        let texts: Vec<&str> = golden.cases.iter().map(|case| case.text.as_str()).collect();
        for (name, aggregation) in strategies {
            let found = pipeline.predict(&texts, &options(aggregation)).unwrap();
            for (found, case) in found.iter().zip(&golden.cases) {
                let (text, expected) = (&case.text, &case.output[name]);
                assert_eq!(found.windows, 1);
                assert_eq!(
                    found.entities.len(),
                    expected.len(),
                    "{model}, {name}: {text}"
                );
                for (found, expected) in found.entities.iter().zip(expected) {
                    compare(text, found, expected);
                }
            }
        }
    }
}

struct Comparison<'a> {
    model: &'a str,
    checkpoint: &'a Checkpoint,
    expected: Golden,
    gradients: Gradients,
    compared: usize,
}

impl ParameterVisitor for Comparison<'_> {
    fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
        let architecture = self.checkpoint.architecture();
        // Every architecture calls the head for tokens `classifier`.
        let own = match is_encoder_name(name) {
            true => format!("{}{}", architecture.prefix(), architecture.hf_name(name)),
            false => name.to_owned(),
        };
        let expected = self.expected.floats(&format!("grad.{own}")).values;
        let found = parameter.grad(&self.gradients).unwrap();
        let found: Vec<f32> = found.into_data().try_to_vec().unwrap();
        let what = format!("{}, {own}", self.model);
        if name.ends_with("attention.self.key.bias") {
            // Zero but for rounding: it adds the same to every score of a row.
            assert_close(&what, &found, &expected, 1e-4);
        } else {
            assert_relatively_close(&what, &found, &expected, 1e-3);
        }
        self.compared += 1;
    }
}

#[test]
fn logits_loss_and_gradients_are_those_of_transformers() {
    for model in MODELS {
        let (pipeline, Expected { batch, .. }) = open(model);
        let checkpoint = Checkpoint::open(&folder(model)).unwrap();
        let task = ModelTask::of(&folder(model)).unwrap();
        assert_eq!(task, ModelTask::TokenClassification);
        let options = TokenClassifierOptions::default();
        let device = Device::flex().autodiff();
        let (network, report) = load_token_classifier(&checkpoint, &options, &device).unwrap();
        assert_eq!(report.lines(), Vec::<String>::new());
        let packed = batch.packed();
        let rows: Vec<usize> = (0..packed.tokens()).collect();
        let options = ForwardOptions::default();
        let logits = network.forward(&packed, &rows, &options).unwrap();
        let logits: Vec<f32> = logits.into_data().try_to_vec().unwrap();
        assert_close(model, &logits, &batch.logits.concat().concat(), 1e-4);

        let (input, targets) = (Input::Tokens(&packed), batch.targets());
        let objective = pipeline
            .task()
            .loss(&network, &input, &targets, &options)
            .unwrap();
        let loss = objective.loss.clone().into_scalar::<f32>();
        assert_close(model, &[loss], &[batch.loss], 1e-5);
        let mut comparison = Comparison {
            model,
            checkpoint: &checkpoint,
            expected: Golden::read(&folder(model).join("gradients.safetensors")),
            gradients: objective.loss.backward(),
            compared: 0,
        };
        for_each_parameter(&network, &mut comparison);
        assert_eq!(comparison.compared, comparison.expected.names().len());
    }
}

/// The model reads 24 tokens.
#[test]
fn every_token_of_a_long_text_is_judged_once_and_in_its_place() {
    let (pipeline, _) = open("bert");
    let text = "the 🐶 cat walked, 我爱中国。 ".repeat(12);
    let none = |text: &str, batch: usize| {
        let options = TaggingOptions {
            batch_size: NonZeroUsize::new(batch).unwrap(),
            ..options(Aggregation::None)
        };
        pipeline.predict(&[text], &options).unwrap().remove(0)
    };
    let found = none(&text, 32);
    assert!(found.windows > 5 && found.length > 100);
    assert_eq!(
        none(&text, 1),
        found,
        "texts are judged alone as in a batch"
    );
    let places: Vec<usize> = found.entities.iter().map(|entity| entity.start).collect();
    assert!(places.is_sorted());
    let characters: Vec<char> = text.chars().collect();
    for entity in &found.entities {
        let own: String = characters[entity.start..entity.end].iter().collect();
        let word = entity.word.trim_start_matches("##");
        assert_eq!(own, word, "{entity:?}");
    }
    // Where words repeat, one half of the text has as many entities as the other, edges aside.
    let half = found
        .entities
        .iter()
        .filter(|entity| entity.start < characters.len() / 2)
        .count();
    let other = found.entities.len() - half;
    assert!(half.abs_diff(other) * 4 < half + other, "{half} {other}");
    let empty = pipeline
        .predict(&["", "   "], &TaggingOptions::default())
        .unwrap();
    assert!(empty.iter().all(|text| text.entities.is_empty()));
}

#[test]
fn another_model_is_no_token_classifier() {
    let folder = root().join("crates/cloze-model/tests/golden/masked_lm/bert");
    let error = TokenClassificationPipeline::open(&folder, &Device::flex()).unwrap_err();
    assert!(
        matches!(error, InferError::NotATokenClassifier { .. }),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("it is a BertForMaskedLM, and lacks classifier.weight")
    );
}

#[test]
fn a_token_classifier_is_no_text_classifier() {
    let folder = folder("bert");
    let error = TextClassifier::open(&folder, &Device::flex()).unwrap_err();
    assert!(
        error.to_string().ends_with(
            "was trained for token-classification, not for text classification with one label a text"
        ),
        "{error}"
    );
    // Nor does its head go on as one for texts where the labels are the same.
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let labels = checkpoint.labels().unwrap().unwrap();
    let task = TextClassification::new(labels, 16);
    let (_, report) = task.load(&checkpoint, 0, &Device::flex()).unwrap();
    let is_new = |name: &str| report.missing.iter().any(|missing| missing.ends_with(name));
    assert!(
        is_new("classifier.weight") && is_new("classifier.bias"),
        "{:?}",
        report.missing
    );
}

#[test]
fn no_text_is_too_strange() {
    let (pipeline, _) = open("distilbert");
    let pieces = [
        "a", "é", "差", "🐶", "\u{301}", "\u{200d}", "\u{3000}", " ", ".", "#", "[SEP]", "\u{0}",
        "cat",
    ];
    let mut random = cloze_data::RandomStream::new(5, &[]);
    let texts: Vec<String> = (0..200)
        .map(|text| {
            (0..text % 40)
                .map(|_| pieces[random.below(pieces.len())])
                .collect()
        })
        .collect();
    let inputs: Vec<&str> = texts.iter().map(String::as_str).collect();
    for aggregation in [Aggregation::None, Aggregation::Simple, Aggregation::Max] {
        let found = pipeline.predict(&inputs, &options(aggregation)).unwrap();
        for (text, found) in texts.iter().zip(&found) {
            for entity in &found.entities {
                assert!(entity.start <= entity.end && entity.end <= text.chars().count());
                assert!(entity.score > 0.0 && entity.score <= 1.0 + 1e-9);
            }
        }
    }
}
