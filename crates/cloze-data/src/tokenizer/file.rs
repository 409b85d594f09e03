use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use cloze_core::InputError;

use super::{EncodeOptions, Encoding, Padding, TextInput, TextLines, Tokenizer, TokenizerError};

/// What one line of a text file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineFormat {
    /// One text.
    #[default]
    Text,
    /// Two texts with a tab between them.
    Pair,
}

/// A line of a file, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedLine {
    /// The number of the line, counted from 1.
    pub line: usize,
    /// What became of it.
    pub encoding: Encoding,
}

/// Lines that are read at once and shared among the cores.
const CHUNK: usize = 4096;

/// The encoded lines of a file, made a few thousand at a time on all cores.
pub struct EncodedFile<'a> {
    tokenizer: &'a Tokenizer,
    options: EncodeOptions,
    format: LineFormat,
    path: PathBuf,
    lines: TextLines<BufReader<File>>,
    ready: std::vec::IntoIter<EncodedLine>,
    failed: bool,
}

impl Tokenizer {
    /// Encodes the lines of a UTF-8 file as they are asked for, empty ones too. Memory holds a
    /// part of the file only, unless lines are padded to the longest of all.
    ///
    /// # Errors
    /// If the file cannot be opened. Items are errors where a line is not UTF-8, has no tab
    /// though pairs are wanted, or cannot be [encoded](Self::encode); the first one is the last
    /// item.
    pub fn encode_file(
        &self,
        path: &Path,
        format: LineFormat,
        options: &EncodeOptions,
    ) -> Result<EncodedFile<'_>, TokenizerError> {
        Ok(EncodedFile {
            tokenizer: self,
            options: options.clone(),
            format,
            path: path.into(),
            lines: TextLines::open(path)?,
            ready: Vec::new().into_iter(),
            failed: false,
        })
    }
}

impl EncodedFile<'_> {
    fn next_chunk(&mut self) -> Result<Vec<EncodedLine>, TokenizerError> {
        let size = match self.options.padding {
            Padding::Longest => usize::MAX,
            Padding::None | Padding::MaxLength => CHUNK,
        };
        let before = self.lines.line();
        let texts = self.lines.by_ref().take(size);
        let texts = texts.collect::<Result<Vec<_>, _>>()?;
        let mut inputs = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            inputs.push(self.input(text, before + index + 1)?);
        }
        let encodings = self.tokenizer.encode_batch(&inputs, &self.options);
        let encodings = encodings.map_err(|error| self.at_line(error, before))?;
        let encoded = encodings.into_iter().enumerate();
        Ok(encoded
            .map(|(index, encoding)| EncodedLine {
                line: before + index + 1,
                encoding,
            })
            .collect())
    }

    fn input<'t>(&self, text: &'t str, line: usize) -> Result<TextInput<'t>, InputError> {
        match self.format {
            LineFormat::Text => Ok(TextInput::Single(text)),
            LineFormat::Pair => {
                let (first, second) = text.split_once('\t').ok_or_else(|| {
                    InputError::new(&self.path, "no tab", "two texts with a tab between them")
                        .at_line(line)
                })?;
                Ok(TextInput::Pair(first, second))
            }
        }
    }

    fn at_line(&self, error: TokenizerError, before: usize) -> TokenizerError {
        match error {
            TokenizerError::InBatch { number, source } => TokenizerError::AtLine {
                path: self.path.clone(),
                line: before + number,
                source,
            },
            other => other,
        }
    }
}

impl Iterator for EncodedFile<'_> {
    type Item = Result<EncodedLine, TokenizerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(line) = self.ready.next() {
            return Some(Ok(line));
        }
        if self.failed {
            return None;
        }
        match self.next_chunk() {
            Ok(chunk) => self.ready = chunk.into_iter(),
            Err(error) => {
                self.failed = true;
                return Some(Err(error));
            }
        }
        self.ready.next().map(Ok)
    }
}
