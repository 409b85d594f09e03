//! Against `transformers`, by the file that `tools/reference/tokenizer_golden.py` writes.

use std::collections::HashMap;
use std::path::Path;

use cloze_data::tokenizer::{
    DecodeOptions, EncodeOptions, Encoding, Padding, TextInput, Tokenizer, Truncation,
    WordPieceOptions,
};
use serde_json::Value;

use crate::asset;

/// Id, token type, special, word or -1, start, end: a column of the golden file.
type Column = [i64; 6];

fn golden() -> Value {
    read("tokenizer.json")
}

pub(crate) fn read(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let path = folder.join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn load(settings: &Value) -> Tokenizer {
    let folder = asset(settings["folder"].as_str().unwrap());
    let mut tokenizer = match settings.get("options") {
        None => Tokenizer::from_folder(&folder).unwrap(),
        Some(options) => {
            let flag = |key: &str| options.get(key).and_then(Value::as_bool);
            let options = WordPieceOptions {
                lowercase: flag("do_lower_case").unwrap_or(true),
                strip_accents: flag("strip_accents"),
                chinese_chars: flag("tokenize_chinese_chars").unwrap_or(true),
                ..WordPieceOptions::default()
            };
            Tokenizer::from_vocab(&folder.join("vocab.txt"), &options).unwrap()
        }
    };
    if let Some(added) = settings.get("added").and_then(Value::as_array) {
        let added: Vec<&str> = added.iter().map(|token| token.as_str().unwrap()).collect();
        assert_eq!(tokenizer.add_tokens(&added).unwrap(), added.len());
    }
    tokenizer
}

fn tokenizers(golden: &Value) -> HashMap<String, Tokenizer> {
    let settings = golden["tokenizers"].as_object().unwrap();
    let loaded = settings.iter().map(|(name, one)| (name.clone(), load(one)));
    loaded.collect()
}

fn columns(encoding: &Encoding) -> Vec<Column> {
    (0..encoding.len())
        .map(|at| {
            let (start, end) = encoding.offsets[at];
            [
                encoding.ids[at].into(),
                encoding.type_ids[at].into(),
                encoding.special_tokens_mask[at].into(),
                encoding.word_ids[at].map_or(-1, i64::from),
                start as i64,
                end as i64,
            ]
        })
        .collect()
}

fn expected(case: &Value) -> Vec<Vec<Column>> {
    serde_json::from_value(case["windows"].clone()).unwrap()
}

fn text<'a>(case: &'a Value, key: &str) -> Option<&'a str> {
    case.get(key).and_then(Value::as_str)
}

fn count(case: &Value, key: &str) -> Option<usize> {
    case.get(key).and_then(Value::as_u64).map(|n| n as usize)
}

#[test]
fn texts() {
    let golden = golden();
    compare_texts(&golden, &tokenizers(&golden));
}

pub(crate) fn compare_texts(golden: &Value, tokenizers: &HashMap<String, Tokenizer>) {
    for case in golden["texts"].as_array().unwrap() {
        let name = text(case, "tokenizer").unwrap();
        let tokenizer = &tokenizers[name];
        let input = text(case, "text").unwrap();
        let encoding = tokenizer.encode(&input.into(), &EncodeOptions::default());
        let encoding = encoding.unwrap();
        assert_eq!(columns(&encoding), expected(case)[0], "{name}: {input:?}");
        let fast = EncodeOptions {
            alignment: false,
            ..EncodeOptions::default()
        };
        let without_alignment = tokenizer.encode(&input.into(), &fast).unwrap();
        assert_eq!(without_alignment.ids, encoding.ids, "{name}: {input:?}");
        if let Some(tokens) = case.get("tokens").and_then(Value::as_array) {
            let found = tokenizer.tokenize(input).unwrap();
            assert_eq!(&found, tokens, "{name}: {input:?}");
        }
        if case.get("decoded").is_some() {
            decoded(tokenizer, &encoding.ids, case);
        }
    }
}

fn decoded(tokenizer: &Tokenizer, ids: &[u32], case: &Value) {
    let keep = DecodeOptions::default();
    let skip = DecodeOptions {
        skip_special_tokens: true,
        clean_up_spaces: Some(false),
        ..keep
    };
    let clean = DecodeOptions {
        clean_up_spaces: Some(true),
        ..skip
    };
    for (key, options) in [
        ("decoded", keep),
        ("without_special", skip),
        ("cleaned_up", clean),
    ] {
        let found = tokenizer.decode(ids, &options).unwrap();
        // A tokenizer_config.json with clean_up_tokenization_spaces is obeyed by both.
        if key != "without_special" || text(case, "tokenizer") != Some("bert-tiny") {
            assert_eq!(Some(found.as_str()), text(case, key), "{key} of {case}");
        }
    }
}

#[test]
fn pre_split_words() {
    let golden = golden();
    compare_words(&golden, &tokenizers(&golden));
}

pub(crate) fn compare_words(golden: &Value, tokenizers: &HashMap<String, Tokenizer>) {
    for case in golden["words"].as_array().unwrap() {
        let words = case["words"].as_array().unwrap();
        let words: Vec<&str> = words.iter().map(|word| word.as_str().unwrap()).collect();
        let name = text(case, "tokenizer").unwrap();
        let encoding =
            tokenizers[name].encode(&TextInput::Words(&words), &EncodeOptions::default());
        assert_eq!(
            columns(&encoding.unwrap()),
            expected(case)[0],
            "{name}: {words:?}"
        );
    }
}

#[test]
fn truncation_and_windows() {
    let golden = golden();
    compare_windows(&golden, &tokenizers(&golden));
}

pub(crate) fn compare_windows(golden: &Value, tokenizers: &HashMap<String, Tokenizer>) {
    for case in golden["pairs"].as_array().unwrap() {
        let first = text(case, "first").unwrap();
        let input = match text(case, "second") {
            Some(second) => TextInput::Pair(first, second),
            None => TextInput::Single(first),
        };
        let stride = count(case, "stride");
        let options = EncodeOptions {
            max_length: count(case, "max_length"),
            truncation: match text(case, "strategy").unwrap() {
                "only_first" => Truncation::OnlyFirst,
                "only_second" => Truncation::OnlySecond,
                _ => Truncation::LongestFirst,
            },
            overflowing: stride.is_some(),
            stride: stride.unwrap_or(0),
            ..EncodeOptions::default()
        };
        let tokenizer = &tokenizers[text(case, "tokenizer").unwrap()];
        let encoding = tokenizer.encode(&input, &options);
        if case.get("refused").is_some() {
            assert!(encoding.is_err(), "{case}");
            continue;
        }
        let encoding = encoding.unwrap();
        let mut windows = vec![columns(&encoding)];
        windows.extend(encoding.overflowing.iter().map(columns));
        assert_eq!(windows, expected(case), "{first:?} {options:?}");
        without_alignment(tokenizer, &input, options, &encoding);
    }
}

/// The quicker way that leaves the alignment out gives the same windows.
fn without_alignment(
    tokenizer: &Tokenizer,
    input: &TextInput<'_>,
    options: EncodeOptions,
    aligned: &Encoding,
) {
    let options = EncodeOptions {
        alignment: false,
        ..options
    };
    let quick = tokenizer.encode(input, &options).unwrap();
    let windows = |one: &Encoding| {
        let mut windows = vec![(one.ids.clone(), one.type_ids.clone())];
        let more = one.overflowing.iter();
        windows.extend(more.map(|window| (window.ids.clone(), window.type_ids.clone())));
        windows
    };
    assert_eq!(windows(&quick), windows(aligned));
    assert!(quick.offsets.is_empty() && quick.word_ids.is_empty());
}

#[test]
fn padded_batches() {
    let golden = golden();
    let tokenizers = tokenizers(&golden);
    for case in golden["batches"].as_array().unwrap() {
        let inputs: Vec<TextInput<'_>> = case["texts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|input| match input {
                Value::String(text) => TextInput::Single(text),
                pair => TextInput::Pair(pair[0].as_str().unwrap(), pair[1].as_str().unwrap()),
            })
            .collect();
        let options = EncodeOptions {
            max_length: count(case, "max_length"),
            pad_to_multiple_of: count(case, "multiple"),
            padding: match text(case, "padding").unwrap() {
                "max_length" => Padding::MaxLength,
                _ => Padding::Longest,
            },
            ..EncodeOptions::default()
        };
        let tokenizer = &tokenizers[text(case, "tokenizer").unwrap()];
        let encodings = tokenizer.encode_batch(&inputs, &options).unwrap();
        let found: Vec<_> = encodings.iter().map(columns).collect();
        assert_eq!(found, expected(case));
        let masks: Vec<_> = encodings.iter().map(|one| &one.attention_mask).collect();
        assert_eq!(serde_json::to_value(masks).unwrap(), case["attention_mask"]);
    }
}
