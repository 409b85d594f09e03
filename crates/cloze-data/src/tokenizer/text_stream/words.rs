//! Words and parts of words, with the spaces, quotation marks and capital letters of running text.

use super::super::decode::is_chinese;
use super::characters::goes_on;

/// A token without the mark that says that it goes on with a word.
#[derive(Clone, Debug)]
struct Piece {
    text: String,
    continues: bool,
}

impl Piece {
    fn first(&self) -> Option<char> {
        self.text.chars().next()
    }

    fn is_number(&self) -> bool {
        self.text
            .chars()
            .all(|character| character.is_ascii_digit())
    }
}

/// Puts pieces behind a text. One piece is held back: what stands before and behind it depends on
/// the next.
#[derive(Clone, Debug)]
pub(super) struct WordPieces {
    /// `##`.
    prefix: String,
    held: Option<Piece>,
    written: Written,
    /// Capital letters are wanted where sentences begin.
    capitals: bool,
}

/// What has to be known of the text so far.
#[derive(Clone, Debug, Default)]
struct Written {
    /// The last character, and the one before it.
    last: Option<char>,
    before: Option<char>,
    /// The next word stands without a space, whatever it is.
    joined: bool,
    /// The last character that is not of both scripts, as quotation marks are, was Chinese.
    chinese: bool,
    in_double_quotes: bool,
    in_single_quotes: bool,
    /// A sentence begins.
    sentence_start: bool,
}

impl WordPieces {
    pub(super) fn after(text: &str, prefix: String, capitals: bool) -> Self {
        let paragraph = text.rsplit('\n').next().unwrap_or_default();
        let mut written = Written {
            sentence_start: true,
            ..Written::default()
        };
        written.joined = paragraph.is_empty();
        for character in paragraph.chars() {
            written.see(character);
        }
        written.in_double_quotes = paragraph.matches('"').count() % 2 == 1;
        let opens = |character: char| "([{“‘«¿¡-–—/".contains(character);
        let (last, before) = (written.last, written.before);
        let quote_opens = last == Some('"') && written.in_double_quotes
            || last == Some('\'') && before.is_none_or(|character| !character.is_alphanumeric());
        written.in_single_quotes = last == Some('\'') && quote_opens;
        written.joined |= quote_opens || last.is_some_and(opens);
        Self {
            prefix,
            held: None,
            written,
            capitals,
        }
    }

    pub(super) fn keep_case(&mut self) {
        self.capitals = false;
    }

    pub(super) fn push(&mut self, token: &str) -> String {
        let rest = match self.prefix.is_empty() {
            true => None,
            false => token
                .strip_prefix(&self.prefix)
                .filter(|rest| !rest.is_empty()),
        };
        let piece = Piece {
            text: rest.unwrap_or(token).to_owned(),
            continues: rest.is_some(),
        };
        if let Some(held) = &mut self.held
            && piece.continues
            && goes_on(&held.text, &piece.text)
        {
            held.text.push_str(&piece.text);
            return String::new();
        }
        let settled = match self.held.take() {
            Some(held) => self.settle(held, Some(&piece)),
            None => String::new(),
        };
        self.held = Some(piece);
        settled
    }

    pub(super) fn finish(&mut self) -> String {
        match self.held.take() {
            Some(held) => self.settle(held, None),
            None => String::new(),
        }
    }

    fn settle(&mut self, mut piece: Piece, next: Option<&Piece>) -> String {
        if self.capitals && !piece.continues {
            self.written.capitalize(&mut piece, next);
        }
        let (space, joined) = self.written.around(&piece, next);
        piece
            .text
            .chars()
            .for_each(|character| self.written.see(character));
        self.written.joined = joined;
        match space {
            true => format!(" {}", piece.text),
            false => piece.text,
        }
    }
}

impl Written {
    /// A character that was written.
    fn see(&mut self, character: char) {
        self.before = self.last;
        self.last = Some(character);
        self.joined = false;
        if !is_of_both_scripts(character) && !character.is_whitespace() {
            self.chinese = is_chinese(character);
        }
        match character {
            '.' | '!' | '?' => self.sentence_start = true,
            // They close a sentence, or come before its first word.
            '"' | '\'' | '”' | '’' | '“' | '‘' | ')' | ']' | '(' => {}
            character if character.is_whitespace() => {}
            _ => self.sentence_start = false,
        }
    }

    /// Capital letters of English: the first of a sentence, and `I`.
    fn capitalize(&self, piece: &mut Piece, next: Option<&Piece>) {
        let alone = next.is_none_or(|next| !next.continues);
        if !(self.sentence_start || piece.text == "i" && alone) {
            return;
        }
        let mut characters = piece.text.chars();
        if let Some(first) = characters.next() {
            piece.text = first.to_uppercase().chain(characters).collect();
        }
    }

    /// Whether a space stands before a piece, and whether the next one stands without.
    fn around(&mut self, piece: &Piece, next: Option<&Piece>) -> (bool, bool) {
        let Some(first) = piece.first() else {
            return (false, self.joined);
        };
        let none_before =
            piece.continues || self.joined || self.last.is_none_or(char::is_whitespace);
        if piece.text.chars().count() > 1 || first.is_alphanumeric() {
            return (!none_before && !self.meets_chinese(first), false);
        }
        let chinese = self.meets_chinese(first);
        match first {
            '"' => {
                self.in_double_quotes = !self.in_double_quotes;
                let opens = self.in_double_quotes;
                (opens && !none_before && !chinese, opens)
            }
            '\'' | '’' => self.single_quote(first, next, none_before),
            '(' | '[' | '{' | '“' | '‘' | '«' | '¿' | '¡' | '#' | '$' | '£' | '€' => {
                (!none_before && !chinese, true)
            }
            '.' | ',' | ':' => (false, self.is_within_number(first, next)),
            ';' | '!' | '?' | ')' | ']' | '}' | '”' | '»' | '%' | '°' | '…' => (false, false),
            '-' | '–' | '—' | '/' | '_' | '@' | '\\' => (false, true),
            _ => (!none_before && !chinese, false),
        }
    }

    /// An apostrophe, or a mark that opens or closes a quotation within another one.
    fn single_quote(
        &mut self,
        mark: char,
        next: Option<&Piece>,
        none_before: bool,
    ) -> (bool, bool) {
        let after_word = self.last.is_some_and(char::is_alphanumeric);
        let next_text = next.map_or("", |next| &next.text);
        if after_word && SUFFIXES.contains(&next_text) {
            return (false, true);
        }
        let next_is_word = next
            .and_then(Piece::first)
            .is_some_and(char::is_alphanumeric);
        let closes =
            mark == '’' || self.in_single_quotes || !next_is_word || self.last == Some('s');
        self.in_single_quotes = !closes;
        (!closes && !none_before, !closes)
    }

    /// Whether a mark stands between the digits of a number or of a time.
    fn is_within_number(&self, mark: char, next: Option<&Piece>) -> bool {
        let Some(next) = next else { return false };
        let digits = match mark {
            ',' => next.text.len() == 3,
            ':' => next.text.len() == 2,
            _ => true,
        };
        digits && next.is_number() && self.last.is_some_and(|last| last.is_ascii_digit())
    }

    /// Whether what was written last, or `first` behind it, is Chinese: then no space is between.
    fn meets_chinese(&self, first: char) -> bool {
        let is_chinese_here = |character: char| match is_of_both_scripts(character) {
            true => self.chinese,
            false => is_chinese(character),
        };
        self.last.is_some_and(is_chinese_here) || is_chinese_here(first)
    }
}

/// What follows an apostrophe within a word.
const SUFFIXES: [&str; 12] = [
    "s", "t", "d", "m", "re", "ve", "ll", "er", "en", "ye", "clock", "em",
];

/// Marks that stand in Chinese texts and in English ones.
fn is_of_both_scripts(character: char) -> bool {
    matches!(character, '“' | '”' | '‘' | '’' | '…' | '—' | '·') || character.is_ascii_punctuation()
}
