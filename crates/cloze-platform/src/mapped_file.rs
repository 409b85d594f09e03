use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

/// A file mapped into memory, read-only: its pages are read when they are first touched.
///
/// cloze never changes a file in place (outputs are written beside and renamed), so a mapping
/// stays what it was; a file that another program truncates meanwhile ends the process, as with
/// every mapping.
#[derive(Debug)]
pub struct MappedFile(Mmap);

impl MappedFile {
    /// Maps the whole file.
    ///
    /// # Errors
    /// If the file cannot be opened or mapped.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the mapping is read-only, and the type's documentation states what is assumed
        // of the file while it lives.
        let mapping = unsafe { Mmap::map(&file)? };
        Ok(Self(mapping))
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bytes");
        std::fs::write(&path, b"weights").unwrap();
        assert_eq!(&*MappedFile::open(&path).unwrap(), b"weights");
        std::fs::write(&path, b"").unwrap();
        assert!(MappedFile::open(&path).unwrap().is_empty());
        assert!(MappedFile::open(&folder.path().join("none")).is_err());
    }
}
