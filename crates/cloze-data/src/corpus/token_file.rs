mod writer;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::Path;

pub use writer::TokenFileWriter;

use super::tensor_file::{Numbers, Rows, TensorFile};
use super::{CorpusError, Token};

/// What the metadata of a token file says that it is.
const FORMAT: &str = "cloze-tokens";
/// Changes when files of the older kind are no longer read.
const VERSION: &str = "1";
/// The bit of an offset that says that the sequence starts a document.
const STARTS_DOCUMENT: u64 = 1 << 63;
/// How many numbers are read at once.
const AT_ONCE: usize = 1024;

/// Sequences of tokens in a file on the disk, read as they are asked for.
///
/// Memory does not grow with the file: nothing but its header is kept. It is a safetensors file
/// with two tensors and can be read by others:
///
/// - `tokens`, 32-bit numbers `[tokens]`: the sequences end to end. The low 31 bits are the id,
///   the top bit says that the token [continues a word](Token::continues_word).
/// - `offsets`, 64-bit numbers `[sequences + 1]`: sequence `i` is `tokens[offsets[i]..offsets[i +
///   1]]`. The low 63 bits are the offset, the top bit says that the sequence starts a document.
///
/// Threads may read one file at the same time.
///
/// ```
/// use cloze_data::corpus::{Token, TokenFileWriter};
///
/// let folder = tempfile::tempdir()?;
/// let mut writer = TokenFileWriter::create(&folder.path().join("train.safetensors"))?;
/// writer.push(&[101, 2293, 2859, 102].map(Token::new), true)?;
/// writer.push(&[101, 102].map(Token::new), false)?;
/// let file = writer.finish()?;
/// assert_eq!((file.sequences(), file.tokens()), (2, 6));
/// let mut tokens = Vec::new();
/// file.read(0, &mut tokens)?;
/// assert_eq!(tokens, [101, 2293, 2859, 102].map(Token::new));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TokenFile {
    file: TensorFile,
    tokens: Rows,
    offsets: Rows,
}

/// Where a sequence lies among the tokens of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// Its tokens.
    pub span: Range<u64>,
    /// Whether it is the first of a document.
    pub starts_document: bool,
}

impl Sequence {
    /// Its length in tokens.
    pub fn tokens(&self) -> u64 {
        self.span.end - self.span.start
    }
}

impl TokenFile {
    /// Opens a file and checks its header, its size, and the first and the last offset. The
    /// other offsets are checked when they are read.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, or is no token file of this version.
    pub fn open(path: &Path) -> Result<Self, CorpusError> {
        let file = TensorFile::open(path, FORMAT, VERSION)?;
        let tokens = file.rows("tokens", Numbers::U32, 1)?;
        let offsets = file.rows("offsets", Numbers::U64, 1)?;
        let opened = Self {
            file,
            tokens,
            offsets,
        };
        let field_error = |found: String, wanted: String| {
            Err(opened.file.error(found, wanted).in_field("offsets").into())
        };
        if opened.offsets.count == 0 {
            return field_error("no number".into(), "one number at least".into());
        }
        let [first, last] = [opened.offset(0)?, opened.offset(opened.sequences())?];
        if first & !STARTS_DOCUMENT != 0 {
            return field_error(first.to_string(), "0 as the first of them".into());
        }
        // The flag of the first offset belongs to a sequence, that of the last to none.
        if last != opened.tokens() {
            let wanted = format!("{}, the number of tokens, as the last", opened.tokens());
            return field_error(last.to_string(), wanted);
        }
        Ok(opened)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// What was written beside the tokens under a name of the writer's choice.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.file.metadata().get(key).map(String::as_str)
    }

    /// Number of sequences.
    pub fn sequences(&self) -> u64 {
        self.offsets.count - 1
    }

    /// Number of tokens of all sequences together.
    pub fn tokens(&self) -> u64 {
        self.tokens.count
    }

    /// The length of a sequence in tokens.
    ///
    /// # Errors
    /// If the file cannot be read, or its offsets do not ascend.
    ///
    /// # Panics
    /// If there are not as many sequences.
    pub fn length(&self, index: u64) -> Result<u64, CorpusError> {
        Ok(self.sequence(index)?.tokens())
    }

    /// Whether a sequence is the first of a document.
    ///
    /// # Errors
    /// As [`length`](Self::length).
    ///
    /// # Panics
    /// As [`length`](Self::length).
    pub fn starts_document(&self, index: u64) -> Result<bool, CorpusError> {
        Ok(self.sequence(index)?.starts_document)
    }

    /// Where a sequence lies.
    ///
    /// # Errors
    /// As [`length`](Self::length).
    ///
    /// # Panics
    /// As [`length`](Self::length).
    pub fn sequence(&self, index: u64) -> Result<Sequence, CorpusError> {
        assert!(index < self.sequences(), "no sequence {index} in the file");
        let mut bytes = [0; 16];
        self.file.read(self.offsets, index, &mut bytes)?;
        let [begin, end] = [0, 8].map(|place| number(&bytes[place..]));
        self.checked(index, begin, end)
    }

    fn checked(&self, index: u64, begin: u64, end: u64) -> Result<Sequence, CorpusError> {
        let span = begin & !STARTS_DOCUMENT..end & !STARTS_DOCUMENT;
        if span.start > span.end || span.end > self.tokens() {
            let found = format!("tokens {} to {} as sequence {index}", span.start, span.end);
            let wanted = format!("offsets that ascend to {}", self.tokens());
            return Err(self.file.error(found, wanted).in_field("offsets").into());
        }
        Ok(Sequence {
            span,
            starts_document: begin & STARTS_DOCUMENT != 0,
        })
    }

    fn offset(&self, index: u64) -> Result<u64, CorpusError> {
        let mut bytes = [0; 8];
        self.file.read(self.offsets, index, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Replaces what `tokens` holds by a sequence.
    ///
    /// # Errors
    /// As [`length`](Self::length).
    ///
    /// # Panics
    /// As [`length`](Self::length).
    pub fn read(&self, index: u64, tokens: &mut Vec<Token>) -> Result<(), CorpusError> {
        let sequence = self.sequence(index)?;
        self.read_span(sequence.span, tokens)
    }

    /// Replaces what `tokens` holds by a part of the tokens of all sequences, laid end to end.
    ///
    /// # Errors
    /// If the file cannot be read.
    ///
    /// # Panics
    /// If the part goes beyond the last token.
    pub fn read_span(&self, span: Range<u64>, tokens: &mut Vec<Token>) -> Result<(), CorpusError> {
        tokens.clear();
        self.append_span(span, tokens)
    }

    /// Adds a part of the tokens to those that `tokens` holds.
    pub(super) fn append_span(
        &self,
        span: Range<u64>,
        tokens: &mut Vec<Token>,
    ) -> Result<(), CorpusError> {
        assert!(span.end <= self.tokens(), "no tokens {span:?} in the file");
        tokens.reserve(span.end.saturating_sub(span.start) as usize);
        let mut bytes = [0; 4 * AT_ONCE];
        let mut position = span.start;
        while position < span.end {
            let count = (span.end - position).min(AT_ONCE as u64);
            let part = &mut bytes[..4 * count as usize];
            self.file.read(self.tokens, position, part)?;
            let (numbers, _) = part.as_chunks();
            tokens.extend(
                numbers
                    .iter()
                    .map(|&bytes| Token::from_bits(u32::from_le_bytes(bytes))),
            );
            position += count;
        }
        Ok(())
    }

    /// The sequences from one on, in their order, many being looked up at once. An error ends
    /// them.
    pub fn sequences_from(&self, first: u64) -> Sequences<'_> {
        Sequences {
            file: self,
            next: first,
            offsets: Vec::new(),
            ready: 0,
        }
    }
}

/// The sequences of a [`TokenFile`], see [`TokenFile::sequences_from`].
#[derive(Debug)]
pub struct Sequences<'a> {
    file: &'a TokenFile,
    next: u64,
    /// Offsets that were read; those before `ready` are done with.
    offsets: Vec<u64>,
    ready: usize,
}

impl Sequences<'_> {
    /// Reads the offsets of the sequences from `next` on.
    fn fill(&mut self) -> Result<(), CorpusError> {
        let left = self.file.offsets.count - self.next;
        let mut bytes = [0; 8 * AT_ONCE];
        let part = &mut bytes[..8 * left.min(AT_ONCE as u64) as usize];
        self.file.file.read(self.file.offsets, self.next, part)?;
        let (numbers, _) = part.as_chunks();
        self.offsets.clear();
        self.offsets
            .extend(numbers.iter().map(|&bytes| u64::from_le_bytes(bytes)));
        self.ready = 0;
        Ok(())
    }
}

impl Iterator for Sequences<'_> {
    type Item = Result<Sequence, CorpusError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.file.sequences() {
            return None;
        }
        if self.ready + 1 >= self.offsets.len()
            && let Err(error) = self.fill()
        {
            self.next = u64::MAX;
            return Some(Err(error));
        }
        let [begin, end] = [self.offsets[self.ready], self.offsets[self.ready + 1]];
        let sequence = self.file.checked(self.next, begin, end);
        self.ready += 1;
        self.next = if sequence.is_ok() {
            self.next + 1
        } else {
            u64::MAX
        };
        Some(sequence)
    }
}

fn number(bytes: &[u8]) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(number)
}
