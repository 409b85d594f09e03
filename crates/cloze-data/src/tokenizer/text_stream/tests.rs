use std::path::Path;

use super::*;

/// What a stream returns for each token, and at the end.
fn parts(stream: &mut WordPieces, tokens: &str) -> Vec<String> {
    let mut parts: Vec<String> = tokens.split(' ').map(|token| stream.push(token)).collect();
    parts.push(stream.finish());
    parts
}

fn continued(text: &str, tokens: &str) -> String {
    let mut stream = WordPieces::after(text, "##".into(), false);
    format!("{text}{}", parts(&mut stream, tokens).concat())
}

fn capitalized(text: &str, tokens: &str) -> String {
    let mut stream = WordPieces::after(text, "##".into(), true);
    format!("{text}{}", parts(&mut stream, tokens).concat())
}

#[test]
fn english_has_its_spaces() {
    assert_eq!(
        continued(
            "The whale",
            "##rs sailed , and it ' s half - stranded ; don ' t ( ever ) go ."
        ),
        "The whalers sailed, and it's half-stranded; don't (ever) go."
    );
    assert_eq!(
        continued("He said,", "\" come ! \" and left — for good ."),
        "He said, \"come!\" and left—for good."
    );
    assert_eq!(continued("He said, \"", "come \" ."), "He said, \"come\".");
    assert_eq!(
        continued("", "at 10 : 30 he paid $ 3 . 14 , or 1 , 000 , 4 times"),
        "at 10:30 he paid $3.14, or 1,000, 4 times"
    );
    assert_eq!(
        continued("\"", "who said ' run ' to the sailors ' wives ? \""),
        "\"who said 'run' to the sailors' wives?\""
    );
    assert_eq!(
        continued("It", "’ s “ fine ” , “ they ” say"),
        "It’s “fine”, “they” say"
    );
}

#[test]
fn a_text_goes_on_as_it_ended() {
    assert_eq!(continued("the whale ", "swims"), "the whale swims");
    assert_eq!(continued("the whale\n", "swims"), "the whale\nswims");
    assert_eq!(continued("the whale (", "swims )"), "the whale (swims)");
    assert_eq!(continued("the half-", "stranded"), "the half-stranded");
    assert_eq!(continued("今天", "天 气"), "今天天气");
    assert_eq!(continued("", "swims"), "swims");
}

#[test]
fn chinese_has_none_and_mixed_text_neither() {
    assert_eq!(
        continued(
            "他说：",
            "“ 好 。 ” 我 爱 open 源 ， hello world １９９８ 年"
        ),
        "他说：“好。”我爱open源，hello world１９９８年"
    );
    assert_eq!(
        continued("改革", "开 放 — — 在 1998 年 , “ 两 会 ” “ 三 农 ”"),
        "改革开放——在1998年,“两会”“三农”"
    );
}

#[test]
fn sentences_of_a_lower_case_vocabulary_begin_with_capitals() {
    assert_eq!(
        capitalized(
            "He left.",
            "then i went , i ##sh ##mael . \" no ! \" he cried"
        ),
        "He left. Then I went, ishmael. \"No!\" He cried"
    );
    assert_eq!(capitalized("he left", "then"), "he left then");
    assert_eq!(
        capitalized("", "call me . what ' s that"),
        "Call me. What's that"
    );
}

#[test]
fn a_part_is_settled_when_the_next_token_is_known() {
    let mut stream = WordPieces::after("it", "##".into(), false);
    assert_eq!(
        parts(&mut stream, "' s caf ##e ##\u{301} 中 👍 ##🏽 !"),
        ["", "'", "s", " caf", "", "e\u{301}", "中", "", "👍🏽", "!"]
    );
}

fn fixture(name: &str) -> Tokenizer {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    Tokenizer::from_folder(&folder).unwrap()
}

fn ids(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
    let tokens = tokenizer.tokenize(text).unwrap();
    tokenizer.ids(&tokens)
}

/// Byte-level tokens break emoji and Chinese into bytes; none is ever shown before it is whole.
#[test]
fn bytes_become_whole_characters() {
    // Of the unigram vocabulary emoji are unknown, and unknown tokens are not shown.
    for (name, text) in [
        (
            "byte-level",
            "the cat, naïve café 😀 ❤️ 我爱中国，天气真好。 Ångström isn't",
        ),
        (
            "unigram",
            "the cat, naïve café 我爱中国，天气真好。 Ångström isn't",
        ),
    ] {
        let tokenizer = fixture(name);
        let tokens = ids(&tokenizer, text);
        for cut in 1..tokens.len() {
            let start = tokenizer
                .decode(&tokens[..cut], &Default::default())
                .unwrap();
            if start.contains('\u{FFFD}') {
                continue;
            }
            let mut stream = TextStream::after(&tokenizer, &start).unwrap();
            let mut shown = start.clone();
            for &token in &tokens[cut..] {
                let part = stream.push(&tokenizer, token).unwrap();
                assert!(
                    !part.contains('\u{FFFD}') && !part.starts_with('\u{FE0F}'),
                    "{part:?}"
                );
                shown += &part;
            }
            shown += &stream.finish();
            let whole = tokenizer.decode(&tokens, &Default::default()).unwrap();
            assert_eq!(shown, whole, "{name} cut behind {start:?}");
        }
    }
}

#[test]
fn bytes_that_never_become_a_character_are_dropped_at_the_end() {
    let tokenizer = fixture("byte-level");
    let tokens = ids(&tokenizer, "a😀");
    let mut stream = TextStream::after(&tokenizer, "").unwrap();
    let mut shown = String::new();
    for &token in &tokens[..tokens.len() - 1] {
        shown += &stream.push(&tokenizer, token).unwrap();
    }
    shown += &stream.finish();
    assert_eq!(shown, "a");
}

#[test]
fn special_tokens_give_no_text() {
    let tokenizer = crate::corpus::small_tokenizer::tokenizer("the whale");
    let mut stream = TextStream::after(&tokenizer, "See").unwrap();
    let mut shown = String::new();
    for token in [5, 1, 3, 6, 999] {
        shown += &stream.push(&tokenizer, token).unwrap();
    }
    assert_eq!(stream.pending(), " whale");
    assert_eq!(shown + &stream.finish(), "See the whale"[3..]);
    assert_eq!(stream.pending(), "");
}
