//! A file that only grows, and can be cut back to where a checkpoint left it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

/// A file, open for appending.
#[derive(Debug)]
pub(crate) struct AppendedFile {
    file: BufWriter<File>,
    length: u64,
}

impl AppendedFile {
    /// Opens the file and cuts it back to its first `length` bytes.
    pub(crate) fn open(path: &Path, length: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        if file.metadata()?.len() < length {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!(
                    "{} is shorter than when the checkpoint was saved",
                    path.display()
                ),
            ));
        }
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        Ok(Self {
            file: BufWriter::new(file),
            length,
        })
    }

    /// Appends bytes; they reach the file at once, so that others can follow.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.flush()?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Bytes so far.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Brings the file to the disk and returns its length in bytes.
    pub(crate) fn sync(&mut self) -> io::Result<u64> {
        self.file.flush()?;
        self.file.get_ref().sync_data()?;
        Ok(self.length)
    }
}
