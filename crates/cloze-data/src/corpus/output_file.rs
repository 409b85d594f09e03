use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use cloze_core::output;

use super::CorpusError;
use super::tensor_file::HEADER_BYTES;

/// How many bytes are gathered before they are written.
const BUFFER: usize = 1 << 16;

/// A tensor file in the making: it is written beside its place from front to back, its header
/// last, and renamed. Dropped before that, it leaves nothing behind.
#[derive(Debug)]
pub(super) struct OutputFile(output::OutputFile);

impl OutputFile {
    /// Opens a file beside `target` and leaves room for the header.
    pub(super) fn beside(target: &Path) -> Result<Self, CorpusError> {
        let error = CorpusError::write(target);
        let mut file = output::OutputFile::beside(target).map_err(&error)?;
        file.write_all(&[0; HEADER_BYTES]).map_err(&error)?;
        Ok(Self(file))
    }

    /// Where the file is going to be.
    pub(super) fn target(&self) -> &Path {
        self.0.target()
    }

    /// Adds bytes behind those that were written.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), CorpusError> {
        let written = self.0.write_all(bytes);
        written.map_err(CorpusError::write(self.target()))
    }

    /// Adds what another file holds.
    pub(super) fn append(&mut self, mut other: SpareFile) -> Result<(), CorpusError> {
        let copied = other
            .file
            .seek(SeekFrom::Start(0))
            .and_then(|_| io::copy(other.file.get_mut(), &mut self.0));
        copied
            .map(|_| ())
            .map_err(CorpusError::write(self.target()))
    }

    /// Fills the header in and puts the file in its place.
    pub(super) fn finish(mut self, header: &[u8; HEADER_BYTES]) -> Result<(), CorpusError> {
        let target = self.target().to_owned();
        let headed = self.0.seek(SeekFrom::Start(0));
        headed
            .and_then(|_| self.0.write_all(header))
            .and_then(|()| self.0.commit())
            .map_err(CorpusError::write(&target))
    }
}

/// A file without a name for what comes behind something whose end is not known yet.
#[derive(Debug)]
pub(super) struct SpareFile {
    file: BufWriter<File>,
}

impl SpareFile {
    /// Opens a file on the disk that holds `target`.
    pub(super) fn near(target: &Path) -> Result<Self, CorpusError> {
        let folder = match target.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let file = tempfile::tempfile_in(folder).map_err(CorpusError::write(target))?;
        Ok(Self {
            file: BufWriter::with_capacity(BUFFER, file),
        })
    }

    /// Adds bytes; `target` is for the error.
    pub(super) fn write(&mut self, bytes: &[u8], target: &Path) -> Result<(), CorpusError> {
        let written = self.file.write_all(bytes);
        written.map_err(CorpusError::write(target))
    }
}
