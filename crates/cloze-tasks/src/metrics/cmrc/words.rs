//! The words of a text that is not Chinese, as NLTK's word tokenizer separates them: by spaces, and
//! with punctuation, quotes, endings such as *'s*, and both halves of *cannot* as words of their own.
//!
//! Steps and their order are NLTK's (Bird, Klein, Loper 2009), of which those are left out that
//! concern punctuation which is gone already. A period is a word at the end of a text alone.

use crate::metrics::squad;

/// Words of which each half is one.
const CONTRACTIONS: [(&str, &str); 8] = [
    ("can", "not"),
    ("d", "'ye"),
    ("gim", "me"),
    ("gon", "na"),
    ("got", "ta"),
    ("lem", "me"),
    ("more", "'n"),
    ("wan", "na"),
];

/// Adds the words of a text in lower case.
pub(super) fn push_words(text: &str, words: &mut Vec<String>) {
    if text.trim_matches(squad::is_space).is_empty() {
        return;
    }
    let text = opening_quotes(text);
    let text = final_period(&text);
    let text = commas(&text);
    let text = ellipses(&text);
    let text = spaced(&text, ";@#$%&\u{2012}\u{2013}\u{2014}\u{2015}?!");
    let text = quotes_before_spaces(&text);
    let text = spaced(&text, "[](){}<>»”’");
    let text = text.replace("''", " '' ").replace('"', " '' ");
    for word in squad::split(&text) {
        push_word(word, words);
    }
}

/// Puts spaces around some characters.
fn spaced(text: &str, around: &str) -> String {
    let mut found = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match around.contains(character) {
            true => found.extend([' ', character, ' ']),
            false => found.push(character),
        }
    }
    found
}

fn opening_quotes(text: &str) -> String {
    let text = spaced(text, "«“‘„");
    let text = match text.strip_prefix('"') {
        Some(rest) => format!(" `` {rest}"),
        None => text,
    };
    let characters: Vec<char> = text.chars().collect();
    let mut found = String::with_capacity(text.len() + 8);
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        let quote = match rest {
            [' ' | '(' | '[' | '{' | '<', '"', ..] => 1,
            [' ' | '(' | '[' | '{' | '<', '\'', '\'', ..] => 2,
            _ => 0,
        };
        found.push(rest[0]);
        if quote > 0 {
            found.push_str(" `` ");
        } else if rest[0] == '\'' && opens(&characters[..at], &rest[1..]) {
            found.push(' ');
        }
        at += 1 + quote;
    }
    found
}

/// Whether a single quote between these begins a quotation, and no ending of a word.
fn opens(before: &[char], behind: &[char]) -> bool {
    if before.last().copied().is_some_and(is_word) {
        return false;
    }
    let word: String = behind.iter().copied().take_while(|&c| is_word(c)).collect();
    !word.is_empty() && !["re", "ve", "ll", "m", "t", "s", "d", "n"].contains(&word.as_str())
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Separates a period at the end, before what closes the sentence.
fn final_period(text: &str) -> String {
    let body = text
        .trim_end()
        .trim_end_matches([']', ')', '}', '>', '"', '\'', '»', '”', '’', ' ']);
    match body.strip_suffix('.') {
        Some(before) if !before.is_empty() && !before.ends_with('.') => {
            format!("{before} . {} ", &text[body.len()..])
        }
        _ => text.to_owned(),
    }
}

/// Separates commas that no digit follows.
fn commas(text: &str) -> String {
    let mut found = String::with_capacity(text.len() + 8);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != ',' {
            found.push(character);
            continue;
        }
        match characters.next() {
            Some(next) if next.is_numeric() => found.extend([',', next]),
            Some(next) => found.extend([' ', ',', ' ', next]),
            None => found.push_str(" , "),
        }
    }
    found
}

/// Separates rows of periods.
fn ellipses(text: &str) -> String {
    let mut found = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(start) = rest.find("..") {
        let (before, from) = rest.split_at(start);
        let behind = from.trim_start_matches('.');
        let periods = &from[..from.len() - behind.len()];
        found.extend([before, " ", periods, " "]);
        rest = behind;
    }
    found + rest
}

/// Separates single quotes before spaces.
fn quotes_before_spaces(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut found = String::with_capacity(text.len() + 8);
    for (at, &character) in characters.iter().enumerate() {
        let ends = at > 0 && characters[at - 1] != '\'' && characters.get(at + 1) == Some(&' ');
        if character == '\'' && ends {
            found.push(' ');
        }
        found.push(character);
    }
    found
}

/// Adds a word without spaces, its endings by themselves.
fn push_word(word: &str, words: &mut Vec<String>) {
    for ending in ["'s", "'m", "'d", "'ll", "'re", "'ve", "n't", "'"] {
        if let Some(stem) = word.strip_suffix(ending)
            && !stem.is_empty()
            && !stem.ends_with('\'')
        {
            push_halves(stem, words);
            words.push(ending.into());
            return;
        }
    }
    push_halves(word, words);
}

fn push_halves(word: &str, words: &mut Vec<String>) {
    for (first, second) in CONTRACTIONS {
        if word.strip_prefix(first) == Some(second) {
            words.extend([first.to_owned(), second.to_owned()]);
            return;
        }
    }
    match word {
        "'tis" => words.extend(["'t", "is"].map(str::to_owned)),
        "'twas" => words.extend(["'t", "was"].map(str::to_owned)),
        word => words.push(word.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        push_words(text, &mut found);
        found
    }

    #[test]
    fn punctuation_and_endings_are_words() {
        assert_eq!(
            words("3.5% of 1,000, (u.s.)"),
            ["3.5", "%", "of", "1,000", ",", "(", "u.s", ".", ")"]
        );
        assert_eq!(
            words("he's john's... can't cannot!"),
            [
                "he", "'s", "john", "'s", "...", "ca", "n't", "can", "not", "!"
            ]
        );
        assert_eq!(
            words("\"good\" 'news'"),
            ["``", "good", "''", "'", "news", "'"]
        );
        assert_eq!(words(" \t"), [""; 0]);
    }
}
