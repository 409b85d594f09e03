//! Pieces of bytes, in memory while they are few and then in a file.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::RecordError;
use crate::corpus::read_exact_at;

/// Pieces of which one has its place noted; the places of the others follow from their lengths.
const GROUP: usize = 32;

/// How many bytes are gathered before they are written.
const BUFFER: usize = 1 << 16;

/// Where every piece lies.
#[derive(Debug, Default)]
struct Places {
    /// Of the first piece of every group.
    starts: Vec<u64>,
    lengths: Vec<u32>,
    end: u64,
}

impl Places {
    fn push(&mut self, length: u32) {
        if self.lengths.len().is_multiple_of(GROUP) {
            self.starts.push(self.end);
        }
        self.lengths.push(length);
        self.end += u64::from(length);
    }

    /// Where a piece begins, and its length.
    fn of(&self, index: usize) -> (u64, usize) {
        let first = index / GROUP * GROUP;
        let before = self.lengths[first..index].iter().copied().map(u64::from);
        let start = self.starts[index / GROUP] + before.sum::<u64>();
        (start, self.lengths[index] as usize)
    }
}

/// Pieces in the making.
#[derive(Debug)]
pub(super) struct SpoolWriter {
    folder: PathBuf,
    places: Places,
    /// The most bytes without a file.
    most: usize,
    /// All bytes, or those that are not yet in the file.
    bytes: Vec<u8>,
    file: Option<File>,
}

impl SpoolWriter {
    pub(super) fn new(folder: &Path, most: usize) -> Self {
        Self {
            folder: folder.into(),
            places: Places::default(),
            most,
            bytes: Vec::new(),
            file: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.lengths.len()
    }

    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), RecordError> {
        let length = u32::try_from(piece.len()).map_err(|_| {
            let message = format!("a row of {} bytes is longer than 4 GiB", piece.len());
            self.write_error(io::Error::new(io::ErrorKind::InvalidInput, message))
        })?;
        self.places.push(length);
        self.bytes.extend_from_slice(piece);
        let most = match self.file {
            Some(_) => BUFFER,
            None => self.most,
        };
        if self.bytes.len() > most {
            self.write()?;
        }
        Ok(())
    }

    /// Puts the bytes in memory behind those in the file.
    fn write(&mut self) -> Result<(), RecordError> {
        let written = match &mut self.file {
            Some(file) => file.write_all(&self.bytes),
            None => std::fs::create_dir_all(&self.folder)
                .and_then(|()| tempfile::tempfile_in(&self.folder))
                .and_then(|file| self.file.insert(file).write_all(&self.bytes)),
        };
        written.map_err(|source| self.write_error(source))?;
        // What was held before there was a file is not needed again.
        self.bytes.clear();
        self.bytes.shrink_to(BUFFER);
        Ok(())
    }

    fn write_error(&self, source: io::Error) -> RecordError {
        RecordError::Write {
            folder: self.folder.clone(),
            source,
        }
    }

    pub(super) fn finish(mut self) -> Result<Spool, RecordError> {
        if self.file.is_some() {
            self.write()?;
        }
        self.places.starts.shrink_to_fit();
        self.places.lengths.shrink_to_fit();
        self.bytes.shrink_to_fit();
        Ok(Spool {
            folder: self.folder,
            places: self.places,
            bytes: self.bytes,
            file: self.file,
        })
    }
}

/// Pieces, to be read.
#[derive(Debug, Default)]
pub(super) struct Spool {
    folder: PathBuf,
    places: Places,
    /// All bytes where there is no file.
    bytes: Vec<u8>,
    file: Option<File>,
}

impl Spool {
    pub(super) fn len(&self) -> usize {
        self.places.lengths.len()
    }

    pub(super) fn is_on_disk(&self) -> bool {
        self.file.is_some()
    }

    /// Replaces what `piece` holds by a piece.
    pub(super) fn read(&self, index: usize, piece: &mut Vec<u8>) -> Result<(), RecordError> {
        self.read_front(index, usize::MAX, piece)
    }

    /// Replaces what `piece` holds by the first bytes of a piece.
    pub(super) fn read_front(
        &self,
        index: usize,
        most: usize,
        piece: &mut Vec<u8>,
    ) -> Result<(), RecordError> {
        let (start, length) = self.places.of(index);
        let length = length.min(most);
        piece.clear();
        match &self.file {
            None => piece.extend_from_slice(&self.bytes[start as usize..][..length]),
            Some(file) => {
                piece.resize(length, 0);
                read_exact_at(file, start, piece).map_err(|source| self.read_error(source))?;
            }
        }
        Ok(())
    }

    fn read_error(&self, source: io::Error) -> RecordError {
        RecordError::Read {
            folder: self.folder.clone(),
            source,
        }
    }

    /// That something else is read than what was written.
    pub(super) fn damaged(&self) -> RecordError {
        self.read_error(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is not what was written",
        ))
    }
}
