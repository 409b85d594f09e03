mod encoder;
mod placement;

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::path::PathBuf;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use encoder::{EncodedSequence, Encoder};
use placement::Placement;

use super::{CorpusError, Token, TokenFile, TokenFileWriter, WordRule};
use crate::readers::ReadError;
use crate::sentences::SentenceSplitter;
use crate::splits::{PerPart, SplitByText};
use crate::tokenizer::Tokenizer;

/// Texts that are shared among the cores at once, at most.
const WINDOW_TEXTS: usize = 4096;
/// Bytes of text that are, unless one text alone has more.
const WINDOW_BYTES: usize = 4 << 20;
/// The note of a token file that keeps its counts.
const COUNTS: &str = "counts";

/// What becomes of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `[CLS] text [SEP]`, as the tokenizer's template has it, nothing cut: the texts are to be
    /// laid end to end and cut into [`Blocks`](super::Blocks).
    Whole,
    /// `[CLS] text [SEP]`, cut to a length.
    Lines {
        /// Greatest length in tokens, special ones included.
        max_length: usize,
    },
    /// The text without special tokens, nothing cut: the texts are laid end to end and read from any
    /// place on.
    Stream,
    /// A sequence for each sentence, without special tokens and nothing cut: for
    /// [`SentencePairs`](super::SentencePairs).
    Sentences {
        /// Where sentences end.
        splitter: SentenceSplitter,
        /// Where documents end.
        documents: Documents,
    },
}

/// Where a document ends, besides at a blank line within a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Documents {
    /// Where a text is blank: texts are the lines of a file.
    BlankTexts,
    /// With every text: texts are the rows of a table.
    Texts,
}

/// How a corpus is built.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// What becomes of a text.
    pub layout: Layout,
    /// Which tokens belong to one word.
    pub words: WordRule,
    /// Which part a text goes to; without it all are trained on. Of [`Layout::Sentences`], what
    /// goes somewhere as a whole is a document, or 32 sentences of one that is longer.
    pub split: Option<SplitByText>,
    /// How many sequences a part takes at most; what is beyond is left out.
    pub limits: PerPart<Option<u64>>,
}

/// What a part of a corpus holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Sequences: texts or, of [`Layout::Sentences`], sentences.
    pub sequences: u64,
    /// Tokens of all of them, special ones included.
    pub tokens: u64,
    /// Unknown tokens (`[UNK]`) among them.
    pub unknown: u64,
    /// Sequences that were longer than the greatest length and were cut.
    pub cut: u64,
    /// Length of the longest sequence in tokens, before it was cut.
    pub longest: u64,
    /// Texts or sentences that were left out because no token of theirs can be hidden: there are
    /// none, or none but special ones. Blank texts are not counted.
    pub dropped: u64,
}

/// A part of a corpus.
#[derive(Debug)]
pub struct BuiltPart {
    /// The sequences.
    pub file: TokenFile,
    /// What they are.
    pub counts: Counts,
}

/// How far the building is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Texts that are done, blank ones included.
    pub texts: u64,
    /// Their bytes in UTF-8, with one for the end of each: for a plain text file, about how much
    /// of the file is done.
    pub bytes: u64,
}

/// Tokenizes a stream of texts into a token file for each part that has a path. Memory holds a few
/// thousand texts at a time, which are tokenized on all cores of rayon's pool; the files depend
/// on the texts and the options alone.
///
/// `progress` is told after every few thousand texts how far it is, and stops it by
/// [`ControlFlow::Break`].
///
/// # Errors
/// If a text cannot be read or tokenized, a file cannot be written, a part that has a path would
/// have no sequence, or `progress` stops it ([`CorpusError::Stopped`]). No file is in its place
/// then.
pub fn build_corpus(
    texts: impl IntoIterator<Item = Result<String, ReadError>>,
    tokenizer: &Tokenizer,
    options: &BuildOptions,
    paths: &PerPart<Option<PathBuf>>,
    mut progress: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<PerPart<Option<BuiltPart>>, CorpusError> {
    let mut texts = texts.into_iter().fuse();
    let encoder = Encoder::new(tokenizer, options)?;
    let mut builder = Builder::new(options, paths)?;
    loop {
        let window = next_window(&mut texts)?;
        let encoded: Vec<_> = window
            .par_iter()
            .map(|text| encoder.sequences(text))
            .collect();
        for (text, sequences) in window.iter().zip(encoded) {
            let number = builder.done.texts + 1;
            let sequences = sequences.map_err(|error| CorpusError::Text {
                number,
                source: error.into(),
            })?;
            builder.add(text, sequences)?;
        }
        if progress(&builder.done).is_break() {
            return Err(CorpusError::Stopped);
        }
        if window.is_empty() || builder.is_full() {
            return builder.finish();
        }
    }
}

/// The next texts, few enough to be held at once; none at the end.
fn next_window(
    texts: &mut impl Iterator<Item = Result<String, ReadError>>,
) -> Result<Vec<String>, CorpusError> {
    let (mut window, mut bytes) = (Vec::new(), 0);
    while window.len() < WINDOW_TEXTS && bytes < WINDOW_BYTES {
        let Some(text) = texts.next() else { break };
        let text = text?;
        bytes += text.len();
        window.push(text);
    }
    Ok(window)
}

/// The files in the making.
struct Builder<'a> {
    options: &'a BuildOptions,
    parts: PerPart<Option<PartWriter>>,
    placement: Placement,
    done: Progress,
}

struct PartWriter {
    writer: TokenFileWriter,
    counts: Counts,
    limit: u64,
}

impl<'a> Builder<'a> {
    fn new(
        options: &'a BuildOptions,
        paths: &PerPart<Option<PathBuf>>,
    ) -> Result<Self, CorpusError> {
        let parts = paths.clone().try_map(|part, path| {
            let writer = path.as_deref().map(TokenFileWriter::create).transpose()?;
            Ok::<_, CorpusError>(writer.map(|writer| PartWriter {
                writer,
                counts: Counts::default(),
                limit: options.limits.get(part).unwrap_or(u64::MAX),
            }))
        })?;
        Ok(Self {
            options,
            parts,
            placement: Placement::new(options.split),
            done: Progress::default(),
        })
    }

    fn add(&mut self, text: &str, sequences: Vec<EncodedSequence>) -> Result<(), CorpusError> {
        self.done.texts += 1;
        self.done.bytes += text.len() as u64 + 1;
        let ends_document = match self.options.layout {
            Layout::Whole | Layout::Lines { .. } | Layout::Stream => true,
            Layout::Sentences { documents, .. } => {
                documents == Documents::Texts || text.trim().is_empty()
            }
        };
        if ends_document {
            self.placement.end_document();
        }
        for sequence in sequences {
            if sequence.after_blank_line {
                self.placement.end_document();
            }
            self.place(&sequence)?;
        }
        Ok(())
    }

    fn place(&mut self, sequence: &EncodedSequence) -> Result<(), CorpusError> {
        let (part, starts_document) = if sequence.can_be_hidden {
            self.placement.place()
        } else {
            (self.placement.part(), false)
        };
        match self.parts.get_mut(part) {
            Some(part) if sequence.can_be_hidden => part.push(sequence, starts_document),
            Some(part) => {
                part.counts.dropped += 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Whether no part takes more.
    fn is_full(&self) -> bool {
        let mut parts = self.parts.all().into_iter();
        parts.all(|(_, part)| part.as_ref().is_none_or(PartWriter::is_full))
    }

    fn finish(self) -> Result<PerPart<Option<BuiltPart>>, CorpusError> {
        let texts = self.done.texts;
        let empty = |part: &Option<PartWriter>| {
            part.as_ref().is_some_and(|part| part.counts.sequences == 0)
        };
        let written = self
            .parts
            .all()
            .into_iter()
            .filter(|(_, part)| part.is_some());
        let is_divided = written.count() > 1;
        // Before the first file is in its place.
        if let Some((part, Some(writer))) =
            self.parts.all().into_iter().find(|(_, part)| empty(part))
        {
            return Err(CorpusError::EmptySplit {
                path: writer.writer.path().into(),
                split: is_divided.then(|| part.name()),
                texts,
            });
        }
        self.parts
            .try_map(|_, part| part.map(PartWriter::finish).transpose())
    }
}

impl PartWriter {
    fn is_full(&self) -> bool {
        self.counts.sequences >= self.limit
    }

    fn push(
        &mut self,
        sequence: &EncodedSequence,
        starts_document: bool,
    ) -> Result<(), CorpusError> {
        if self.is_full() {
            return Ok(());
        }
        self.writer.push(&sequence.tokens, starts_document)?;
        let length = sequence.tokens.len();
        let counts = &mut self.counts;
        counts.sequences += 1;
        counts.tokens += length as u64;
        counts.unknown += sequence.unknown;
        counts.cut += u64::from(length < sequence.untruncated_length);
        counts.longest = counts.longest.max(sequence.untruncated_length as u64);
        Ok(())
    }

    fn finish(mut self) -> Result<BuiltPart, CorpusError> {
        let counts = serde_json::json!(self.counts).to_string();
        self.writer.note(COUNTS, &counts);
        Ok(BuiltPart {
            file: self.writer.finish()?,
            counts: self.counts,
        })
    }
}

impl BuiltPart {
    /// A file that [`build_corpus`] has made before.
    ///
    /// # Errors
    /// As [`TokenFile::open`]; if the counts are not in it.
    pub fn open(path: &std::path::Path) -> Result<Self, CorpusError> {
        let file = TokenFile::open(path)?;
        let found = file.metadata(COUNTS).unwrap_or_default();
        let counts = serde_json::from_str(found).map_err(|_| {
            let found = crate::readers::quote(found);
            cloze_core::InputError::new(path, found, "the counts of a corpus").in_field(COUNTS)
        })?;
        Ok(Self { file, counts })
    }
}
