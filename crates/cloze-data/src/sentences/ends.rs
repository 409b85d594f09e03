//! Where Chinese and Western sentences end.

use super::abbreviations::is_abbreviation;

/// Ends a sentence of Chinese writing, which has no spaces.
const CHINESE: &str = "。！？；…";
/// Ends a sentence where words are set apart by spaces.
const WESTERN: &str = "!?;.";
/// Closes what was opened before the end of the sentence, and belongs to it.
const CLOSING: &str = "”’」』）)]】》〉»";
/// Goes on with the sentence though something in it ended: `“走！”，他说`.
const CONTINUING: &str = "，、,：:";

/// Hands on the pieces of a line, each up to and with the end of a sentence, nothing left out.
pub(super) fn cut<'t>(line: &'t str, mut keep: impl FnMut(&'t str)) {
    let is_end = |character: char| CHINESE.contains(character) || WESTERN.contains(character);
    let (mut start, mut position) = (0, 0);
    while let Some(offset) = line[position..].find(is_end) {
        let mark = position + offset;
        let marks = prefix(&line[mark..], is_end);
        let closed = closing(&line[start..mark], &line[mark + marks.len()..]);
        position = mark + marks.len() + closed.len();
        let rest = &line[position..];
        if ends_sentence(&line[start..mark], marks, rest) {
            keep(&line[start..position]);
            start = position;
        }
    }
    keep(&line[start..]);
}

/// What a text begins with that is of a kind.
fn prefix(text: &str, is_kind: impl Fn(char) -> bool) -> &str {
    let end = text.find(|character: char| !is_kind(character));
    &text[..end.unwrap_or(text.len())]
}

/// The quotes and brackets that close right behind a mark. A straight quote closes if one is open
/// in the sentence, or if nothing but the end of a word follows.
fn closing<'t>(sentence: &str, rest: &'t str) -> &'t str {
    let mut open = sentence.matches('"').count() % 2 == 1;
    let mut length = 0;
    while let Some(character) = rest[length..].chars().next() {
        let behind = rest[length + character.len_utf8()..].chars().next();
        let ends_word = behind.is_none_or(|behind| {
            behind.is_whitespace() || CLOSING.contains(behind) || "\"'".contains(behind)
        });
        let closes = match character {
            '"' => std::mem::take(&mut open) || ends_word,
            '\'' => ends_word,
            other => CLOSING.contains(other),
        };
        if !closes {
            break;
        }
        length += character.len_utf8();
    }
    &rest[..length]
}

/// Whether a sentence ends here: `before` is the sentence up to its marks, `rest` what follows
/// behind the marks and the quotes that they close.
fn ends_sentence(before: &str, marks: &str, rest: &str) -> bool {
    let Some(next) = rest.chars().next() else {
        return true;
    };
    if marks.contains(|mark: char| CHINESE.contains(mark)) {
        return !CONTINUING.contains(next);
    }
    match marks {
        "." => next.is_whitespace() && !is_abbreviation(before, rest.trim_start()),
        marks if marks.bytes().all(|mark| mark == b'.') => next.is_whitespace(),
        _ => next.is_whitespace() || !next.is_ascii() && !CONTINUING.contains(next),
    }
}
