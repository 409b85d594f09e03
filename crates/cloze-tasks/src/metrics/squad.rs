//! Exact match and F1 of answers, as the evaluation scripts of SQuAD 1.1 and 2.0 compute them
//! (Rajpurkar et al. 2016, 2018).
//!
//! Two answers are the same if they are so in lower case, without ASCII punctuation, without the
//! articles *a*, *an* and *the*, and with single spaces between words. F1 is that of the words,
//! those that an answer has twice counted twice.

use std::collections::HashMap;

/// An answer without what does not count.
///
/// ```
/// use cloze_tasks::metrics::squad::normalized;
/// assert_eq!(normalized("The  Eiffel Tower, Paris!"), "eiffel tower paris");
/// ```
pub fn normalized(answer: &str) -> String {
    let lower = answer.to_lowercase();
    let kept = lower
        .chars()
        .filter(|character| !character.is_ascii_punctuation());
    let mut text = String::with_capacity(lower.len());
    let mut word = String::new();
    for character in kept {
        if character.is_alphanumeric() {
            word.push(character);
        } else {
            push_unless_article(&mut text, &word);
            word.clear();
            text.push(character);
        }
    }
    push_unless_article(&mut text, &word);
    let words: Vec<&str> = split(&text).collect();
    words.join(" ")
}

fn push_unless_article(text: &mut String, word: &str) {
    match word {
        "a" | "an" | "the" => text.push(' '),
        word => text.push_str(word),
    }
}

/// Whether Python's `split` and `strip` take a character for a space: separators of ASCII too.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// The words between spaces.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// Whether two answers are the same.
pub fn exact_match(gold: &str, predicted: &str) -> bool {
    normalized(gold) == normalized(predicted)
}

/// F1 of the words of two answers, from 0 to 1. Where one of them has none, it is 0 in version
/// 1.1 of the script, and in 2.0 (`empty_is_equal`) 1 if neither has.
pub fn f1(gold: &str, predicted: &str, empty_is_equal: bool) -> f64 {
    let (gold, predicted) = (normalized(gold), normalized(predicted));
    let (gold, predicted): (Vec<&str>, Vec<&str>) =
        (split(&gold).collect(), split(&predicted).collect());
    if gold.is_empty() || predicted.is_empty() {
        let both = gold.is_empty() && predicted.is_empty();
        return f64::from(u8::from(both && empty_is_equal));
    }
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in &gold {
        *counts.entry(word).or_default() += 1;
    }
    let mut same = 0_usize;
    for word in &predicted {
        if let Some(count) = counts.get_mut(word).filter(|count| **count > 0) {
            *count -= 1;
            same += 1;
        }
    }
    super::answers::f1_of(same, predicted.len(), gold.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_punctuation_and_spaces_do_not_count() {
        assert_eq!(normalized("An apple-a-day, the\tbest."), "appleaday best");
        assert_eq!(normalized("a\u{301} the\u{a0}thé"), "\u{301} thé");
        assert_eq!(normalized("北京，（the 天气）"), "北京，（ 天气）");
        assert!(exact_match("The U.S.", "us") && !exact_match("us", "u s"));
    }

    #[test]
    fn words_count_as_often_as_they_stand_there() {
        let score = f1("cat cat dog", "the cat dog dog", false);
        assert!((score - 2.0 / 3.0).abs() < 1e-12, "{score}");
        assert_eq!(f1("cat", "dog", true), 0.0);
        assert_eq!((f1("the", "a", false), f1("the", "a", true)), (0.0, 1.0));
        assert_eq!(f1("cat", "the", true), 0.0);
    }
}
