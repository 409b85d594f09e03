//! Decoding equals that of `transformers`, from golden files.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy exempts only functions marked as tests"
)]

use std::path::{Path, PathBuf};

use cloze_infer::InferError;
use cloze_infer::generation::chain::{Chain, Written};
use cloze_infer::generation::{GENERATION_CONFIG, GenerationSettings, NextToken, beam_search};
use serde::Deserialize;
use serde_json::Value;
use testkit::close::{assert_close, assert_relatively_close};
use testkit::golden::read_json;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/generation")
        .join(name)
}

/// Settings as `transformers` has them, by way of their file.
fn settings(fields: &Value) -> GenerationSettings {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(GENERATION_CONFIG), fields.to_string()).unwrap();
    GenerationSettings::of_folder(folder.path()).unwrap()
}

fn numbers(values: &[Option<f32>]) -> Vec<f32> {
    values
        .iter()
        .map(|value| value.unwrap_or(f32::NEG_INFINITY))
        .collect()
}

#[derive(Deserialize)]
struct ProcessorCase {
    name: String,
    settings: Value,
    written: Vec<u32>,
    prompt: usize,
    scores: Vec<Option<f32>>,
    expected: Vec<Option<f32>>,
}

#[test]
fn every_rule_and_their_order_are_those_of_transformers() {
    let cases: Vec<ProcessorCase> = read_json(&golden("processors.json"));
    assert!(cases.len() >= 20);
    for case in cases {
        let mut scores = numbers(&case.scores);
        let chain = Chain::new(&settings(&case.settings), &[]);
        let written = Written {
            ids: &case.written,
            prompt: case.prompt,
        };
        chain.process(&written, &mut scores);
        let expected = numbers(&case.expected);
        // Minus infinity has to be in the same places.
        let finite = |values: &[f32]| -> Vec<f32> {
            values
                .iter()
                .map(|&value| if value.is_finite() { value } else { 1e6 })
                .collect()
        };
        assert_close(&case.name, &finite(&scores), &finite(&expected), 1e-5);
    }
}

/// Next-token logits from tables.
#[derive(Deserialize)]
struct Tables {
    logits: Vec<Vec<f32>>,
    before: Vec<Vec<f32>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    settings: Value,
    prompt: Vec<u32>,
    end: Option<u32>,
    #[serde(default)]
    sequences: Vec<Vec<u32>>,
    #[serde(default)]
    scores: Vec<f32>,
    #[serde(default)]
    sequence: Vec<u32>,
}

impl NextToken for Tables {
    fn vocab_size(&self) -> usize {
        self.logits.len()
    }

    fn next_logits(&self, written: &[&[u32]]) -> Result<Vec<f32>, InferError> {
        let row = |ids: &&[u32]| {
            let mut row = self.logits[ids[ids.len() - 1] as usize].clone();
            if let [.., before, _] = ids {
                let more = &self.before[*before as usize];
                row.iter_mut()
                    .zip(more)
                    .for_each(|(logit, more)| *logit += more);
            }
            row
        };
        Ok(written.iter().flat_map(row).collect())
    }

    fn context(&self) -> usize {
        2
    }
}

#[test]
fn beam_search_finds_the_texts_of_transformers_with_their_scores() {
    let tables: Tables = read_json(&golden("beams.json"));
    assert!(tables.cases.len() >= 15);
    for case in &tables.cases {
        let settings = settings(&case.settings);
        settings.check().unwrap();
        let chain = Chain::new(&settings, &[]);
        let mut ends = |ids: &[u32]| Ok(ids.last().copied() == case.end);
        let found = beam_search(
            &tables,
            &case.prompt,
            &chain,
            &settings,
            &mut ends,
            &mut || false,
        )
        .unwrap();
        let sequences: Vec<&[u32]> = found.iter().map(|text| text.ids.as_slice()).collect();
        assert_eq!(sequences, case.sequences, "{}", case.settings);
        let scores: Vec<f32> = found.iter().map(|text| text.score).collect();
        assert_relatively_close(&case.settings.to_string(), &scores, &case.scores, 1e-6);
    }
}

/// One beam is greedy decoding.
#[test]
fn greedy_decoding_is_that_of_transformers() {
    let tables: Tables = read_json(&golden("greedy.json"));
    assert_eq!(tables.cases.len(), 3);
    for case in &tables.cases {
        let settings = settings(&case.settings);
        let chain = Chain::new(&settings, &[]);
        let mut ids = case.prompt.clone();
        for _ in 0..settings.max_new_tokens {
            let mut scores = tables.next_logits(&[&ids]).unwrap();
            let prompt = case.prompt.len();
            chain.process(&Written { ids: &ids, prompt }, &mut scores);
            let highest = (0..scores.len())
                .max_by(|&a, &b| scores[a].total_cmp(&scores[b]))
                .unwrap();
            ids.push(highest as u32);
        }
        assert_eq!(ids[case.prompt.len()..], case.sequence, "{}", case.settings);
    }
}
