use std::path::{Path, PathBuf};

use cloze_core::InputError;

use super::{RowStream, STANDARD_INPUT, Source, StreamedRow, open};
use crate::readers::{BadRows, Format, ReadError, Table, TextColumns, Value};

/// How many of the rows that were left out are described; the others are counted.
const DESCRIBED: usize = 20;

/// The texts of a corpus as they come, with flat memory.
///
/// Labels are not looked at. A blank text is handed on: in a corpus of lines it ends a document.
/// A row cannot be used if it cannot be read, or has no text in the column of the texts. After an
/// error nothing comes.
///
/// ```no_run
/// use cloze_data::readers::stream::{CorpusTexts, Source};
/// let texts = CorpusTexts::open(&Source::File("novel.txt".into()), None, None, Default::default())?;
/// for text in texts {
///     println!("{}", text?);
/// }
/// # Ok::<(), cloze_data::readers::ReadError>(())
/// ```
pub struct CorpusTexts {
    path: PathBuf,
    rows: RowStream,
    columns: TextColumns,
    /// The column of the texts, once it is known.
    found: Option<String>,
    bad_rows: BadRows,
    skipped: SkippedTexts,
    ended: bool,
}

/// Rows that were left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkippedTexts {
    /// How many.
    pub count: u64,
    /// What is wrong with the first of them.
    pub first: Vec<InputError>,
}

impl std::fmt::Debug for CorpusTexts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CorpusTexts")
            .field("path", &self.path)
            .field("found", &self.found)
            .field("skipped", &self.skipped)
            .finish_non_exhaustive()
    }
}

impl CorpusTexts {
    /// Opens a file or standard input. A column that is not named is found by its usual names
    /// ([`TextColumns`]).
    ///
    /// # Errors
    /// As [`open`].
    pub fn open(
        source: &Source,
        column: Option<&str>,
        format: Option<&'static Format>,
        bad_rows: BadRows,
    ) -> Result<Self, ReadError> {
        let rows = open(source, format)?;
        let path = match source {
            Source::File(path) => path.as_path(),
            Source::StandardInput => Path::new(STANDARD_INPUT),
        };
        Ok(Self {
            path: path.into(),
            rows,
            columns: TextColumns {
                text: column.map(str::to_owned),
                ..TextColumns::default()
            },
            found: None,
            bad_rows,
            skipped: SkippedTexts::default(),
            ended: false,
        })
    }

    /// The rows that were left out up to here.
    pub fn skipped(&self) -> &SkippedTexts {
        &self.skipped
    }

    fn text(&mut self, row: StreamedRow) -> Result<String, ReadError> {
        let StreamedRow { columns, row } = row;
        let mut row = row?;
        let name = match &self.found {
            Some(name) => name,
            None => {
                let table = Table::new(&self.path, columns.to_vec());
                self.found.insert(self.columns.find(&table)?.text)
            }
        };
        let place = columns.iter().position(|column| column == name);
        let value = place.and_then(|place| row.values.get_mut(place));
        match value.map_or(Value::Null, std::mem::take) {
            Value::Text(text) => Ok(text),
            other => {
                let error = InputError::new(&self.path, other.describe(), "a text");
                Err(error.at_line(row.line).in_field(name).into())
            }
        }
    }
}

impl Iterator for CorpusTexts {
    type Item = Result<String, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let row = self.rows.next()?;
            match self.text(row) {
                // No row can be used where the column is not known.
                Err(ReadError::Input(error))
                    if self.bad_rows == BadRows::Skip && error.line.is_some() =>
                {
                    self.skipped.count += 1;
                    if self.skipped.first.len() < DESCRIBED {
                        self.skipped.first.push(error);
                    }
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
                text => return Some(text),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of a file, and how many rows were left out.
    fn read(
        name: &str,
        content: &str,
        column: Option<&str>,
        bad_rows: BadRows,
    ) -> (Vec<String>, u64) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let mut texts = CorpusTexts::open(&Source::File(path), column, None, bad_rows).unwrap();
        let read = texts.by_ref().map(|text| {
            let prefix = format!("{}/", folder.path().display());
            text.unwrap_or_else(|error| error.to_string().replace(&prefix, ""))
        });
        (read.collect(), texts.skipped().count)
    }

    fn strict(name: &str, content: &str, column: Option<&str>) -> Vec<String> {
        read(name, content, column, BadRows::Stop).0
    }

    #[test]
    fn texts_come_from_every_format_blank_ones_too() {
        assert_eq!(strict("a.txt", "one\n\ntwo\r\n", None), ["one", "", "two"]);
        assert_eq!(
            strict("a.csv", "label,review\n1,one\n0,\"\"\n", None),
            ["one", ""]
        );
        let json = "{\"title\": \"a\", \"content\": \"one\"}\n{\"content\": \"two\"}\n";
        assert_eq!(strict("a.jsonl", json, None), ["one", "two"]);
        assert_eq!(strict("a.json", r#"[{"text": "one"}]"#, None), ["one"]);
        assert_eq!(strict("a.csv", "text,review\na,b\n", Some("review")), ["b"]);
    }

    #[test]
    fn a_bad_row_ends_the_texts_or_is_left_out() {
        let json = "{\"text\": \"a\"}\n{\"text\": 5}\n{\"other\": \"b\"}\n{\n{\"text\": \"c\"}\n";
        assert_eq!(
            strict("a.jsonl", json, None),
            ["a", "a.jsonl, line 2, field `text`: found 5, wanted a text"]
        );
        let (texts, skipped) = read("a.jsonl", json, None, BadRows::Skip);
        assert_eq!((texts, skipped), (vec!["a".into(), "c".into()], 3));
    }

    #[test]
    fn a_column_that_is_not_there_is_an_error_even_where_rows_may_be_left_out() {
        let (texts, skipped) = read("a.csv", "a,b\n1,2\n3,4\n", Some("text"), BadRows::Skip);
        assert_eq!(
            texts,
            ["a.csv, field `text`: found the columns `a`, `b`, wanted a column of that name"]
        );
        assert_eq!(skipped, 0);
    }
}
