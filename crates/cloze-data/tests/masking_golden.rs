//! Rates and shares of masking beside those of `transformers`' collator, over as many draws.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy exempts only functions marked as tests"
)]

use std::fs;
use std::path::Path;

use cloze_data::corpus::Token;
use cloze_data::masking::{MaskVocabulary, Masking};
use serde::Deserialize;

const MASK: u32 = 103;

#[derive(Deserialize)]
struct Golden {
    seeds: u64,
    blocks: Vec<Block>,
    token_masking: Vec<Case>,
    whole_word_masking: Vec<Case>,
}

#[derive(Deserialize)]
struct Block {
    ids: Vec<u32>,
    special: Vec<u8>,
    /// 1 where a word begins after white space.
    word_starts_by_offsets: Vec<u8>,
}

#[derive(Deserialize)]
struct Case {
    rate: f64,
    shares: [f64; 3],
    measured: Measured,
}

#[derive(Deserialize)]
struct Measured {
    token_rate: Mean,
    mask: Mean,
    kept: Mean,
    random: Mean,
}

#[derive(Deserialize)]
struct Mean {
    mean: f64,
    tolerance: f64,
}

impl Mean {
    fn compare(&self, what: &str, found: f64) {
        let difference = (found - self.mean).abs();
        assert!(
            difference <= self.tolerance + 1e-12,
            "{what}: {found}, of transformers {} give or take {}",
            self.mean,
            self.tolerance
        );
    }
}

fn golden() -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/masking.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Draws all blocks as often as the golden file was drawn, and compares the means.
fn compare(golden: &Golden, case: &Case, whole_words: bool) {
    let Golden { seeds, blocks, .. } = golden;
    let special = |id| {
        let mut places = blocks
            .iter()
            .flat_map(|block| block.ids.iter().zip(&block.special));
        places.any(|(&other, &special)| other == id && special == 1)
    };
    let vocabulary = MaskVocabulary::new(MASK, (1000..30_522).filter(|&id| !special(id)));
    let blocks: Vec<Vec<Token>> = blocks
        .iter()
        .map(|block| tokens(block, whole_words))
        .collect();
    let candidates = blocks.iter().flatten();
    let candidates = candidates
        .filter(|token| vocabulary.hides(token.id()))
        .count();
    let masking = Masking::new(case.rate, case.shares).unwrap();
    let (mut rates, mut shares) = (0.0, [0.0; 3]);
    for seed in 0..*seeds {
        let mut counts = [0_usize; 3];
        for (index, block) in blocks.iter().enumerate() {
            let mut random = Masking::stream(seed, 0, index as u64);
            let masked = masking.mask(block, &vocabulary, &mut random);
            for target in &masked.targets {
                let found = masked.ids[target.position];
                counts[match found {
                    MASK => 0,
                    found if found == target.id => 2,
                    _ => 1,
                }] += 1;
            }
        }
        let chosen: usize = counts.iter().sum();
        rates += chosen as f64 / candidates as f64;
        for (share, count) in shares.iter_mut().zip(counts) {
            *share += count as f64 / chosen as f64;
        }
    }
    let mean = |sum: f64| sum / *seeds as f64;
    case.measured.token_rate.compare("rate", mean(rates));
    case.measured.mask.compare("[MASK]", mean(shares[0]));
    case.measured.random.compare("random", mean(shares[1]));
    case.measured.kept.compare("kept", mean(shares[2]));
}

fn tokens(block: &Block, whole_words: bool) -> Vec<Token> {
    let starts = block.ids.iter().zip(&block.word_starts_by_offsets);
    starts
        .zip(&block.special)
        .map(|((&id, &starts), &special)| match whole_words {
            true if starts == 0 && special == 0 => Token::continuing(id),
            _ => Token::new(id),
        })
        .collect()
}

#[test]
fn tokens_are_masked_as_often_as_by_transformers() {
    let golden = golden();
    assert!(!golden.token_masking.is_empty());
    for case in &golden.token_masking {
        compare(&golden, case, false);
    }
}

#[test]
fn whole_words_are_masked_as_often_as_by_transformers() {
    let golden = golden();
    assert!(!golden.whole_word_masking.is_empty());
    for case in &golden.whole_word_masking {
        compare(&golden, case, true);
    }
}
