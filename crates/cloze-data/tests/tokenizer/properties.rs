//! Whatever the text, some things hold.

use std::sync::LazyLock;

use cloze_data::tokenizer::{
    DecodeOptions, EncodeOptions, Encoding, Padding, TextInput, Tokenizer, Truncation,
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
