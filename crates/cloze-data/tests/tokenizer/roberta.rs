//! Byte-level BPE and SentencePiece unigram models against `transformers`, by the file that
//! `tools/reference/roberta_tokenizer_golden.py` writes.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use cloze_data::corpus::{WordMarker, WordRule};
use cloze_data::tokenizer::{EncodeOptions, TextInput, Tokenizer};
use serde_json::Value;
use tempfile::TempDir;

use crate::golden::{compare_texts, compare_windows, compare_words, read};

fn fixture(name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    tests.join(name)
}

/// A folder with the files of a fixture, and these.
fn folder(name: &str, files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(fixture(name)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn load(name: &str, files: &[(&str, &str)]) -> Tokenizer {
    Tokenizer::from_folder(folder(name, files).path()).unwrap()
}

fn roberta() -> Tokenizer {
    load(
        "byte-level",
        &[("config.json", r#"{"model_type": "roberta"}"#)],
    )
}

fn xlm_roberta() -> Tokenizer {
    load(
        "unigram",
        &[("config.json", r#"{"model_type": "xlm-roberta"}"#)],
    )
}

fn tokenizers(golden: &Value) -> HashMap<String, Tokenizer> {
    let settings = golden["tokenizers"].as_object().unwrap().iter();
    let loaded = settings.map(|(name, settings)| {
        let files = settings["files"].as_object().unwrap().iter();
        let files: Vec<(&str, &str)> = files
            .map(|(name, text)| (name.as_str(), text.as_str().unwrap()))
            .collect();
        let tokenizer = load(settings["folder"].as_str().unwrap(), &files);
        (name.clone(), tokenizer)
    });
    loaded.collect()
}

#[test]
fn texts_words_and_windows_are_those_of_transformers() {
    let golden = read("roberta_tokenizers.json");
    let tokenizers = tokenizers(&golden);
    compare_texts(&golden, &tokenizers);
    compare_words(&golden, &tokenizers);
    compare_windows(&golden, &tokenizers);
}

#[test]
fn a_saved_tokenizer_is_the_tokenizer() {
    let golden = read("roberta_tokenizers.json");
    let saved = tokenizers(&golden).into_iter().map(|(name, tokenizer)| {
        let folder = tempfile::tempdir().unwrap();
        tokenizer.save(folder.path()).unwrap();
        (name, Tokenizer::from_folder(folder.path()).unwrap())
    });
    let saved: HashMap<String, Tokenizer> = saved.collect();
    compare_texts(&golden, &saved);
    compare_words(&golden, &saved);
}

fn saved_config(tokenizer: &Tokenizer) -> Value {
    let folder = tempfile::tempdir().unwrap();
    tokenizer.save(folder.path()).unwrap();
    let text = fs::read(folder.path().join("tokenizer_config.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn the_class_is_one_that_takes_such_a_vocabulary() {
    let class = |tokenizer: &Tokenizer| saved_config(tokenizer)["tokenizer_class"].clone();
    assert_eq!(class(&roberta()), "RobertaTokenizer");
    assert_eq!(class(&xlm_roberta()), "XLMRobertaTokenizer");
    assert_eq!(
        class(&load("byte-level-files", &[])),
        "PreTrainedTokenizerFast"
    );
    let mut other = xlm_roberta();
    other.set_model_type("roberta");
    let config = saved_config(&other);
    assert_eq!(config["tokenizer_class"], "PreTrainedTokenizerFast");
    let inputs = serde_json::json!(["input_ids", "attention_mask"]);
    assert_eq!(config["model_input_names"], inputs);
}

#[test]
fn a_wordpiece_vocabulary_of_a_roberta_tells_no_texts_apart() {
    let mut tokenizer = crate::uncased();
    let types = |tokenizer: &Tokenizer| {
        let pair = TextInput::Pair("one", "two");
        tokenizer
            .encode(&pair, &EncodeOptions::default())
            .unwrap()
            .type_ids
    };
    assert_eq!(types(&tokenizer), [0, 0, 0, 1, 1]);
    tokenizer.set_model_type("roberta");
    assert_eq!(types(&tokenizer), [0; 5]);
    let folder = tempfile::tempdir().unwrap();
    tokenizer.save(folder.path()).unwrap();
    assert_eq!(
        types(&Tokenizer::from_folder(folder.path()).unwrap()),
        [0; 5]
    );
}

#[test]
fn words_are_given_the_space_that_stands_before_them_in_a_text() {
    let words = ["EU", "rejects", "German", "lamb"];
    let encode = |tokenizer: &Tokenizer, input: TextInput<'_>| {
        let encoding = tokenizer.encode(&input, &EncodeOptions::default()).unwrap();
        (encoding.ids, encoding.word_ids)
    };
    let mut tokenizer = roberta();
    let apart = encode(&tokenizer, TextInput::Words(&words));
    tokenizer.set_add_prefix_space();
    let in_words = encode(&tokenizer, TextInput::Words(&words));
    assert_ne!(apart.0, in_words.0);
    assert_eq!(
        encode(&tokenizer, TextInput::Single(&words.join(" "))),
        in_words
    );
    assert_eq!(saved_config(&tokenizer)["add_prefix_space"], true);
    // The others split at spaces first.
    for mut tokenizer in [xlm_roberta(), crate::uncased()] {
        let before = encode(&tokenizer, TextInput::Words(&words));
        tokenizer.set_add_prefix_space();
        assert_eq!(encode(&tokenizer, TextInput::Words(&words)), before);
    }
}

/// The tokens of a text, those of a word put together by `+`.
fn marked(tokenizer: &Tokenizer, rule: WordRule, text: &str) -> String {
    let options = EncodeOptions {
        add_special_tokens: false,
        ..EncodeOptions::default()
    };
    let marker = WordMarker::new(rule);
    let tokens = marker.encode(tokenizer, text, &options).unwrap().tokens;
    let mut words = String::new();
    for token in tokens {
        if !words.is_empty() {
            words.push(if token.continues_word() { '+' } else { ' ' });
        }
        words.push_str(&tokenizer.id_to_token(token.id()).unwrap());
    }
    words
}

#[test]
fn whole_words_begin_where_the_tokenizer_marks_them_and_beside_chinese() {
    let roberta = |rule, text: &str| marked(&roberta(), rule, text);
    assert_eq!(
        roberta(WordRule::SubWords, "undoing it, wallet"),
        "undo+ing Ġit , Ġwal+l+e+t"
    );
    assert_eq!(
        roberta(WordRule::Spaces, "undoing it, wallet"),
        "undo+ing Ġit+, Ġwal+l+e+t"
    );
    let xlm_roberta = |rule, text: &str| marked(&xlm_roberta(), rule, text);
    assert_eq!(
        xlm_roberta(WordRule::SubWords, "undoing xyz"),
        "▁undoing ▁+<unk>+y+<unk>"
    );
    // Every character is several bytes; a run of characters is no word.
    let bytes = roberta(WordRule::SubWords, "豈豈");
    let [first, second] = bytes.split(' ').collect::<Vec<_>>()[..] else {
        panic!("two words: {bytes}");
    };
    assert_eq!(first, second);
    assert_eq!(first.matches('+').count(), 2);
    assert_eq!(
        xlm_roberta(WordRule::SubWords, "我爱中国天气真好"),
        "▁我爱中国 天气真好"
    );
    let jieba = xlm_roberta(WordRule::Jieba, "龘龘天气");
    assert!(jieba.contains(' '), "{jieba}");
}

#[test]
fn files_that_are_no_tokenizer_are_named() {
    let error = |files: &[(&str, &str)]| {
        let folder = folder("byte-level-files", files);
        let error = Tokenizer::from_folder(folder.path())
            .unwrap_err()
            .to_string();
        let place = format!("{}{}", folder.path().display(), std::path::MAIN_SEPARATOR);
        error.replace(&place, "")
    };
    let merges = error(&[("merges.txt", "#version: 0.2\nxq zw\n")]);
    assert!(
        merges.starts_with("merges.txt: found what does not fit vocab.json ("),
        "{merges}"
    );
    let vocabulary = error(&[("vocab.json", "[1")]);
    assert!(
        vocabulary.starts_with("vocab.json: found what does not fit ("),
        "{vocabulary}"
    );
    let great = error(&[("vocab.json", r#"{"<s>": 4294967295}"#)]);
    assert!(
        great.contains("id 4294967295 of the token `<s>`"),
        "{great}"
    );
    let only_pieces = tempfile::tempdir().unwrap();
    fs::write(only_pieces.path().join("sentencepiece.bpe.model"), "").unwrap();
    let error = Tokenizer::from_folder(only_pieces.path()).unwrap_err();
    assert!(
        error.to_string().ends_with(
            "found sentencepiece.bpe.model alone, wanted a tokenizer.json too: \
                        `save_pretrained` of the tokenizer in `transformers` writes it"
        ),
        "{error}"
    );
    let bare = r#"{"tokenizer_class": "XLMRobertaTokenizer", "add_prefix_space": false}"#;
    let bare = folder("unigram", &[("tokenizer_config.json", bare)]);
    let error = Tokenizer::from_folder(bare.path()).unwrap_err();
    assert!(
        error.to_string().ends_with(
            "tokenizer_config.json, field `add_prefix_space`: found false, wanted true: cloze \
             puts a space before the first word of XLM-RoBERTa's, as its training did"
        ),
        "{error}"
    );
}
