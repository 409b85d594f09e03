use std::fmt;

use super::Encoding;

/// Counts the texts that are longer than the model reads, for one warning instead of thousands.
///
/// ```
/// use cloze_data::tokenizer::LongTexts;
/// let mut long = LongTexts::new(512);
/// for length in [80, 873, 512, 600] {
///     long.see(length);
/// }
/// assert_eq!(
///     long.to_string(),
///     "2 of 4 texts are longer than the 512 tokens that are read (the longest has 873, \
///      the first is number 2)"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongTexts {
    /// How many tokens are read, special ones included.
    pub limit: usize,
    /// How many texts were seen.
    pub texts: usize,
    /// How many of them are longer.
    pub longer: usize,
    /// The length of the longest, in tokens.
    pub longest: usize,
    /// Number of the first that is longer, counted from 1.
    pub first: Option<usize>,
}

impl LongTexts {
    /// Nothing seen yet.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            texts: 0,
            longer: 0,
            longest: 0,
            first: None,
        }
    }

    /// Counts encodings by what their length would be without truncation.
    pub fn among<'a>(encodings: impl IntoIterator<Item = &'a Encoding>, limit: usize) -> Self {
        let mut long = Self::new(limit);
        for encoding in encodings {
            long.see(encoding.untruncated_length);
        }
        long
    }

    /// Counts one text by its length in tokens.
    pub fn see(&mut self, length: usize) {
        self.texts += 1;
        self.longest = self.longest.max(length);
        if length > self.limit {
            self.longer += 1;
            self.first.get_or_insert(self.texts);
        }
    }

    /// Whether there is something to warn of.
    pub fn any(&self) -> bool {
        self.longer > 0
    }
}

impl fmt::Display for LongTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (is, texts) = match (self.longer, self.texts) {
            (1, 1) => ("is", "text"),
            (1, _) => ("is", "texts"),
            _ => ("are", "texts"),
        };
        write!(
            f,
            "{} of {} {texts} {is} longer than the {} tokens that are read (the longest has {}",
            self.longer, self.texts, self.limit, self.longest
        )?;
        match self.first {
            Some(first) => write!(f, ", the first is number {first})"),
            None => write!(f, ")"),
        }
    }
}
