//! Data files: rows of named values, whatever the format, and texts with labels read from them.
//!
//! - [`FORMATS`], the list of formats, one file each: a new one is a file and a line here
//! - [`read_table`]: a file → [`Table`] of [`Value`]s
//! - [`read_labelled_texts`]: a file → [`LabelledTexts`], with its [`TextColumns`] found or given;
//!   [`Label`]: one label a text, several, or a number; [`for_each_labelled_text`]: the same, one
//!   after another
//! - [`questions`]: a file → questions with their contexts and answers
//! - [`tagged`]: a file → sentences of words with tags
//! - [`stream`]: the rows of a file or of standard input as they come, with flat memory
//! - [`ReadError`], [`RowErrors`], [`BadRows`]: what is wrong, where, and what to do about it

mod delimited;
mod error;
mod json;
mod label_cells;
mod label_columns;
mod labelled_rows;
mod labelled_texts;
mod lines;
mod parquet;
mod parquet_class_names;
pub mod questions;
mod quotes;
mod source;
pub mod stream;
mod table;
pub mod tagged;
mod text_cells;
mod text_columns;
mod value;

use std::fs;
use std::path::Path;

use cloze_core::InputError;

pub use error::{BadRows, ReadError, RowErrors};
pub use label_cells::{Label, NoLabel};
pub use labelled_rows::{LabelledHead, for_each_labelled_text};
pub use labelled_texts::{
    LabelCells, LabelledText, LabelledTexts, Labels, TextReadOptions, labelled_texts,
    read_labelled_texts,
};
pub(crate) use parquet::class_names_of as parquet_class_names_of;
pub use table::{Row, Table};
pub use text_columns::{FoundColumns, TextColumns};
pub use value::Value;
pub(crate) use value::quote;

/// A format of data files.
#[derive(Debug)]
pub struct Format {
    /// The name that a user gives it.
    pub name: &'static str,
    /// Extensions of its files, in lower case.
    pub extensions: &'static [&'static str],
    read: fn(&Path) -> Result<Table, ReadError>,
}

/// Every format that cloze reads.
pub static FORMATS: &[&Format] = &[
    &delimited::CSV,
    &delimited::TSV,
    &json::JSON,
    &json::JSON_LINES,
    &parquet::PARQUET,
    &lines::TXT,
];

const COMPRESSED: &[&str] = &["gz", "bz2", "xz", "zst", "zip", "7z", "tar", "tgz"];

impl Format {
    /// The format of a name, if there is one: `csv`, `tsv`, `json`, `jsonl`, `parquet`, `txt`.
    pub fn from_name(name: &str) -> Option<&'static Self> {
        FORMATS.iter().copied().find(|format| format.name == name)
    }

    /// The format that a file's extension tells.
    ///
    /// # Errors
    /// If there is no extension, or an unknown one.
    pub fn of_file(path: &Path) -> Result<&'static Self, InputError> {
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy());
        let extension = extension.unwrap_or_default().to_lowercase();
        let known = |format: &&Format| format.extensions.contains(&extension.as_str());
        if let Some(format) = FORMATS.iter().copied().find(known) {
            return Ok(format);
        }
        let extensions: Vec<String> = FORMATS
            .iter()
            .flat_map(|format| format.extensions)
            .map(|extension| format!("`.{extension}`"))
            .collect();
        let found = match extension.as_str() {
            "" => "a name without extension".into(),
            name if COMPRESSED.contains(&name) => format!("a compressed file (`.{name}`)"),
            name => format!("the extension `.{name}`"),
        };
        let wanted = format!("one of {}", extensions.join(", "));
        Err(InputError::new(path, found, wanted))
    }
}

/// Reads a data file; a row that cannot be read stops it.
///
/// The format is that of the file's extension unless one is given. JSON files are told apart by
/// their content: a list of objects, or one object a line.
///
/// # Errors
/// If the file cannot be read, is a folder, is empty, holds no rows, is not of its format or not
/// UTF-8, and if any row cannot be read ([`ReadError::Rows`] lists them all).
pub fn read_table(path: &Path, format: Option<&Format>) -> Result<Table, ReadError> {
    read_table_with_rejected(path, format)?.strict()
}

/// Reads a data file; rows that cannot be read are left out and listed in [`Table::rejected`].
///
/// # Errors
/// As [`read_table`], but for single rows, as long as one can be read.
pub fn read_table_with_rejected(path: &Path, format: Option<&Format>) -> Result<Table, ReadError> {
    let metadata = fs::metadata(path).map_err(|source| ReadError::io(path, source))?;
    if metadata.is_dir() {
        return Err(InputError::new(path, "a folder", "a data file").into());
    }
    let format = match format {
        Some(format) => format,
        None => Format::of_file(path)?,
    };
    let table = (format.read)(path)?;
    if !table.rows.is_empty() {
        return Ok(table);
    }
    table.strict()?;
    Err(InputError::new(path, "no rows", "at least one row of data").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(path: &Path) -> String {
        read_table(path, None).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_data_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display();
        assert_eq!(
            message(folder.path()),
            format!("{place}: found a folder, wanted a data file")
        );
        let known =
            "one of `.csv`, `.tsv`, `.tab`, `.json`, `.jsonl`, `.ndjson`, `.parquet`, `.txt`";
        for (name, found) in [
            ("a.xlsx", "the extension `.xlsx`"),
            ("a", "a name without extension"),
            ("a.csv.gz", "a compressed file (`.gz`)"),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, "x").unwrap();
            assert_eq!(
                message(&path),
                format!("{place}/{name}: found {found}, wanted {known}")
            );
        }
        let absent = folder.path().join("none.csv");
        assert_eq!(
            message(&absent),
            format!("cannot read {}", absent.display())
        );
    }

    #[test]
    fn an_empty_file_is_refused_in_every_text_format() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.csv", "a.tsv", "a.json", "a.jsonl", "a.txt"] {
            for content in ["", "\u{feff}", " \r\n\n"] {
                let path = folder.path().join(name);
                fs::write(&path, content).unwrap();
                let expected = format!(
                    "{}: found an empty file, wanted rows of data",
                    path.display()
                );
                assert_eq!(message(&path), expected);
            }
        }
        let path = folder.path().join("header.csv");
        fs::write(&path, "text,label\n").unwrap();
        let expected = format!(
            "{}: found no rows, wanted at least one row of data",
            path.display()
        );
        assert_eq!(message(&path), expected);
        fs::write(folder.path().join("none.json"), "[ ]").unwrap();
        assert!(
            message(&folder.path().join("none.json")).ends_with("wanted at least one row of data")
        );
    }

    #[test]
    fn a_file_of_which_no_row_can_be_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        fs::write(&path, "1\n2\n").unwrap();
        let error = read_table_with_rejected(&path, None).unwrap_err();
        let place = path.display();
        assert_eq!(
            error.to_string(),
            format!(
                "{place}: 2 of 2 rows cannot be used\n  \
                 {place}, line 1: found 1, wanted an object `{{…}}`\n  \
                 {place}, line 2: found 2, wanted an object `{{…}}`"
            )
        );
    }

    #[test]
    fn a_given_format_goes_before_the_extension() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.txt");
        fs::write(&path, "text\tlabel\na, b\t1\n").unwrap();
        let table = read_table(&path, Format::from_name("tsv")).unwrap();
        assert_eq!(table.columns, ["text", "label"]);
        assert!(Format::from_name("xlsx").is_none());
    }
}
