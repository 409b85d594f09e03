//! Filled masks beside the fill-mask pipeline of `transformers`.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy exempts only functions marked as tests"
)]

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cloze_infer::{FillOptions, Filling, MaskedLanguagePipeline};
use serde::Deserialize;
use serde_json::Value;
use testkit::golden::read_json;

#[derive(Deserialize)]
struct Golden {
    /// From the root of the repository.
    model: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    top_k: Option<usize>,
    target_ids: Option<Vec<u32>>,
    output: Value,
}

#[derive(Deserialize)]
struct Expected {
    score: f64,
    token: u32,
    token_str: String,
    sequence: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The fillings of every mask.
fn lists(output: &Value) -> Vec<Vec<Expected>> {
    let lists = match output[0] {
        Value::Array(_) => output.clone(),
        _ => Value::Array(vec![output.clone()]),
    };
    serde_json::from_value(lists).unwrap()
}

fn check(file: &str) {
    let path = root().join("crates/cloze-infer/tests/golden/fill_mask");
    let golden: Golden = read_json(&path.join(file));
    let folder = root().join(&golden.model);
    let pipeline = MaskedLanguagePipeline::open(&folder, &Device::flex()).unwrap();
    assert!(golden.cases.len() >= 10);
    for case in &golden.cases {
        let options = FillOptions {
            top_k: NonZeroUsize::new(case.top_k.unwrap_or(5)).unwrap(),
            targets: case.target_ids.clone(),
            ..FillOptions::default()
        };
        let filled = pipeline
            .fill(&[case.text.as_str().into()], &options)
            .unwrap();
        let expected = lists(&case.output);
        assert_eq!(filled[0].masks.len(), expected.len(), "{}", case.text);
        for (found, expected) in filled[0].masks.iter().zip(&expected) {
            assert_eq!(found.len(), expected.len(), "{}", case.text);
            for (found, expected) in found.iter().zip(expected) {
                compare(&case.text, found, expected);
            }
        }
    }
}

fn compare(text: &str, found: &Filling, expected: &Expected) {
    assert_eq!(found.token, expected.token, "{text}: {found:?}");
    assert_eq!(found.token_str, expected.token_str, "{text}");
    assert_eq!(found.sequence, expected.sequence, "{text}");
    let difference = (found.score - expected.score).abs();
    assert!(
        difference < 1e-4 * expected.score + 1e-7,
        "{text}: {} {}",
        found.score,
        expected.score
    );
}

#[test]
fn a_tiny_model_fills_masks_as_transformers_does() {
    check("tiny.json");
}

#[test]
fn a_mask_of_roberta_takes_the_space_before_it() {
    check("roberta.json");
}

#[test]
fn a_generator_with_narrow_embeddings_fills_masks_as_transformers_does() {
    check("electra.json");
}

/// `make test` fetches the model; without it there is nothing to compare with.
#[test]
fn a_real_model_fills_masks_as_transformers_does() {
    if root().join("assets/bert-tiny").exists() {
        check("bert-tiny.json");
    }
}

#[test]
fn texts_are_filled_alone_as_in_a_batch_and_a_text_without_a_mask_is_refused() {
    let folder = root().join("crates/cloze-model/tests/golden/masked_lm/bert");
    let pipeline = MaskedLanguagePipeline::open(&folder, &Device::flex()).unwrap();
    let texts = ["the [MASK] sat", "[MASK]", "the cat sat on [MASK] [MASK]"];
    let fill = |texts: &[&str]| {
        let inputs: Vec<_> = texts.iter().map(|&text| text.into()).collect();
        pipeline.fill(&inputs, &FillOptions::default())
    };
    let together = fill(&texts).unwrap();
    for (text, together) in texts.iter().zip(together) {
        assert_eq!(fill(&[text]).unwrap(), [together]);
    }
    let error = fill(&["the [MASK]", "the cat"]).unwrap_err().to_string();
    assert_eq!(
        error,
        "text number 2: found no [MASK], wanted one or several"
    );
}
