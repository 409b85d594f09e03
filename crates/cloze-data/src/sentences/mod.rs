//! Raw text → sentences.
//!
//! [`SentenceSplitter`] cuts where Chinese and Western sentences end, or at marks that the user
//! names. The end of a line always ends a sentence, a blank line ends a document.

mod abbreviations;
mod ends;

use thiserror::Error;

/// With fewer sentences there is none at a distance over 1 from each: the fewest that sentence
/// pairs can be drawn from.
pub const FEWEST_SENTENCES: u64 = 4;

/// Cuts a text into sentences.
///
/// The default cuts after `。！？；…` and `!?;.`, with what belongs to the mark: further marks
/// (`?!`, `……`) and the quotes and brackets that close behind it. A mark of Chinese writing cuts
/// wherever it stands, unless a comma or a colon follows (`“走！”，他说`). A full stop cuts only
/// before white space and at the end, and not after an abbreviation (`U.S.`, `Dr.`, `J. Smith`) or
/// the number of a list (`1. Introduction`), so that `3.14` and `example.com` stay whole. `!?;` cut
/// there, too, and before whatever is not ASCII (`你好!我来了`), so that `a?b=c;d` stays whole.
/// A sentence keeps its mark.
///
/// ```
/// use cloze_data::sentences::SentenceSplitter;
/// let texts = |splitter: &SentenceSplitter, text| -> Vec<String> {
///     splitter.split(text).iter().map(|sentence| sentence.text.to_owned()).collect()
/// };
/// let standard = SentenceSplitter::default();
/// assert_eq!(texts(&standard, "“走吧！”他说。好的……"), ["“走吧！”", "他说。", "好的……"]);
/// assert_eq!(texts(&standard, "It is 3.14 in the U.S. today. Fine!"), ["It is 3.14 in the U.S. today.", "Fine!"]);
/// let marks = SentenceSplitter::at("。,“”:;!、")?;
/// assert_eq!(texts(&marks, "他说:“走,快走!”好。"), ["他说", "走", "快走", "好"]);
/// # Ok::<(), cloze_data::sentences::SentenceError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SentenceSplitter {
    rule: Rule,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
enum Rule {
    #[default]
    Standard,
    /// At each of these.
    Marks(Vec<char>),
}

/// Why text cannot be cut as asked.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SentenceError {
    /// No mark to cut at.
    #[error("found no marks, wanted at least one character to split at")]
    NoMarks,
}

/// A sentence of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sentence<'t> {
    /// The sentence, without blanks around it; never empty.
    pub text: &'t str,
    /// Whether a blank line stands before it in the text.
    pub after_blank_line: bool,
}

impl SentenceSplitter {
    /// Cuts at each of these characters, wherever it stands, and leaves it out, as `split` of most
    /// languages does: the sentences are what stands between the marks. Blank pieces are dropped.
    ///
    /// # Errors
    /// If there is no mark.
    pub fn at(marks: &str) -> Result<Self, SentenceError> {
        if marks.is_empty() {
            return Err(SentenceError::NoMarks);
        }
        let mut marks: Vec<char> = marks.chars().collect();
        marks.sort_unstable();
        marks.dedup();
        Ok(Self {
            rule: Rule::Marks(marks),
        })
    }

    /// The sentences of a text, of one line or many.
    pub fn split<'t>(&self, text: &'t str) -> Vec<Sentence<'t>> {
        let mut sentences = Vec::new();
        let mut after_blank_line = false;
        for line in text.lines() {
            if line.trim().is_empty() {
                after_blank_line = true;
                continue;
            }
            let mut keep = |piece: &'t str| {
                let text = piece.trim();
                if !text.is_empty() {
                    sentences.push(Sentence {
                        text,
                        after_blank_line,
                    });
                    after_blank_line = false;
                }
            };
            match &self.rule {
                Rule::Standard => ends::cut(line, keep),
                Rule::Marks(marks) => line.split(&marks[..]).for_each(&mut keep),
            }
        }
        sentences
    }
}

#[cfg(test)]
mod tests;
