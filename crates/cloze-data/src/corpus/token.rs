use std::fmt;

/// A token of a corpus: its id, and whether it continues the word of the token before it.
///
/// ```
/// use cloze_data::corpus::Token;
/// let tokens = [Token::new(7592), Token::continuing(2015)];
/// assert_eq!(tokens.map(Token::id), [7592, 2015]);
/// assert_eq!(tokens.map(Token::continues_word), [false, true]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token(u32);

/// The bit that says that a token continues a word; the others are its id.
const CONTINUES: u32 = 1 << 31;

impl Token {
    /// The greatest id that a token can have.
    pub const LAST_ID: u32 = CONTINUES - 1;

    /// A token that begins a word.
    ///
    /// # Panics
    /// If the id is greater than [`LAST_ID`](Self::LAST_ID).
    pub const fn new(id: u32) -> Self {
        assert!(id <= Self::LAST_ID, "an id has 31 bits");
        Self(id)
    }

    /// A token that continues the word of the token before it.
    ///
    /// # Panics
    /// If the id is greater than [`LAST_ID`](Self::LAST_ID).
    pub const fn continuing(id: u32) -> Self {
        Self(Self::new(id).0 | CONTINUES)
    }

    /// Its id in the vocabulary.
    pub const fn id(self) -> u32 {
        self.0 & Self::LAST_ID
    }

    /// Whether it belongs to the word of the token before it.
    pub const fn continues_word(self) -> bool {
        self.0 & CONTINUES != 0
    }

    /// The number that stands for it in a file.
    pub(super) const fn bits(self) -> u32 {
        self.0
    }

    /// The token that a number of a file stands for.
    pub(super) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.continues_word() { "##" } else { "" };
        write!(f, "{mark}{}", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_kept_beside_the_mark() {
        for id in [0, 1, 21_127, Token::LAST_ID] {
            let (begins, continues) = (Token::new(id), Token::continuing(id));
            assert_eq!((begins.id(), begins.continues_word()), (id, false));
            assert_eq!((continues.id(), continues.continues_word()), (id, true));
            assert_eq!(Token::from_bits(continues.bits()), continues);
        }
        assert_eq!(
            format!("{:?}", [Token::new(5), Token::continuing(6)]),
            "[5, ##6]"
        );
    }
}
