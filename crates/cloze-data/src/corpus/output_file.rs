use std::fs::{self, File};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::CorpusError;
use super::tensor_file::HEADER_BYTES;

/// How many bytes are gathered before they are written.
const BUFFER: usize = 1 << 16;

/// What files in the making are called; [`cloze_core::output::remove_leftovers`] knows the name.
const BESIDE: &str = ".writing-";

/// A tensor file in the making: it is written beside its place from front to back, its header
/// last, and renamed. Dropped before that, it leaves nothing behind.
#[derive(Debug)]
pub(super) struct OutputFile {
    target: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl OutputFile {
    /// Opens a file beside `target` and leaves room for the header.
    pub(super) fn beside(target: &Path) -> Result<Self, CorpusError> {
        let error = CorpusError::write(target);
        let folder = folder_of(target);
        fs::create_dir_all(folder).map_err(&error)?;
        let mut builder = Builder::new();
        builder.prefix(BESIDE);
        readable(&mut builder);
        let file = builder.tempfile_in(folder).map_err(&error)?;
        let mut file = BufWriter::with_capacity(BUFFER, file);
        file.write_all(&[0; HEADER_BYTES]).map_err(&error)?;
        Ok(Self {
            target: target.into(),
            file,
        })
    }

    /// Where the file is going to be.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Adds bytes behind those that were written.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), CorpusError> {
        let written = self.file.write_all(bytes);
        written.map_err(CorpusError::write(&self.target))
    }

    /// Adds what another file holds.
    pub(super) fn append(&mut self, mut other: SpareFile) -> Result<(), CorpusError> {
        let copied = other
            .file
            .seek(SeekFrom::Start(0))
            .and_then(|_| std::io::copy(other.file.get_mut(), &mut self.file));
        copied.map(|_| ()).map_err(CorpusError::write(&self.target))
    }

    /// Fills the header in and puts the file in its place.
    pub(super) fn finish(self, header: &[u8; HEADER_BYTES]) -> Result<(), CorpusError> {
        let Self { target, mut file } = self;
        let error = CorpusError::write(&target);
        file.seek(SeekFrom::Start(0)).map_err(&error)?;
        file.write_all(header).map_err(&error)?;
        file.flush().map_err(&error)?;
        let file = file
            .into_inner()
            .map_err(|failed| error(failed.into_error()))?;
        file.as_file().sync_all().map_err(&error)?;
        file.persist(&target)
            .map_err(|failed| error(failed.error))?;
        let folder = File::open(folder_of(&target)).map_err(&error)?;
        folder.sync_all().map_err(&error)
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
        let file = tempfile::tempfile_in(folder_of(target)).map_err(CorpusError::write(target))?;
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

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

// `tempfile` makes private files; an output is as readable as any other file of the user.
#[cfg(unix)]
fn readable(builder: &mut Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn readable(_: &mut Builder<'_, '_>) {}
