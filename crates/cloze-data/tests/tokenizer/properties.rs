//! Whatever the text, some things hold.

use std::sync::LazyLock;

use cloze_data::tokenizer::{
    DecodeOptions, EncodeOptions, Encoding, Padding, TextInput, Tokenizer, Truncation,
    WordPieceOptions,
};
use proptest::prelude::*;

use crate::{chinese, uncased};

static TOKENIZERS: LazyLock<[Tokenizer; 3]> = LazyLock::new(|| {
    let mut extended = uncased();
    extended.add_tokens(&["covid", "新冠", "é!"]).unwrap();
    [uncased(), chinese(), extended]
});

/// Any Unicode text, with more of what tokenizers stumble over.
fn any_text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "\u{301}",
        "\0",
        "\u{200d}",
        "İ",
        "ß",
        "ﷺ",
        "ﬁ",
        "[MASK]",
        "[SEP]",
        "新冠",
        "covid",
        "é!",
        "##",
        "\u{2028}",
        "👨‍👩‍👧",
        "word ",
        "中国",
    ]);
    prop::collection::vec(prop_oneof![odd.prop_map(str::to_owned), ".{0,12}"], 0..6)
        .prop_map(|parts| parts.concat())
}

fn truncation() -> impl Strategy<Value = Truncation> {
    prop::sample::select(vec![
        Truncation::LongestFirst,
        Truncation::OnlyFirst,
        Truncation::OnlySecond,
    ])
}

fn assert_consistent(encoding: &Encoding) {
    let length = encoding.len();
    assert_eq!(encoding.type_ids.len(), length);
    assert_eq!(encoding.attention_mask.len(), length);
    assert_eq!(encoding.offsets.len(), length);
    assert_eq!(encoding.word_ids.len(), length);
    assert_eq!(encoding.special_tokens_mask.len(), length);
    for at in 0..length {
        let special = encoding.special_tokens_mask[at] == 1;
        assert_eq!(special, encoding.word_ids[at].is_none());
        assert!(special || encoding.attention_mask[at] == 1);
    }
    encoding.overflowing.iter().for_each(assert_consistent);
}

/// A `tokenizer.json` with some of its bytes replaced.
fn damaged_json() -> impl Strategy<Value = Vec<u8>> {
    let scraps = prop::sample::select(vec![
        "",
        "0",
        "-1",
        "7",
        "4294967295",
        "1e30",
        "null",
        "true",
        "\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"[CLS]\"",
        "\"BPE\"",
        "\"\"",
        "中",
        "\\u0000",
        "\u{301}",
    ]);
    let damage = (0_usize..10_000, 0_usize..12, scraps);
    prop::collection::vec(damage, 1..3).prop_map(|damages| {
        let mut json = SMALL_JSON.as_bytes().to_vec();
        for (at, length, scrap) in damages {
            let start = at % json.len();
            let end = (start + length).min(json.len());
            json.splice(start..end, scrap.bytes());
        }
        json
    })
}

const SMALL_JSON: &str = r###"{"version":"1.0","truncation":{"max_length":8,"strategy":"LongestFirst",
"stride":0},"padding":null,"added_tokens":[{"id":4,"special":true,"content":"[MASK]",
"single_word":false,"lstrip":true,"rstrip":false,"normalized":false}],"normalizer":
{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,
"lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":
{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]","type_id":0}},{"Sequence":
{"id":"A","type_id":0}},{"SpecialToken":{"id":"[SEP]","type_id":0}}],"pair":[{"Sequence":
{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],"special_tokens":{"[CLS]":
{"id":"[CLS]","ids":[2],"tokens":["[CLS]"]},"[SEP]":{"id":"[SEP]","ids":[3],"tokens":["[SEP]"]}}},
"decoder":{"type":"WordPiece","prefix":"##","cleanup":true},"model":{"type":"WordPiece",
"unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":
{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"[MASK]":4,"na":5,"##ive":6,"中":7}}}"###;

#[test]
fn the_small_tokenizer_json_is_whole_before_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tokenizer.json"), SMALL_JSON).unwrap();
    let tokenizer = Tokenizer::from_folder(folder.path()).unwrap();
    let encoding = tokenizer.encode(&"naïve 中 国".into(), &EncodeOptions::default());
    assert_eq!(encoding.unwrap().ids, [2, 5, 6, 7, 1, 3]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_damaged_tokenizer_json_never_panics(json in damaged_json()) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tokenizer.json"), &json).unwrap();
        if let Ok(mut tokenizer) = Tokenizer::from_folder(folder.path()) {
            let pair = TextInput::Pair("naïve [MASK] 中国", "");
            if let Ok(encoding) = tokenizer.encode(&pair, &EncodeOptions::default()) {
                let _text = tokenizer.decode(&encoding.ids, &DecodeOptions::default());
            }
            let _added = tokenizer.add_tokens(&["covid"]);
            tokenizer.save(folder.path()).unwrap();
        }
    }

    #[test]
    fn any_bytes_are_a_vocabulary_or_an_error(
        mut bytes in prop::collection::vec(any::<u8>(), 0..40), whole: bool,
    ) {
        if whole {
            bytes.splice(0..0, *b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vocab.txt");
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(tokenizer) = Tokenizer::from_vocab(&path, &WordPieceOptions::default()) {
            let text = String::from_utf8_lossy(&bytes);
            tokenizer.encode(&text.as_ref().into(), &EncodeOptions::default()).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn offsets_lie_in_the_text_and_never_go_back(text in any_text(), which in 0_usize..3) {
        let encoding = TOKENIZERS[which].encode(&text.as_str().into(), &EncodeOptions::default());
        let encoding = encoding.unwrap();
        assert_consistent(&encoding);
        let characters = text.chars().count();
        let mut last = 0;
        for (&(start, end), special) in encoding.offsets.iter().zip(&encoding.special_tokens_mask) {
            if *special == 0 {
                prop_assert!(start <= end && end <= characters, "{:?} of {}", (start, end), characters);
                prop_assert!(start >= last, "{:?} after {last}", (start, end));
                last = start;
            }
        }
    }

    #[test]
    fn truncated_and_padded_lengths_are_as_asked(
        first in any_text(), second in any_text(), max_length in 0_usize..20, stride in 0_usize..4,
        truncation in truncation(), which in 0_usize..3, pair: bool, overflowing: bool,
    ) {
        let input = if pair {
            TextInput::Pair(&first, &second)
        } else {
            TextInput::Single(&first)
        };
        let options = EncodeOptions {
            max_length: Some(max_length), truncation, overflowing, stride,
            padding: Padding::MaxLength, ..EncodeOptions::default()
        };
        // Not every combination can be done; none may panic.
        if let Ok(encoding) = TOKENIZERS[which].encode(&input, &options) {
            assert_consistent(&encoding);
            prop_assert_eq!(encoding.len(), max_length);
            for window in &encoding.overflowing {
                prop_assert_eq!(window.len(), max_length);
            }
            prop_assert!(overflowing || encoding.overflowing.is_empty());
        }
    }

    #[test]
    fn windows_of_a_text_cover_all_of_its_tokens(text in any_text(), stride in 0_usize..5) {
        let tokenizer = &TOKENIZERS[0];
        let whole = tokenizer.encode(&text.as_str().into(), &EncodeOptions::default()).unwrap();
        let options = EncodeOptions {
            max_length: Some(8), overflowing: true, stride, ..EncodeOptions::default()
        };
        let cut = tokenizer.encode(&text.as_str().into(), &options).unwrap();
        let inside = |one: &Encoding| one.ids[1..one.len() - 1].to_vec();
        let mut ids = inside(&cut);
        for window in &cut.overflowing {
            let more = inside(window);
            prop_assert_eq!(&ids[ids.len() - stride..], &more[..stride]);
            ids.extend(&more[stride..]);
        }
        prop_assert_eq!(ids, inside(&whole));
    }

    #[test]
    fn decoding_never_panics_and_its_text_encodes(
        ids in prop::collection::vec(0_u32..40_000, 0..20), which in 0_usize..3,
        skip_special_tokens: bool, join_chinese: bool,
    ) {
        let options = DecodeOptions { skip_special_tokens, join_chinese, clean_up_spaces: None };
        let text = TOKENIZERS[which].decode(&ids, &options).unwrap();
        TOKENIZERS[which].encode(&text.as_str().into(), &EncodeOptions::default()).unwrap();
    }

    #[test]
    fn what_was_decoded_without_loss_encodes_to_the_same_ids(text in "[a-z \u{4E00}-\u{9FA5}]{0,30}") {
        let tokenizer = &TOKENIZERS[1];
        let options = EncodeOptions { add_special_tokens: false, ..EncodeOptions::default() };
        let ids = tokenizer.encode(&text.as_str().into(), &options).unwrap().ids;
        for join_chinese in [false, true] {
            let decode = DecodeOptions { join_chinese, ..DecodeOptions::default() };
            let decoded = tokenizer.decode(&ids, &decode).unwrap();
            let again = tokenizer.encode(&decoded.as_str().into(), &options).unwrap().ids;
            prop_assert_eq!(&again, &ids);
        }
    }

    #[test]
    fn added_tokens_are_found_whole(words in prop::collection::vec("\\PC{1,8}", 1..5)) {
        let mut tokenizer = TOKENIZERS[1].clone();
        let before = tokenizer.len();
        if let Ok(added) = tokenizer.add_tokens(&words) {
            prop_assert_eq!(tokenizer.len(), before + added);
            prop_assert_eq!(tokenizer.last_id() as usize + 1, tokenizer.len());
            for (token, id) in tokenizer.added_tokens() {
                prop_assert_eq!(tokenizer.id_to_token(id), Some(token));
            }
        } else {
            prop_assert_eq!(tokenizer.len(), before);
        }
    }
}
