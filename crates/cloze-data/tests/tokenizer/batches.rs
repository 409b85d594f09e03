//! Batches, shared texts, files, and what the options refuse.

use cloze_data::tokenizer::{
    EncodeOptions, LineFormat, LongTexts, Padding, TextInput, TokenizerError, Truncation,
};

use crate::uncased;

#[test]
fn a_batch_gives_what_one_by_one_gives() {
    let tokenizer = uncased();
    let texts: Vec<String> = (0..500)
        .map(|n| format!("text number {n}, naïve {}", n * n))
        .collect();
    let inputs: Vec<TextInput<'_>> = texts.iter().map(|text| TextInput::Single(text)).collect();
    let options = EncodeOptions::default();
    let together = tokenizer.encode_batch(&inputs, &options).unwrap();
    for (input, encoding) in inputs.iter().zip(&together) {
        assert_eq!(&tokenizer.encode(input, &options).unwrap(), encoding);
    }
}

#[test]
fn a_shared_text_gives_the_same_pairs() {
    let tokenizer = uncased();
    let shared = "how do transformers work?";
    let others = ["attention is all you need", "", "a recipe for naïve cake"];
    let options = EncodeOptions {
        max_length: Some(12),
        truncation: Truncation::OnlySecond,
        padding: Padding::Longest,
        ..EncodeOptions::default()
    };
    let pairs = others.map(|other| TextInput::Pair(shared, other));
    assert_eq!(
        tokenizer
            .encode_with_shared(shared, &others, &options)
            .unwrap(),
        tokenizer.encode_batch(&pairs, &options).unwrap()
    );
}

#[test]
fn texts_longer_than_the_model_reads_are_counted() {
    let tokenizer = uncased();
    let texts = [
        "short",
        "one two three four five six",
        "seven eight nine ten eleven",
    ];
    let options = EncodeOptions {
        max_length: Some(5),
        ..EncodeOptions::default()
    };
    let inputs = texts.map(TextInput::Single);
    let encodings = tokenizer.encode_batch(&inputs, &options).unwrap();
    let truncated: Vec<bool> = encodings.iter().map(|one| one.is_truncated()).collect();
    assert_eq!(truncated, [false, true, true]);
    assert_eq!(encodings[1].untruncated_length, 8);
    let long = LongTexts::among(&encodings, 5);
    assert!(long.any());
    assert_eq!(
        long.to_string(),
        "2 of 3 texts are longer than the 5 tokens that are read (the longest has 8, \
         the first is number 2)"
    );
    assert!(!LongTexts::among(&encodings, 8).any());
}

#[test]
fn without_special_tokens_only_the_text_is_left() {
    let options = EncodeOptions {
        add_special_tokens: false,
        tokens: true,
        ..EncodeOptions::default()
    };
    let pair = uncased()
        .encode(&("a pair", "of texts").into(), &options)
        .unwrap();
    assert_eq!(pair.tokens, ["a", "pair", "of", "texts"]);
    assert_eq!(pair.type_ids, [0, 0, 1, 1]);
    assert_eq!(pair.special_tokens_mask, [0; 4]);
    let empty = uncased().encode(&"".into(), &options).unwrap();
    assert!(empty.is_empty() && empty.untruncated_length == 0);
}

#[test]
fn padding_fills_every_array_and_every_window() {
    let options = EncodeOptions {
        max_length: Some(6),
        overflowing: true,
        tokens: true,
        padding: Padding::MaxLength,
        ..EncodeOptions::default()
    };
    let encoding = uncased().encode(&"one two three four five".into(), &options);
    let encoding = encoding.unwrap();
    assert_eq!(encoding.overflowing.len(), 1);
    let window = &encoding.overflowing[0];
    assert_eq!(
        window.tokens,
        ["[CLS]", "five", "[SEP]", "[PAD]", "[PAD]", "[PAD]"]
    );
    assert_eq!(window.attention_mask, [1, 1, 1, 0, 0, 0]);
    assert_eq!(window.special_tokens_mask, [1, 0, 1, 1, 1, 1]);
    assert_eq!(window.offsets[1], (19, 23));
    assert_eq!(window.word_ids[1..4], [Some(4), None, None]);
}

#[test]
fn what_cannot_be_done_is_said() {
    let tokenizer = uncased();
    let refused = |options: EncodeOptions| {
        let pair = TextInput::Pair("one two three", "four five six");
        tokenizer.encode(&pair, &options).unwrap_err().to_string()
    };
    let options = |max_length| EncodeOptions {
        max_length: Some(max_length),
        ..EncodeOptions::default()
    };
    assert_eq!(
        refused(options(2)),
        "a length of 2 tokens has no room for the 3 special tokens"
    );
    assert_eq!(
        refused(EncodeOptions {
            overflowing: true,
            stride: 2,
            ..options(7)
        }),
        "windows of 2 tokens cannot overlap by 2: the stride must be smaller"
    );
    assert_eq!(
        refused(EncodeOptions {
            truncation: Truncation::OnlyFirst,
            ..options(5)
        }),
        "cannot cut 4 tokens from the first text alone, it has 3: allow a greater length, \
         or cut the longest text first"
    );
    assert_eq!(
        refused(EncodeOptions {
            padding: Padding::Longest,
            pad_to_multiple_of: Some(8),
            ..options(12)
        }),
        "a length of 12 tokens is not a multiple of 8, to which is padded"
    );
    assert_eq!(
        refused(EncodeOptions {
            padding: Padding::Longest,
            pad_to_multiple_of: Some(0),
            ..EncodeOptions::default()
        }),
        "cannot pad to a multiple of 0 tokens"
    );
}

#[test]
fn the_text_of_a_batch_that_fails_is_named() {
    let options = EncodeOptions {
        max_length: Some(4),
        truncation: Truncation::OnlySecond,
        ..EncodeOptions::default()
    };
    let inputs = ["short", "rather a long text"].map(TextInput::Single);
    let error = uncased().encode_batch(&inputs, &options).unwrap_err();
    assert_eq!(error.to_string(), "text 2 of the batch");
    assert!(matches!(error, TokenizerError::InBatch { source, .. }
        if matches!(*source, TokenizerError::TooShortToCut { .. })));
}

#[test]
fn a_file_is_encoded_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("texts.txt");
    let texts: Vec<String> = (0..5000).map(|n| format!("line {n}")).collect();
    std::fs::write(&path, texts.join("\n")).unwrap();
    let tokenizer = uncased();
    let options = EncodeOptions::default();
    let file = tokenizer
        .encode_file(&path, LineFormat::Text, &options)
        .unwrap();
    let lines: Vec<_> = file.collect::<Result<_, _>>().unwrap();
    assert_eq!(lines.len(), 5000);
    for (index, (line, text)) in lines.iter().zip(&texts).enumerate() {
        assert_eq!(line.line, index + 1);
        let alone = tokenizer.encode(&text.as_str().into(), &options).unwrap();
        assert_eq!(line.encoding, alone);
    }
}

#[test]
fn a_file_of_pairs_needs_tabs_and_names_the_line_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.txt");
    std::fs::write(&path, "one\ttwo\nthree four\n").unwrap();
    let tokenizer = uncased();
    let options = EncodeOptions::default();
    let mut file = tokenizer
        .encode_file(&path, LineFormat::Pair, &options)
        .unwrap();
    let error = file.next().unwrap().unwrap_err().to_string();
    let place = format!("{}, line 2", path.display());
    assert_eq!(
        error,
        format!("{place}: found no tab, wanted two texts with a tab between them")
    );
    assert!(file.next().is_none());
    let short = EncodeOptions {
        max_length: Some(2),
        ..EncodeOptions::default()
    };
    std::fs::write(&path, "one\ttwo\n").unwrap();
    let mut file = tokenizer
        .encode_file(&path, LineFormat::Pair, &short)
        .unwrap();
    let error = file.next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), format!("{}, line 1", path.display()));
}

#[test]
fn lines_padded_to_the_longest_have_one_length_throughout_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("texts.txt");
    let mut text = "short\n".repeat(4500);
    text.push_str("the longest line of them all");
    std::fs::write(&path, text).unwrap();
    let options = EncodeOptions {
        padding: Padding::Longest,
        ..EncodeOptions::default()
    };
    let tokenizer = uncased();
    let file = tokenizer
        .encode_file(&path, LineFormat::Text, &options)
        .unwrap();
    for line in file {
        assert_eq!(line.unwrap().encoding.len(), 8);
    }
}

#[test]
fn serialized_it_has_the_names_that_transformers_uses() {
    let encoding = uncased().encode(&"hi".into(), &EncodeOptions::default());
    let json = serde_json::to_value(encoding.unwrap()).unwrap();
    let names: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        names,
        [
            "input_ids",
            "token_type_ids",
            "attention_mask",
            "offset_mapping",
            "word_ids",
            "special_tokens_mask",
            "untruncated_length"
        ]
    );
    assert_eq!(
        json["offset_mapping"],
        serde_json::json!([[0, 0], [0, 2], [0, 0]])
    );
}
