use std::path::Path;

use super::super::output_file::{OutputFile, SpareFile};
use super::super::tensor_file::{Metadata, Numbers, Written, header};
use super::super::{CorpusError, Token, TokenFile};
use super::{FORMAT, STARTS_DOCUMENT, VERSION};

/// A token file in the making. It is written as it comes, beside its place, and appears there
/// whole when it is finished; dropped before that, it leaves nothing behind.
#[derive(Debug)]
pub struct TokenFileWriter {
    file: OutputFile,
    /// The offsets, until it is known where the tokens end.
    offsets: SpareFile,
    sequences: u64,
    tokens: u64,
    metadata: Metadata,
    bytes: Vec<u8>,
}

impl TokenFileWriter {
    /// Begins a file that is to be at `path`; its folder is made if there is none.
    ///
    /// # Errors
    /// If the folder cannot be made or written.
    pub fn create(path: &Path) -> Result<Self, CorpusError> {
        let file = OutputFile::beside(path)?;
        let offsets = SpareFile::near(path)?;
        let metadata = [("format", FORMAT), ("version", VERSION)];
        Ok(Self {
            file,
            offsets,
            sequences: 0,
            tokens: 0,
            metadata: metadata
                .map(|(key, value)| (key.into(), value.into()))
                .into(),
            bytes: Vec::new(),
        })
    }

    /// Adds a sequence. One without tokens is kept, too.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn push(&mut self, tokens: &[Token], starts_document: bool) -> Result<(), CorpusError> {
        let flag = if starts_document { STARTS_DOCUMENT } else { 0 };
        let offset = (self.tokens | flag).to_le_bytes();
        self.offsets.write(&offset, self.file.target())?;
        self.bytes.clear();
        let bytes = tokens.iter().flat_map(|token| token.bits().to_le_bytes());
        self.bytes.extend(bytes);
        self.file.write(&self.bytes)?;
        self.sequences += 1;
        self.tokens += tokens.len() as u64;
        Ok(())
    }

    /// The file that it is to be.
    pub fn path(&self) -> &Path {
        self.file.target()
    }

    /// Number of sequences that were added.
    pub fn sequences(&self) -> u64 {
        self.sequences
    }

    /// Keeps a note in the file beside the tokens: [`TokenFile::metadata`]. `format` and
    /// `version` are taken.
    pub fn note(&mut self, key: &str, value: &str) {
        debug_assert!(key != "format" && key != "version", "`{key}` is taken");
        self.metadata.insert(key.into(), value.into());
    }

    /// Puts the file in its place and opens it.
    ///
    /// # Errors
    /// If it cannot be written, or the notes together are longer than about 3,000 bytes.
    pub fn finish(mut self) -> Result<TokenFile, CorpusError> {
        let target = self.file.target().to_owned();
        let end = self.tokens.to_le_bytes();
        self.offsets.write(&end, &target)?;
        let tensors = [
            Written {
                name: "tokens",
                numbers: Numbers::U32,
                shape: &[self.tokens],
            },
            Written {
                name: "offsets",
                numbers: Numbers::U64,
                shape: &[self.sequences + 1],
            },
        ];
        let header = header(&self.metadata, &tensors).map_err(CorpusError::write(&target))?;
        self.file.append(self.offsets)?;
        self.file.finish(&header)?;
        TokenFile::open(&target)
    }
}
