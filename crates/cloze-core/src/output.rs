//! Files and folders that appear whole or not at all: they are made beside their place, written
//! to the disk, and renamed.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, TempDir, TempPath};

const BESIDE: &str = ".writing-";

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Writes a file beside `path` and renames it there once it is complete and on the disk.
/// Whoever opens `path` sees the old content or the new, never a part.
///
/// # Errors
/// Whatever `write` or the file system reports (a full disk, say); `path` is then untouched.
pub fn write_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = OutputFile::beside(path)?;
    write(&mut file)?;
    file.commit()
}

/// A file in the making, for whoever writes it as it comes or goes back to its beginning.
/// [`commit`](Self::commit) puts it in its place; dropped before that, it leaves nothing behind.
#[derive(Debug)]
pub struct OutputFile {
    target: PathBuf,
    // Apart from its path: what `tempfile` says of a full disk would name the temporary file.
    file: BufWriter<File>,
    temporary: TempPath,
}

/// How many bytes are gathered before they are written.
const BUFFER: usize = 1 << 16;

impl OutputFile {
    /// Opens an empty file beside `target`, whose folder is made if there is none.
    ///
    /// # Errors
    /// If the folder cannot be made or written.
    pub fn beside(target: &Path) -> io::Result<Self> {
        let folder = parent(target);
        fs::create_dir_all(folder)?;
        let mut builder = Builder::new();
        builder.prefix(BESIDE);
        readable(&mut builder);
        let (file, temporary) = builder.tempfile_in(folder)?.into_parts();
        hold(&file);
        Ok(Self {
            target: target.into(),
            file: BufWriter::with_capacity(BUFFER, file),
            temporary,
        })
    }

    /// Where the file is going to be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Puts the file in its place once it is on the disk.
    ///
    /// # Errors
    /// If it cannot be written or renamed; what was in its place is then untouched.
    pub fn commit(self) -> io::Result<()> {
        let Self {
            target,
            file,
            temporary,
        } = self;
        let file = file.into_inner().map_err(|failed| failed.into_error())?;
        file.sync_all()?;
        temporary.persist(&target).map_err(|error| error.error)?;
        sync_folder(parent(&target))
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for OutputFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
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

/// A folder in the making. Fill [`path`](Self::path), then [`commit`](Self::commit); dropped
/// before that, it leaves nothing behind.
#[derive(Debug)]
pub struct OutputFolder {
    temporary: TempDir,
    target: PathBuf,
    /// Says that somebody still writes it, for as long as it is open.
    _held: Option<File>,
}

impl OutputFolder {
    /// Opens an empty folder beside `target`.
    ///
    /// # Errors
    /// If the folder that holds `target` cannot be made or written.
    pub fn beside(target: &Path) -> io::Result<Self> {
        let folder = parent(target);
        fs::create_dir_all(folder)?;
        let temporary = Builder::new().prefix(BESIDE).tempdir_in(folder)?;
        let held = File::open(temporary.path()).ok();
        held.iter().for_each(hold);
        Ok(Self {
            temporary,
            target: target.into(),
            _held: held,
        })
    }

    /// Where to write the files.
    pub fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// Puts the folder in its place, in one step also where another one stands there already
    /// (on Linux; elsewhere the old one is moved aside first).
    ///
    /// # Errors
    /// If a file cannot be brought to the disk, or the rename fails.
    pub fn commit(self) -> io::Result<()> {
        for entry in fs::read_dir(self.path())? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                File::open(entry.path())?.sync_all()?;
            }
        }
        make_readable(self.path())?;
        if self.target.exists() {
            exchange(self.path(), &self.target)?;
        } else {
            fs::rename(self.path(), &self.target)?;
        }
        sync_folder(parent(&self.target))
        // Dropping `temporary` removes what was replaced.
    }
}

#[cfg(unix)]
fn make_readable(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_readable(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn exchange(new: &Path, target: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, new, CWD, target, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        // Some network file systems cannot exchange.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => move_aside(new, target),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(new: &Path, target: &Path) -> io::Result<()> {
    move_aside(new, target)
}

fn move_aside(new: &Path, target: &Path) -> io::Result<()> {
    let aside = Builder::new().prefix(BESIDE).tempdir_in(parent(target))?;
    fs::rename(target, aside.path().join("old"))?;
    fs::rename(new, target)
}

/// Marks a file or a folder as one that is being written: the system forgets the mark when the
/// process ends, however it ends. Where a file system knows no such marks there is none, and nothing
/// is taken for abandoned.
fn hold(file: &File) {
    let _ = file.try_lock();
}

/// Whether nobody writes a file or folder with such a name any more.
fn is_abandoned(path: &Path) -> bool {
    match File::open(path).map(|file| file.try_lock()) {
        Ok(Ok(())) => true,
        Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) | Err(_) => false,
    }
}

/// Removes what processes that were killed while writing left beside `target`, and nothing that one
/// is still writing. What cannot be removed stays: it is in nobody's way.
pub fn remove_abandoned(target: &Path) {
    let Ok(entries) = fs::read_dir(parent(target)) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_output = entry.file_name().to_string_lossy().starts_with(BESIDE);
        if is_output && is_abandoned(&path) {
            let _ = match path.is_dir() {
                true => fs::remove_dir_all(path),
                false => fs::remove_file(path),
            };
        }
    }
}

/// Removes what processes that were killed while writing left in `folder`, which no other process
/// writes in.
///
/// # Errors
/// If the folder cannot be read or a leftover cannot be removed.
pub fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(BESIDE) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.json");
        write_file(&path, |out| out.write_all(b"old")).unwrap();
        let failed = write_file(&path, |out| {
            out.write_all(b"ne")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_can_be_finished_at_its_beginning_and_appears_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("out");
        let mut file = OutputFile::beside(&path).unwrap();
        file.write_all(b"?23").unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(b"1").unwrap();
        assert!(!path.exists());
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"123");
        drop(OutputFile::beside(&path).unwrap());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_replaces_another_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("model");
        for name in ["a", "b"] {
            let output = OutputFolder::beside(&target).unwrap();
            fs::write(output.path().join(name), name).unwrap();
            output.commit().unwrap();
        }
        assert!(target.join("b").exists() && !target.join("a").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_abandoned_folder_vanishes_and_leftovers_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        drop(OutputFolder::beside(&folder.path().join("model")).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        fs::create_dir(folder.path().join(".writing-killed")).unwrap();
        fs::write(folder.path().join("kept"), "").unwrap();
        remove_leftovers(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_somebody_still_writes_is_not_abandoned() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("index");
        let folder = OutputFolder::beside(&target).unwrap();
        let file = OutputFile::beside(&place.path().join("out")).unwrap();
        let killed = place.path().join(".writing-killed");
        fs::create_dir(&killed).unwrap();
        fs::write(killed.join("texts.jsonl"), "{}").unwrap();
        fs::write(place.path().join(".writing-file"), "").unwrap();
        fs::write(place.path().join("kept"), "").unwrap();
        remove_abandoned(&target);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 3);
        folder.commit().unwrap();
        file.commit().unwrap();
        assert!(target.exists() && place.path().join("out").exists());
    }
}
