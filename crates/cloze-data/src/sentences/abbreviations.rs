//! Full stops that end no sentence.

/// Words that a full stop shortens and a sentence goes on after, in small letters.
const SHORT: &[&str] = &[
    "adm", "apr", "approx", "aug", "ave", "bros", "capt", "cf", "cmdr", "co", "col", "corp", "dec",
    "dept", "dr", "est", "etc", "feb", "gen", "gov", "hon", "inc", "jan", "jr", "jul", "jun", "lt",
    "ltd", "maj", "messrs", "mr", "mrs", "ms", "mt", "nov", "oct", "pres", "prof", "rep", "rev",
    "sen", "sep", "sept", "sgt", "sr", "st", "vs",
];

/// Words that are shortened before a number only: `No. 5`, but `He said no. Five came.`
const BEFORE_NUMBERS: &[&str] = &[
    "art", "ch", "eq", "fig", "figs", "no", "nos", "nr", "p", "para", "pp", "sec", "vol",
];

/// Whether the full stop behind `before` shortens a word, or counts the points of a list. `after`
/// is what follows the white space behind it.
pub(super) fn is_abbreviation(before: &str, after: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or("");
    let word = word.trim_start_matches(|character: char| !character.is_alphanumeric());
    if word.is_empty() {
        return false;
    }
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        // `1. Introduction`, where nothing stands before the number.
        return before.trim() == word;
    }
    let lower = word.to_lowercase();
    let before_number = after.starts_with(|next: char| next.is_ascii_digit());
    is_initial(word)
        || is_dotted(word)
        || SHORT.contains(&&*lower)
        || before_number && BEFORE_NUMBERS.contains(&&*lower)
}

/// A capital letter alone, as in `J. Smith`; `I` is a word.
fn is_initial(word: &str) -> bool {
    let mut characters = word.chars();
    let alone = characters.next().filter(|_| characters.next().is_none());
    alone.is_some_and(|letter| letter.is_uppercase() && letter != 'I')
}

/// Letters with full stops between them, as in `U.S.`, `e.g.`, `Ph.D.`.
fn is_dotted(word: &str) -> bool {
    let is_short = |part: &str| {
        (1..=2).contains(&part.chars().count()) && part.chars().all(char::is_alphabetic)
    };
    word.contains('.') && word.split('.').all(is_short)
}
