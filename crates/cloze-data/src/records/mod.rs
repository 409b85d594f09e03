//! Records of any kind that are written one after another and read in any order: rows of a data set,
//! its examples.
//!
//! A megabyte of them stays in memory; more are in a file without a name, which goes with the
//! process, however that ends. What is kept of a record in memory is then 4 bytes, however long it is.
//!
//! - [`Record`]: what can be kept, and how it is written; [`Encoder`], [`Decoder`]
//! - [`RecordsWriter`], [`Records`]: many of them

mod codec;
mod rows;
mod spool;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

pub use codec::{Damaged, Decoder, Encoder, Record};
use spool::{Spool, SpoolWriter};

/// What stays in memory of the records of a writer: more than that go to the disk.
pub const IN_MEMORY: usize = 1 << 20;

/// Why records cannot be kept.
#[derive(Debug, Error)]
pub enum RecordError {
    /// They cannot be written.
    #[error("cannot write data into {}", folder.display())]
    Write {
        /// The folder of their file.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// They cannot be read again.
    #[error("cannot read what was written into {}", folder.display())]
    Read {
        /// The folder of their file.
        folder: PathBuf,
        /// What the system says, or what is wrong with them.
        source: io::Error,
    },
}

/// Records in the making.
#[derive(Debug)]
pub struct RecordsWriter<R> {
    records: SpoolWriter,
    texts: SharedTextsWriter,
    bytes: Vec<u8>,
    kind: PhantomData<fn() -> R>,
}

/// Texts that several records have in common, such as the context of questions: one that is shared with
/// the record before is kept once.
#[derive(Debug)]
struct SharedTextsWriter {
    spool: SpoolWriter,
    last: Option<Arc<str>>,
    failed: Option<RecordError>,
}

impl SharedTextsWriter {
    /// The number of a text.
    fn number(&mut self, text: &Arc<str>) -> u64 {
        let is_last = |last: &Arc<str>| Arc::ptr_eq(last, text);
        if !self.last.as_ref().is_some_and(is_last) {
            if let Err(error) = self.spool.push(text.as_bytes()) {
                self.failed.get_or_insert(error);
            }
            self.last = Some(Arc::clone(text));
        }
        (self.spool.len() as u64).saturating_sub(1)
    }
}

impl<R: Record> RecordsWriter<R> {
    /// Records whose file, if they need one, lies in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self::with_memory(folder, IN_MEMORY)
    }

    /// As [`new`](Self::new), with another number of bytes that stay in memory.
    pub fn with_memory(folder: &Path, bytes: usize) -> Self {
        Self {
            records: SpoolWriter::new(folder, bytes),
            texts: SharedTextsWriter {
                spool: SpoolWriter::new(folder, bytes),
                last: None,
                failed: None,
            },
            bytes: Vec::new(),
            kind: PhantomData,
        }
    }

    /// Adds a record.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn push(&mut self, record: &R) -> Result<(), RecordError> {
        self.bytes.clear();
        let mut encoder = Encoder::new(&mut self.bytes, &mut self.texts);
        record.encode(&mut encoder);
        if let Some(error) = self.texts.failed.take() {
            return Err(error);
        }
        self.records.push(&self.bytes)
    }

    /// How many were added.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether none was added.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records, to be read.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(self) -> Result<Records<R>, RecordError> {
        Ok(Records {
            records: self.records.finish()?,
            texts: SharedTexts {
                spool: self.texts.spool.finish()?,
                last: Mutex::default(),
            },
            kind: PhantomData,
        })
    }
}

/// Records, to be read in any order, by several threads if need be.
pub struct Records<R> {
    records: Spool,
    texts: SharedTexts,
    kind: PhantomData<fn() -> R>,
}

struct SharedTexts {
    spool: Spool,
    /// The one that was read last.
    last: Mutex<Option<(u64, Arc<str>)>>,
}

impl SharedTexts {
    fn text(&self, number: u64) -> Result<Arc<str>, RecordError> {
        // A panic elsewhere leaves a text that was read whole.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, text)) = last.as_ref().filter(|(other, _)| *other == number) {
            return Ok(Arc::clone(text));
        }
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        if index >= self.spool.len() {
            return Err(self.spool.damaged());
        }
        let mut bytes = Vec::new();
        self.spool.read(index, &mut bytes)?;
        let text = String::from_utf8(bytes).map_err(|_| self.spool.damaged())?;
        let text: Arc<str> = text.into();
        *last = Some((number, Arc::clone(&text)));
        Ok(text)
    }
}

impl<R: Record> Records<R> {
    /// No records.
    pub fn none() -> Self {
        Self {
            records: Spool::default(),
            texts: SharedTexts {
                spool: Spool::default(),
                last: Mutex::default(),
            },
            kind: PhantomData,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether they are in a file.
    pub fn is_on_disk(&self) -> bool {
        self.records.is_on_disk()
    }

    /// A record.
    ///
    /// # Errors
    /// If the file cannot be read, or is not what was written.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn get(&self, index: usize) -> Result<R, RecordError> {
        let mut bytes = Vec::new();
        self.records.read(index, &mut bytes)?;
        let mut decoder = Decoder::new(&bytes, Some(&self.texts));
        match R::decode(&mut decoder) {
            Ok(record) if decoder.is_at_end() => Ok(record),
            Ok(_) | Err(Damaged::Bytes) => Err(self.records.damaged()),
            Err(Damaged::Text(error)) => Err(*error),
        }
    }

    /// The number that a record begins with, found without reading the rest of it.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Panics
    /// As [`get`](Self::get).
    pub fn first_number(&self, index: usize) -> Result<u64, RecordError> {
        let mut bytes = Vec::new();
        self.records
            .read_front(index, codec::LONGEST_NUMBER, &mut bytes)?;
        let number = Decoder::new(&bytes, None).number();
        number.map_err(|_| self.records.damaged())
    }

    /// All of them in their order.
    ///
    /// # Errors
    /// Each as [`get`](Self::get).
    pub fn iter(&self) -> impl Iterator<Item = Result<R, RecordError>> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }
}

impl<R> fmt::Debug for Records<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("len", &self.records.len())
            .field("on_disk", &self.records.is_on_disk())
            .finish_non_exhaustive()
    }
}
