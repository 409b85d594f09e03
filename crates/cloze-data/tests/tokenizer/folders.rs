//! What a checkpoint folder may hold, and what is said of a bad one.

use std::fs;
use std::path::Path;

use cloze_data::tokenizer::{EncodeOptions, Padding, Tokenizer, WordPieceOptions};
use tempfile::TempDir;

use crate::{asset, uncased};

const TINY: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhe\n##llo\nHe\ncafe\ncafé\n中\n国\n中国\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn load(files: &[(&str, &str)]) -> Tokenizer {
    Tokenizer::from_folder(folder(files).path()).unwrap()
}

/// The error without the folder's own path.
fn error(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let error = Tokenizer::from_folder(folder.path()).unwrap_err();
    let place = format!("{}{}", folder.path().display(), std::path::MAIN_SEPARATOR);
    error.to_string().replace(&place, "")
}

#[test]
fn a_vocabulary_alone_is_read_as_uncased() {
    let tokenizer = load(&[("vocab.txt", TINY)]);
    assert_eq!(
        tokenizer.tokenize("HELLO Café 中国").unwrap(),
        ["he", "##llo", "cafe", "中", "国"]
    );
    assert_eq!(tokenizer.len(), 13);
}

#[test]
fn tokenizer_config_decides_on_case_accents_and_chinese() {
    let with = |config: &str| load(&[("vocab.txt", TINY), ("tokenizer_config.json", config)]);
    let cased = with(r#"{"do_lower_case": false}"#);
    assert_eq!(
        cased.tokenize("Hello café").unwrap(),
        ["He", "##llo", "café"]
    );
    let accents = with(r#"{"do_lower_case": true, "strip_accents": false}"#);
    assert_eq!(
        accents.tokenize("HELLO CAFÉ").unwrap(),
        ["he", "##llo", "café"]
    );
    let whole = with(r#"{"tokenize_chinese_chars": false}"#);
    assert_eq!(whole.tokenize("中国").unwrap(), ["中国"]);
}

#[test]
fn letters_become_small_before_anything_else_if_asked_for() {
    let files = [
        ("vocab.txt", TINY),
        ("tokenizer_config.json", r#"{"do_lower_case": false}"#),
    ];
    let mut cased = load(&files);
    let before = cased.fingerprint();
    cased.lowercase().unwrap();
    assert_eq!(
        cased.tokenize("Hello [MASK] CAFÉ").unwrap(),
        ["he", "##llo", "[MASK]", "café"]
    );
    assert_ne!(cased.fingerprint(), before);
    let mut uncased = load(&files[..1]);
    let before = uncased.fingerprint();
    uncased.lowercase().unwrap();
    assert_eq!(uncased.fingerprint(), before);
}

#[test]
fn tokenizer_config_overrules_tokenizer_json() {
    let folder = tempfile::tempdir().unwrap();
    uncased().save(folder.path()).unwrap();
    let config = folder.path().join("tokenizer_config.json");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        text.replace("\"do_lower_case\": true", "\"do_lower_case\": false"),
    )
    .unwrap();
    let cased = Tokenizer::from_folder(folder.path()).unwrap();
    assert_eq!(cased.tokenize("China").unwrap(), ["[UNK]"]);
    // The class that means "tokenizer.json as it is".
    let text = text.replace("\"BertTokenizer\"", "\"PreTrainedTokenizerFast\"");
    fs::write(
        &config,
        text.replace("\"do_lower_case\": true", "\"do_lower_case\": false"),
    )
    .unwrap();
    let as_it_is = Tokenizer::from_folder(folder.path()).unwrap();
    assert_eq!(as_it_is.tokenize("China").unwrap(), ["china"]);
    fs::remove_file(&config).unwrap();
    let alone = Tokenizer::from_folder(folder.path()).unwrap();
    assert_eq!(alone.tokenize("China").unwrap(), ["china"]);
}

#[test]
fn truncation_and_padding_stored_in_tokenizer_json_are_left_to_the_caller() {
    // This file asks for 128 tokens, always.
    let text = fs::read_to_string(asset("minilm").join("tokenizer.json")).unwrap();
    assert!(text.contains(r#""strategy":{"Fixed":128}"#));
    let encoding = uncased().encode(
        &"word ".repeat(300).as_str().into(),
        &EncodeOptions::default(),
    );
    assert_eq!(encoding.unwrap().len(), 302);
}

#[test]
fn the_greatest_length_may_be_without_limit() {
    let length = |value: &str| {
        let config = format!(r#"{{"model_max_length": {value}}}"#);
        load(&[("vocab.txt", TINY), ("tokenizer_config.json", &config)]).model_max_length()
    };
    assert_eq!(length("512"), Some(512));
    assert_eq!(length("1000000000000000019884624838656"), None);
    assert_eq!(length("1e30"), None);
    assert_eq!(length("null"), None);
    let unlimited = load(&[("vocab.txt", TINY)]);
    let options = EncodeOptions {
        padding: Padding::MaxLength,
        ..EncodeOptions::default()
    };
    assert_eq!(
        unlimited
            .encode(&"he".into(), &options)
            .unwrap_err()
            .to_string(),
        "padding to the greatest length needs one: the tokenizer states no model_max_length"
    );
}

#[test]
fn special_tokens_may_have_other_names() {
    let vocab = "<pad>\n<oov>\n<s>\n</s>\n<mask>\nhe\n";
    let map = r#"{"unk_token": "<oov>", "cls_token": {"content": "<s>", "lstrip": false}}"#;
    let tokenizer = load(&[("vocab.txt", vocab), ("special_tokens_map.json", map)]);
    let encoding = tokenizer.encode(&"he who".into(), &EncodeOptions::default());
    assert_eq!(encoding.unwrap().ids, [2, 5, 1, 3]);
    assert_eq!(tokenizer.special().mask.token, "<mask>");
    assert!(tokenizer.is_special(1) && !tokenizer.is_special(5));
}

#[test]
fn added_tokens_keep_the_ids_that_the_folder_states() {
    let added = r#"{"covid": 14, "[E]": 13}"#;
    let config = r#"{"additional_special_tokens": ["[E]"]}"#;
    let tokenizer = load(&[
        ("vocab.txt", TINY),
        ("added_tokens.json", added),
        ("tokenizer_config.json", config),
    ]);
    assert_eq!(
        tokenizer.tokenize("he [E] Covid").unwrap(),
        ["he", "[E]", "covid"]
    );
    assert_eq!(tokenizer.token_to_id("[E]"), Some(13));
    assert!(tokenizer.is_special(13) && !tokenizer.is_special(14));
    assert_eq!((tokenizer.base_vocab_size(), tokenizer.len()), (13, 15));
    assert_eq!(
        error(&[
            ("vocab.txt", TINY),
            ("added_tokens.json", r#"{"covid": 20}"#)
        ]),
        "added_tokens.json, field `covid`: found id 20, wanted id 13, which follows from the \
         vocabulary"
    );
}

#[test]
fn the_model_type_names_the_class() {
    let saved_class = |files: &[(&str, &str)]| {
        let out = tempfile::tempdir().unwrap();
        load(files).save(out.path()).unwrap();
        let config = fs::read(out.path().join("tokenizer_config.json")).unwrap();
        let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
        config["tokenizer_class"].as_str().unwrap().to_owned()
    };
    let distilbert = ("config.json", r#"{"model_type": "distilbert"}"#);
    assert_eq!(
        saved_class(&[("vocab.txt", TINY), distilbert]),
        "DistilBertTokenizer"
    );
    assert_eq!(saved_class(&[("vocab.txt", TINY)]), "BertTokenizer");
    let stated = (
        "tokenizer_config.json",
        r#"{"tokenizer_class": "ElectraTokenizer"}"#,
    );
    assert_eq!(
        saved_class(&[("vocab.txt", TINY), distilbert, stated]),
        "ElectraTokenizer"
    );
}

#[test]
fn a_bad_vocabulary_is_named_with_its_line() {
    assert_eq!(
        error(&[("vocab.txt", "[PAD]\n[CLS]\n[SEP]\n[MASK]\n")]),
        "vocab.txt: found no `[UNK]` among its 4 tokens, wanted a vocabulary with the token \
         that the tokenizer uses as unk_token"
    );
    assert_eq!(
        error(&[("vocab.txt", "[PAD]\n[UNK]\n[PAD]\n")]),
        "vocab.txt, line 3: found the token `[PAD]` again (first on line 1), wanted every \
         token once"
    );
    assert_eq!(
        error(&[("vocab.txt", "")]),
        "vocab.txt: found an empty file, wanted one token a line"
    );
    assert_eq!(
        error(&[("vocab.txt", "[PAD]\n\n[UNK]\n")]),
        "vocab.txt, line 2: found an empty line, wanted one token a line"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vocab.txt");
    fs::write(&path, b"[PAD]\n[UNK]\n\xD6\xD0\n").unwrap();
    let error = Tokenizer::from_vocab(&path, &WordPieceOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}, line 3: found byte 0xD6 after 0 bytes, wanted UTF-8 text",
            path.display()
        )
    );
}

#[test]
fn a_bad_folder_is_named_with_what_is_wrong() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(
        Tokenizer::from_folder(empty.path())
            .unwrap_err()
            .to_string(),
        format!(
            "{}: found neither tokenizer.json nor vocab.txt nor vocab.json with merges.txt, \
             wanted a tokenizer",
            empty.path().display()
        )
    );
    let config = |text: &'static str| [("vocab.txt", TINY), ("tokenizer_config.json", text)];
    assert_eq!(
        error(&config(r#"{"do_lower_case": "yes"}"#)),
        "tokenizer_config.json, field `do_lower_case`: found \"yes\", wanted true or false"
    );
    assert_eq!(
        error(&config(r#"{"model_max_length": -1}"#)),
        "tokenizer_config.json, field `model_max_length`: found -1, wanted a whole number above 0"
    );
    assert_eq!(
        error(&config(r#"{"padding_side": "top"}"#)),
        "tokenizer_config.json, field `padding_side`: found \"top\", wanted \"left\" or \"right\""
    );
    assert_eq!(
        error(&config(r#"{"cls_token": 7}"#)),
        "tokenizer_config.json, field `cls_token`: found 7, wanted a token"
    );
    assert_eq!(
        error(&config("{")),
        "tokenizer_config.json is not valid JSON"
    );
    assert!(matches!(
        Tokenizer::from_vocab(Path::new("no/vocab.txt"), &WordPieceOptions::default()),
        Err(cloze_data::tokenizer::TokenizerError::Read { .. })
    ));
}

#[test]
fn a_bad_tokenizer_json_is_named_with_its_line() {
    let wanted = "wanted a tokenizer as Hugging Face's `tokenizers` writes it";
    assert_eq!(
        error(&[("tokenizer.json", "{\n  \"version\": \"1.0\",\n  oops\n}")]),
        format!("tokenizer.json, line 3: found what does not fit (key must be a string), {wanted}")
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    fs::write(&path, b"{\n\"decoder\": \"\xFF\"}").unwrap();
    assert_eq!(
        Tokenizer::from_folder(folder.path())
            .unwrap_err()
            .to_string(),
        format!(
            "{}, line 2: found byte 0xFF after 12 bytes, wanted UTF-8 text",
            path.display()
        )
    );
    let cut = fs::read_to_string(asset("minilm").join("tokenizer.json")).unwrap();
    let message = error(&[("tokenizer.json", &cut[..cut.len() / 2])]);
    assert!(message.contains("EOF while parsing"), "{message}");
    assert_eq!(
        error(&[("tokenizer.json", "{\"version\": \"1.0\"}")]),
        format!("tokenizer.json, line 1: found what does not fit (Model missing.), {wanted}")
    );
    let json = "{\"model\": {\"vocab\": {\"[PAD]\": 0,\n\"[UNK]\": 4294967295}}}";
    assert_eq!(
        error(&[("tokenizer.json", json)]),
        format!(
            "tokenizer.json, line 2: found what does not fit (id 4294967295 of the token \
             `[UNK]` is above 2147483647), {wanted}"
        )
    );
}

#[test]
fn the_left_side_is_cut_and_padded_where_the_folder_says_so() {
    let config = r#"{"padding_side": "left", "truncation_side": "left"}"#;
    let tokenizer = load(&[("vocab.txt", TINY), ("tokenizer_config.json", config)]);
    let options = |max_length| EncodeOptions {
        max_length: Some(max_length),
        padding: Padding::MaxLength,
        ..EncodeOptions::default()
    };
    let cut = tokenizer
        .encode(&"he hello 中".into(), &options(4))
        .unwrap();
    assert_eq!(cut.ids, [2, 6, 10, 3]);
    let padded = tokenizer.encode(&"he".into(), &options(5)).unwrap();
    assert_eq!(padded.ids, [0, 0, 2, 5, 3]);
    assert_eq!(padded.attention_mask, [0, 0, 1, 1, 1]);
    assert_eq!(padded.offsets[3], (0, 2));
}
