//! A vocabulary of one's own.

use std::fs;
use std::path::PathBuf;

use cloze_data::tokenizer::{
    EncodeOptions, Tokenizer, TokenizerError, VocabTraining, WordPieceOptions, train_wordpiece,
};
use tempfile::TempDir;

use crate::asset;

fn texts(files: &[&str]) -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (number, text) in files.iter().enumerate() {
        let path = folder.path().join(format!("{number}.txt"));
        fs::write(&path, text).unwrap();
        paths.push(path);
    }
    (folder, paths)
}

fn tokens(tokenizer: &Tokenizer) -> Vec<String> {
    let vocabulary = tokenizer.vocabulary().into_iter();
    vocabulary.map(|(token, _)| token).collect()
}

#[test]
fn frequent_words_become_tokens_and_rare_ones_pieces() {
    let text = "the theory of the others\n".repeat(9) + "Thermometer";
    let (_folder, paths) = texts(&[&text]);
    let training = VocabTraining {
        size: 60,
        ..VocabTraining::default()
    };
    let tokenizer = train_wordpiece(&paths, &training).unwrap();
    assert_eq!(
        tokens(&tokenizer)[..5],
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    );
    assert_eq!(tokenizer.tokenize("the others").unwrap(), ["the", "others"]);
    assert_eq!(tokenizer.tokenize("THE!").unwrap(), ["the", "[UNK]"]);
    assert!(tokenizer.tokenize("thermometer").unwrap().len() > 1);
    assert!(tokenizer.len() <= 60);
}

#[test]
fn chinese_is_learnt_one_character_at_a_time() {
    let (_folder, paths) = texts(&["床前明月光，疑是地上霜。\n举头望明月，低头思故乡。\n"]);
    let training = VocabTraining {
        size: 1000,
        ..VocabTraining::default()
    };
    let tokenizer = train_wordpiece(&paths, &training).unwrap();
    let learnt = tokens(&tokenizer);
    assert!(learnt[5..].iter().all(|token| token.chars().count() == 1));
    let text = "明月光";
    assert_eq!(tokenizer.tokenize(text).unwrap(), ["明", "月", "光"]);
    let ids = tokenizer.encode(&text.into(), &EncodeOptions::default());
    assert_eq!(ids.unwrap().len(), 5);
}

#[test]
fn real_text_gives_the_same_vocabulary_whatever_the_order_of_lines_and_threads() {
    let text = fs::read_to_string(asset("data/snippets-en.csv")).unwrap();
    let lines: Vec<&str> = text.lines().take(4000).collect();
    let reversed: Vec<&str> = lines.iter().rev().copied().collect();
    let (_folder, paths) = texts(&[&lines.join("\n"), &reversed.join("\n")]);
    let training = VocabTraining {
        size: 2000,
        ..VocabTraining::default()
    };
    let train = |path: &PathBuf, threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let trained = pool
            .unwrap()
            .install(|| train_wordpiece(&[path], &training));
        tokens(&trained.unwrap())
    };
    let first = train(&paths[0], 1);
    assert_eq!(first.len(), 2000);
    assert_eq!(first, train(&paths[1], 3));
}

#[test]
fn options_and_further_special_tokens_are_kept() {
    let (_folder, paths) = texts(&["Café Café café\n"]);
    let training = VocabTraining {
        size: 100,
        extra_special_tokens: vec!["[Q]".into(), "[CLS]".into()],
        options: WordPieceOptions {
            lowercase: false,
            model_max_length: Some(256),
            ..WordPieceOptions::default()
        },
        ..VocabTraining::default()
    };
    let tokenizer = train_wordpiece(&paths, &training).unwrap();
    assert_eq!(tokenizer.token_to_id("[Q]"), Some(5));
    assert_eq!(tokenizer.tokenize("Café[Q]").unwrap(), ["Café", "[Q]"]);
    assert!(tokenizer.is_special(5));
    let out = tempfile::tempdir().unwrap();
    tokenizer.save(out.path()).unwrap();
    let again = Tokenizer::from_folder(out.path()).unwrap();
    assert_eq!(again.fingerprint(), tokenizer.fingerprint());
    assert_eq!(again.model_max_length(), Some(256));
    assert_eq!(again.tokenize("Café[Q]").unwrap(), ["Café", "[Q]"]);
}

#[test]
fn what_cannot_be_learnt_from_is_named() {
    let (folder, paths) = texts(&["  \n\n"]);
    let training = VocabTraining::default();
    let error = train_wordpiece(&paths, &training).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no text to train a vocabulary from"
    );
    let small = VocabTraining {
        size: 5,
        ..training
    };
    let error = train_wordpiece(&paths, &small).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a vocabulary of 5 tokens has no room beside its 5 special tokens"
    );
    let path = folder.path().join("latin1.txt");
    fs::write(&path, b"fine\ncaf\xE9\n").unwrap();
    let training = VocabTraining::default();
    let error = train_wordpiece(&[&path], &training).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}, line 2: found byte 0xE9 after 3 bytes, wanted UTF-8 text",
            path.display()
        )
    );
    let missing = folder.path().join("none.txt");
    let error = train_wordpiece(&[&missing], &training).unwrap_err();
    assert!(matches!(error, TokenizerError::Read { .. }));
}
