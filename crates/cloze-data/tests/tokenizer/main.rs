//! The tokenizer against `transformers`, the worked examples, and whatever a user may give it.
//!
//! The vocabularies are those in `assets/`, which `make assets` fetches.
#![expect(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod adding;
mod batches;
mod examples;
mod folders;
mod golden;
mod properties;
mod roberta;
mod saving;
mod training;

use std::path::PathBuf;

use cloze_data::tokenizer::{Encoding, Tokenizer};

/// A folder below `assets/`.
fn asset(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../assets")
        .join(name);
    assert!(path.exists(), "assets/{name} is missing: run `make assets`");
    path
}

/// The vocabulary of bert-base-uncased.
fn uncased() -> Tokenizer {
    Tokenizer::from_folder(&asset("minilm")).unwrap()
}

/// The Chinese vocabulary of 21,128 tokens; letters keep their case.
fn chinese() -> Tokenizer {
    Tokenizer::from_folder(&asset("vocab-zh")).unwrap()
}

fn ids_of(encodings: &[Encoding]) -> Vec<&[u32]> {
    encodings.iter().map(|one| one.ids.as_slice()).collect()
}
