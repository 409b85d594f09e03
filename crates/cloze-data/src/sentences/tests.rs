use proptest::prelude::*;

use super::*;

fn texts<'t>(splitter: &SentenceSplitter, text: &'t str) -> Vec<&'t str> {
    splitter
        .split(text)
        .iter()
        .map(|sentence| sentence.text)
        .collect()
}

/// Cuts a text that has `|` where the standard rule is to cut.
fn check(marked: &str) {
    let expected: Vec<&str> = marked.split('|').map(str::trim).collect();
    let text = marked.replace('|', "");
    assert_eq!(texts(&SentenceSplitter::default(), &text), expected);
}

#[test]
fn chinese_marks_cut_wherever_they_stand() {
    check("床前明月光。|疑是地上霜！|举头望明月？|低头思故乡；|完");
    check("真的？！|是的……|走吧");
    check("圆周率是3.14，不是3.15。|对吗？|对");
    check("没有标点的一句话");
}

#[test]
fn closing_quotes_and_brackets_belong_to_the_sentence() {
    check("“走吧！”|他说。|“好。”|（完。）|《书！》|「是。」|『不。』|【注。】");
    check("她问：“为什么？”|没有人回答。");
    check("\"走吧。\"|他说。|\"好。\"");
    check("他说。|\"走吧。\"");
    check("\"Go on. |Now.\" |He went. |'Why?' |(Because.) |She said 'no.' |\"'Well.'\"");
}

#[test]
fn a_sentence_goes_on_behind_a_quote_with_a_comma() {
    check("“走！”，他说。|“为什么？”、“怎么办？”|都问了。");
}

#[test]
fn western_marks_cut_before_white_space() {
    check("The cat sat. |The dog ran! |Did it? |Yes; |it did... |Well?! |Fine.");
    check("the cat sat. |the dog ran.");
    check("你好!|我来了?|好;|走");
    check("See example.com/a?b=c;d or v1.2.3!important now. |Done");
    check("It costs 3.14. |Or .5 of it.");
}

#[test]
fn abbreviations_do_not_cut() {
    check("The U.S. Army and Dr. J. R. Smith, Ph.D. of Acme Inc. in St. Louis met. |They left.");
    check("Fruit, e.g. apples (i.e. these), etc. at 5 p.m. today. |Good.");
    check("No. 5 is alive, see Fig. 3. |He said no. |Five came.");
    check("1. Introduction. |2 came. |There were 2. |Then 3.");
    check("So am I. |He is not.");
}

#[test]
fn lines_end_sentences_and_blank_lines_are_told() {
    let splitter = SentenceSplitter::default();
    let text = "One\r\ntwo. Three\n\n \t\nfour\n五。六";
    let sentences = splitter.split(text);
    let found: Vec<_> = sentences
        .iter()
        .map(|sentence| (sentence.text, sentence.after_blank_line))
        .collect();
    let expected = [
        ("One", false),
        ("two.", false),
        ("Three", false),
        ("four", true),
        ("五。", false),
        ("六", false),
    ];
    assert_eq!(found, expected);
    assert!(splitter.split("\n\na")[0].after_blank_line);
    assert!(splitter.split(" \n\u{3000}\n").is_empty());
}

#[test]
fn marks_of_the_user_are_left_out() {
    let marks = SentenceSplitter::at("。,“”:;!、").unwrap();
    assert_eq!(
        texts(&marks, "他说:“3.14,对吗?”\n、苹果、梨;;走! 。"),
        ["他说", "3.14", "对吗?", "苹果", "梨", "走"]
    );
    let spaces = SentenceSplitter::at(" ").unwrap();
    assert_eq!(texts(&spaces, "a b  c"), ["a", "b", "c"]);
    assert_eq!(SentenceSplitter::at(""), Err(SentenceError::NoMarks));
    assert_eq!(SentenceSplitter::at("ab"), SentenceSplitter::at("bab"));
}

/// Texts in which marks, quotes and spaces are frequent.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        prop::sample::select(
            "。！？；…!?;.,，\"'“”（）() \n\r\t\u{3000}1２aBI好é𝄞"
                .chars()
                .collect::<Vec<_>>()
        ),
        any::<char>(),
    ];
    prop::collection::vec(character, 0..60).prop_map(|characters| characters.into_iter().collect())
}

proptest! {
    #[test]
    fn the_standard_rule_loses_nothing_but_white_space(text in text()) {
        let sentences = SentenceSplitter::default().split(&text);
        let without_spaces = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let together: String = sentences.iter().map(|sentence| without_spaces(sentence.text)).collect();
        prop_assert_eq!(together, without_spaces(&text));
        for sentence in sentences {
            prop_assert!(!sentence.text.is_empty());
            prop_assert_eq!(sentence.text, sentence.text.trim());
            prop_assert!(!sentence.text.contains('\n'));
        }
    }

    #[test]
    fn no_piece_holds_a_mark_of_the_user(text in text(), marks in "[。,.!\"a ]{1,4}") {
        let splitter = SentenceSplitter::at(&marks).unwrap();
        for sentence in splitter.split(&text) {
            prop_assert!(!sentence.text.contains(&marks.chars().collect::<Vec<_>>()[..]));
        }
    }
}
