//! Adding tokens to a vocabulary.

use cloze_data::tokenizer::{DecodeOptions, EncodeOptions};

use crate::{chinese, uncased};

#[test]
fn an_added_word_is_one_token_with_a_new_id() {
    let mut tokenizer = chinese();
    let before = tokenizer.tokenize("新冠病毒来了").unwrap();
    assert_eq!(before, ["新", "冠", "病", "毒", "来", "了"]);
    assert_eq!(tokenizer.add_tokens(&["新冠病毒"]).unwrap(), 1);
    let after = tokenizer.tokenize("新冠病毒来了").unwrap();
    assert_eq!(after, ["新冠病毒", "来", "了"]);
    assert_eq!(tokenizer.token_to_id("新冠病毒"), Some(21_128));
    assert_eq!(tokenizer.base_vocab_size(), 21_128);
    assert_eq!((tokenizer.len(), tokenizer.last_id()), (21_129, 21_128));
    assert_eq!(tokenizer.added_tokens(), [("新冠病毒".to_owned(), 21_128)]);
    assert_eq!(
        tokenizer.vocabulary()[21_128],
        ("新冠病毒".to_owned(), 21_128)
    );
    let text = tokenizer.decode(&[21_128], &DecodeOptions::default());
    assert_eq!(text.unwrap(), "新冠病毒");
}

#[test]
fn offsets_of_an_added_word_cover_it() {
    let mut tokenizer = uncased();
    tokenizer.add_tokens(&["COVID", "新冠"]).unwrap();
    let text = "é Covid新冠!";
    let encoding = tokenizer.encode(&text.into(), &EncodeOptions::default());
    let encoding = encoding.unwrap();
    assert_eq!(encoding.ids[2..4], [30_522, 30_523]);
    assert_eq!(encoding.offsets[1..5], [(0, 1), (2, 7), (7, 9), (9, 10)]);
}

#[test]
fn what_is_there_already_is_dropped_and_not_counted() {
    let mut tokenizer = uncased();
    // `hello` and `[MASK]` are in the vocabulary; `Hello` and `HELLO` become `hello`.
    let tokens = [
        "covid", "hello", "Hello", "[MASK]", "covid", "COVID", "HELLO", "brexit",
    ];
    assert_eq!(tokenizer.add_tokens(&tokens).unwrap(), 2);
    assert_eq!(
        (tokenizer.base_vocab_size(), tokenizer.len()),
        (30_522, 30_524)
    );
    assert_eq!(tokenizer.add_tokens(&tokens).unwrap(), 0);
    assert_eq!(tokenizer.len(), 30_524);
    assert_eq!(tokenizer.token_to_id("brexit"), Some(30_523));
    assert_eq!(tokenizer.add_tokens::<&str>(&[]).unwrap(), 0);
}

#[test]
fn tokens_come_from_a_file_one_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.txt");
    std::fs::write(&path, "\u{feff}新冠病毒\r\n\n  床前明月光 \n新冠病毒\n中\n").unwrap();
    let mut tokenizer = chinese();
    assert_eq!(tokenizer.add_tokens_from_file(&path).unwrap(), 2);
    assert_eq!(
        tokenizer.tokenize("床前明月光，新冠病毒").unwrap(),
        ["床前明月光", "，", "新冠病毒"]
    );
}

#[test]
fn a_file_that_is_not_utf8_adds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gbk.txt");
    std::fs::write(&path, b"word\n\xD0\xC2\xB9\xDA\n").unwrap();
    let mut tokenizer = chinese();
    let error = tokenizer.add_tokens_from_file(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}, line 2: found byte 0xD0 after 0 bytes, wanted UTF-8 text",
            path.display()
        )
    );
    assert_eq!(tokenizer.len(), 21_128);
}

#[test]
fn a_token_that_normalization_empties_is_refused() {
    let mut tokenizer = uncased();
    let error = tokenizer.add_tokens(&["fine", "\u{200b}"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot add \"\\u{200b}\" as a token: nothing is left of it after normalization"
    );
    assert_eq!(tokenizer.len(), 30_522);
}

#[test]
fn a_clone_is_not_changed() {
    let original = uncased();
    let mut copy = original.clone();
    copy.add_tokens(&["covid"]).unwrap();
    copy.set_model_max_length(64);
    assert_eq!(original.token_to_id("covid"), None);
    assert_eq!(original.model_max_length(), Some(512));
    assert_ne!(original.fingerprint(), copy.fingerprint());
    assert_eq!(original.fingerprint(), uncased().fingerprint());
}
