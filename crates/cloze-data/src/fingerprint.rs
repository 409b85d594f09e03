//! Hashes that tell whether a file, or the rows that a run really used, changed: BLAKE3, in hex.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::readers::LabelledText;

/// The fingerprint of a file's bytes.
///
/// # Errors
/// If the file cannot be read.
pub fn file_fingerprint(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// The fingerprint of texts and labels in their order, whatever file or format they came from.
pub fn rows_fingerprint<'a>(rows: impl IntoIterator<Item = &'a LabelledText>) -> String {
    let mut hasher = blake3::Hasher::new();
    for row in rows {
        update(&mut hasher, Some(&row.text));
        update(&mut hasher, row.text_pair.as_deref());
        update(&mut hasher, row.label.as_deref());
    }
    hasher.finalize().to_hex().to_string()
}

/// Adds a text with its length before it, so that no two lists of texts give the same bytes.
fn update(hasher: &mut blake3::Hasher, text: Option<&str>) {
    match text {
        Some(text) => {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        None => {
            hasher.update(&u64::MAX.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str, text_pair: Option<&str>, label: Option<&str>) -> LabelledText {
        LabelledText {
            text: text.into(),
            text_pair: text_pair.map(str::to_owned),
            label: label.map(str::to_owned),
            id: None,
            line: 1,
        }
    }

    #[test]
    fn a_files_fingerprint_is_the_published_hash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty");
        std::fs::write(&path, "").unwrap();
        assert_eq!(
            file_fingerprint(&path).unwrap(),
            "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
        );
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(
            file_fingerprint(&path).unwrap(),
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
        );
        assert!(file_fingerprint(&folder.path().join("none")).is_err());
    }

    #[test]
    fn what_differs_has_another_fingerprint() {
        let all = [
            rows_fingerprint(&[row("ab", None, None)]),
            rows_fingerprint(&[row("a", Some("b"), None)]),
            rows_fingerprint(&[row("a", None, Some("b"))]),
            rows_fingerprint(&[row("a", None, None), row("b", None, None)]),
            rows_fingerprint(&[row("b", None, None), row("a", None, None)]),
            rows_fingerprint(&[row("a", Some(""), None)]),
            rows_fingerprint(&[]),
        ];
        for (index, fingerprint) in all.iter().enumerate() {
            assert!(!all[..index].contains(fingerprint), "{index}");
        }
    }

    #[test]
    fn where_a_row_stands_in_its_file_does_not_count() {
        let mut elsewhere = row("a", None, Some("1"));
        elsewhere.line = 9;
        assert_eq!(
            rows_fingerprint(&[elsewhere]),
            rows_fingerprint(&[row("a", None, Some("1"))])
        );
    }
}
