use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use cloze_core::InputError;

use super::TokenizerError;

/// The lines of a text file, without line ends (`\n` or `\r\n`) and byte-order mark. What is not
/// UTF-8 is an error that names the line.
#[derive(Debug)]
pub struct TextLines<R> {
    path: PathBuf,
    reader: R,
    line: usize,
}

impl TextLines<BufReader<File>> {
    /// Opens a file.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, TokenizerError> {
        let file = File::open(path).map_err(TokenizerError::read(path))?;
        Ok(Self::new(path, BufReader::with_capacity(1 << 16, file)))
    }
}

impl<R: BufRead> TextLines<R> {
    /// Reads from anything; `path` is for error messages.
    pub fn new(path: &Path, reader: R) -> Self {
        Self {
            path: path.into(),
            reader,
            line: 0,
        }
    }

    /// The number of the line that was read last, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    fn decode(&self, mut bytes: Vec<u8>) -> Result<String, TokenizerError> {
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let found = format!("byte 0x{:02X} after {at} bytes", error.as_bytes()[at]);
            InputError::new(&self.path, found, "UTF-8 text").at_line(self.line)
        })?;
        match text.strip_prefix('\u{feff}') {
            Some(rest) if self.line == 1 => Ok(rest.to_owned()),
            _ => Ok(text),
        }
    }
}

impl<R: BufRead> Iterator for TextLines<R> {
    type Item = Result<String, TokenizerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = Vec::new();
        match self.reader.read_until(b'\n', &mut bytes) {
            Ok(0) => None,
            Ok(_) => {
                self.line += 1;
                Some(self.decode(bytes))
            }
            Err(source) => Some(Err(TokenizerError::read(&self.path)(source))),
        }
    }
}

/// A whole file's bytes as text; what is not UTF-8 is named with its line.
pub(super) fn utf8<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, InputError> {
    str::from_utf8(bytes).map_err(|error| {
        let (before, rest) = bytes.split_at(error.valid_up_to());
        let lines = before.iter().filter(|&&byte| byte == b'\n').count();
        let column = before
            .rsplit(|&byte| byte == b'\n')
            .next()
            .map_or(0, <[u8]>::len);
        let found = format!("byte 0x{:02X} after {column} bytes", rest[0]);
        InputError::new(path, found, "UTF-8 text").at_line(lines + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Result<Vec<String>, String> {
        TextLines::new(Path::new("t.txt"), bytes)
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())
    }

    #[test]
    fn line_ends_and_byte_order_mark_are_left_out() {
        assert_eq!(
            lines("\u{feff}床前\r\n\n明月光".as_bytes()).unwrap(),
            ["床前", "", "明月光"]
        );
        assert_eq!(lines(b"a\n").unwrap(), ["a"]);
        assert!(lines(b"").unwrap().is_empty());
    }

    #[test]
    fn what_is_not_utf8_is_named_with_its_line() {
        assert_eq!(
            lines(b"fine\nab\xD6\xD0\n").unwrap_err(),
            "t.txt, line 2: found byte 0xD6 after 2 bytes, wanted UTF-8 text"
        );
    }
}
