use std::fs;
use std::path::{Path, PathBuf};

use cloze_core::InputError;

use super::ReadError;

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The bytes of a text file, its byte order mark set aside.
pub(super) struct TextSource {
    path: PathBuf,
    bytes: Vec<u8>,
    start: usize,
}

impl TextSource {
    /// Reads a text file; one without any text is refused.
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let bytes = fs::read(path).map_err(|source| ReadError::io(path, source))?;
        if let [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] = bytes[..] {
            let error = InputError::new(path, "UTF-16 text", "UTF-8 text");
            return Err(error.into());
        }
        let start = if bytes.starts_with(UTF8_MARK) {
            UTF8_MARK.len()
        } else {
            0
        };
        if bytes[start..].trim_ascii().is_empty() {
            return Err(InputError::new(path, "an empty file", "rows of data").into());
        }
        Ok(Self {
            path: path.into(),
            bytes,
            start,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The text, without a byte order mark.
    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Counts lines of the body.
    pub(super) fn lines(&self) -> LineCounter<'_> {
        LineCounter {
            bytes: self.body(),
            offset: 0,
            line: 1,
        }
    }

    /// A piece of the body as text; `offset` is where in the body it starts.
    pub(super) fn text<'a>(
        &self,
        piece: &'a [u8],
        offset: usize,
        lines: &LineCounter<'_>,
    ) -> Result<&'a str, InputError> {
        std::str::from_utf8(piece).map_err(|error| {
            let bad = offset + error.valid_up_to();
            let line = lines.clone().line_at(bad);
            let byte = self.body()[bad];
            let found = format!(
                "the byte 0x{byte:02X}, number {} of the file, which is not UTF-8",
                self.start + bad + 1
            );
            let wanted = "UTF-8 text (a file in GB 18030 is converted by \
                          `iconv -f GB18030 -t UTF-8`)";
            InputError::new(&self.path, found, wanted).at_line(line)
        })
    }
}

/// Tells the line of ascending offsets; every byte is looked at once.
#[derive(Clone)]
pub(super) struct LineCounter<'a> {
    bytes: &'a [u8],
    offset: usize,
    line: usize,
}

impl LineCounter<'_> {
    /// The line, counted from 1, of the byte at `offset`, which never goes back.
    pub(super) fn line_at(&mut self, offset: usize) -> usize {
        let passed = &self.bytes[self.offset..offset];
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count();
        self.offset = offset;
        self.line
    }
}
