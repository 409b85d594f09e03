//! Masking and blocks against `transformers`, whose collator `tools/reference/masking_reference.py` ran
//! to write `tests/golden/masking.json`.
//!
//! The vocabularies are those in `assets/`, which `make assets` fetches.
#![expect(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use cloze_data::corpus::{Blocks, BuildOptions, Layout, Token, TokenFile, WordRule, build_corpus};
use cloze_data::masking::{MaskVocabulary, Masking};
use cloze_data::splits::PerPart;
use cloze_data::tokenizer::Tokenizer;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    tokenizer: String,
    seeds: u64,
    texts: Vec<String>,
    blocks: Vec<Block>,
    token_masking: Vec<Measured>,
    whole_word_masking: Vec<Measured>,
    chinese: Chinese,
    group_texts: GroupTexts,
}

#[derive(Deserialize)]
struct Block {
    ids: Vec<u32>,
    special: Vec<u8>,
    word_starts_by_offsets: Vec<u8>,
    word_starts_by_pieces: Vec<u8>,
}

#[derive(Deserialize)]
struct Measured {
    rate: f64,
    shares: [f64; 3],
    measured: BTreeMap<String, Mean>,
}

#[derive(Deserialize)]
struct Mean {
    mean: f64,
    tolerance: f64,
}

#[derive(Deserialize)]
struct Chinese {
    tokenizer: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    ids: Vec<u32>,
    special: Vec<u8>,
    word_starts_by_offsets: Vec<u8>,
}

#[derive(Deserialize)]
struct GroupTexts {
    texts: Vec<String>,
    lengths: Vec<u64>,
    counts: Vec<BlockCount>,
    ids: Vec<Vec<u32>>,
}

#[derive(Deserialize)]
struct BlockCount {
    chunk_size: NonZeroUsize,
    blocks: u64,
    dropped: u64,
}

fn golden() -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/masking.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn tokenizer(name: &str) -> Tokenizer {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../assets")
        .join(name);
    assert!(path.exists(), "assets/{name} is missing: run `make assets`");
    Tokenizer::from_folder(&path).unwrap()
}

/// Texts as a token file, `[CLS] text [SEP]`, nothing cut.
fn build(tokenizer: &Tokenizer, texts: &[String], words: WordRule) -> TokenFile {
    let folder = tempfile::tempdir().unwrap();
    let options = BuildOptions {
        layout: Layout::Whole,
        words,
        split: None,
        limits: PerPart::default(),
    };
    let paths = PerPart {
        train: Some(folder.path().join("train.safetensors")),
        ..PerPart::default()
    };
    let texts = texts.iter().cloned().map(Ok);
    let go_on = |_: &_| ControlFlow::Continue(());
    let built = build_corpus(texts, tokenizer, &options, &paths, go_on).unwrap();
    built.train.unwrap().file
}

fn blocks(file: TokenFile, size: NonZeroUsize) -> Vec<Vec<Token>> {
    let blocks = Blocks::new(file, size).unwrap();
    let read = |index| {
        let mut tokens = Vec::new();
        blocks.read(index, &mut tokens).unwrap();
        tokens
    };
    (0..blocks.len()).map(read).collect()
}

const SIZE: NonZeroUsize = NonZeroUsize::new(128).unwrap();

fn ids(tokens: &[Token]) -> Vec<u32> {
    tokens.iter().map(|token| token.id()).collect()
}

/// 1 where a word of ordinary tokens begins, also one that a block cuts, or a special token.
fn word_starts(tokens: &[Token], special: &[u8]) -> Vec<u8> {
    let begins = |(place, token): (usize, &Token)| {
        let after_special = place == 0 || special[place - 1] == 1;
        u8::from(special[place] == 0 && (after_special || !token.continues_word()))
    };
    tokens.iter().enumerate().map(begins).collect()
}

#[test]
fn blocks_and_their_words_are_those_of_transformers() {
    let golden = golden();
    let tokenizer = tokenizer(&golden.tokenizer);
    let expected: Vec<&[u32]> = golden.blocks.iter().map(|block| &block.ids[..]).collect();
    for rule in [WordRule::Spaces, WordRule::SubWords] {
        let blocks = blocks(build(&tokenizer, &golden.texts, rule), SIZE);
        let found: Vec<Vec<u32>> = blocks.iter().map(|block| ids(block)).collect();
        assert_eq!(found, expected);
        for (block, expected) in blocks.iter().zip(&golden.blocks) {
            let starts = match rule {
                WordRule::Spaces => &expected.word_starts_by_offsets,
                _ => &expected.word_starts_by_pieces,
            };
            let found = word_starts(block, &expected.special);
            assert_eq!(&found, starts, "{rule:?}");
        }
    }
}

#[test]
fn spaces_are_the_words_of_transformers_in_a_segmented_text() {
    let chinese = golden().chinese;
    let tokenizer = tokenizer(&chinese.tokenizer);
    for case in chinese.cases {
        let file = build(&tokenizer, &[case.text], WordRule::Spaces);
        let mut tokens = Vec::new();
        file.read(0, &mut tokens).unwrap();
        assert_eq!(ids(&tokens), case.ids);
        assert_eq!(
            word_starts(&tokens, &case.special),
            case.word_starts_by_offsets
        );
    }
}

#[test]
fn texts_become_the_blocks_of_group_texts() {
    let golden = golden();
    let tokenizer = tokenizer(&golden.tokenizer);
    let group = golden.group_texts;
    let build = || build(&tokenizer, &group.texts, WordRule::None);
    let file = build();
    let lengths: Vec<u64> = file
        .sequences_from(0)
        .map(|one| one.unwrap().tokens())
        .collect();
    assert_eq!(lengths, group.lengths);
    for count in &group.counts {
        match Blocks::new(build(), count.chunk_size) {
            Ok(blocks) => assert_eq!(
                (blocks.len(), blocks.dropped()),
                (count.blocks, count.dropped)
            ),
            Err(_) => assert_eq!(count.blocks, 0),
        }
    }
    let blocks = blocks(file, SIZE);
    let found: Vec<Vec<u32>> = blocks.iter().map(|block| ids(block)).collect();
    assert_eq!(found, group.ids);
}

/// What the collator's rates and shares are called, of one draw over all blocks.
fn draw(
    masking: &Masking,
    vocabulary: &MaskVocabulary,
    blocks: &[Vec<Token>],
    starts: &[Vec<u8>],
    seed: u64,
) -> BTreeMap<&'static str, f64> {
    let (mut chosen, mut words, mut mask, mut kept) = (0, 0, 0, 0);
    for (index, (block, starts)) in (0..).zip(blocks.iter().zip(starts)) {
        let masked = masking.mask(block, vocabulary, &mut Masking::stream(seed, 0, index));
        for target in masked.targets {
            let shown = masked.ids[target.position];
            chosen += 1;
            words += u32::from(starts[target.position]);
            mask += u32::from(shown == vocabulary.mask());
            kept += u32::from(shown == target.id);
        }
    }
    let tokens = blocks.concat();
    let ordinary = tokens.iter().filter(|token| vocabulary.hides(token.id()));
    let all_words: u32 = starts.iter().flatten().map(|&start| u32::from(start)).sum();
    let of_chosen = |count: u32| f64::from(count) / f64::from(chosen);
    BTreeMap::from([
        ("token_rate", f64::from(chosen) / ordinary.count() as f64),
        ("word_rate", f64::from(words) / f64::from(all_words)),
        ("mask", of_chosen(mask)),
        ("kept", of_chosen(kept)),
        ("random", of_chosen(chosen - mask - kept)),
    ])
}

#[test]
fn rates_and_shares_are_those_of_transformers() {
    let golden = golden();
    let tokenizer = tokenizer(&golden.tokenizer);
    let vocabulary = MaskVocabulary::of(&tokenizer);
    for (rule, settings) in [
        (WordRule::None, &golden.token_masking),
        (WordRule::Spaces, &golden.whole_word_masking),
    ] {
        let blocks = blocks(build(&tokenizer, &golden.texts, rule), SIZE);
        let starts: Vec<Vec<u8>> = blocks
            .iter()
            .zip(&golden.blocks)
            .map(|(block, expected)| word_starts(block, &expected.special))
            .collect();
        for setting in settings {
            let masking = Masking::new(setting.rate, setting.shares).unwrap();
            let draws: Vec<_> = (0..golden.seeds)
                .map(|seed| draw(&masking, &vocabulary, &blocks, &starts, seed))
                .collect();
            for (name, expected) in &setting.measured {
                let sum: f64 = draws.iter().map(|draw| draw[name.as_str()]).sum();
                let mean = sum / draws.len() as f64;
                // A random token that happens to be the one that was there: one in 30,000.
                let tolerance = expected.tolerance + 1e-4;
                assert!(
                    (mean - expected.mean).abs() <= tolerance,
                    "{name} at {} {:?}: found {mean}, wanted {} ± {tolerance}",
                    setting.rate,
                    setting.shares,
                    expected.mean
                );
            }
        }
    }
}
