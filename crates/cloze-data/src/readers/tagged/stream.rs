//! Sentences that are kept as records while they are read.

use std::collections::VecDeque;
use std::path::Path;

use cloze_core::InputError;

use super::sentence::SentenceReader;
use super::{
    FoundTagColumns, TagReadOptions, TaggedFormat, TaggedSentence, WordTable, find,
    read_tagged_sentences,
};
use crate::readers::{BadRows, ReadError, Row, Table};
use crate::records::{RecordError, Records, RecordsWriter};
use crate::tags::{SchemeEvidence, TagScheme};

/// Rows of lists, one after another, each with the lines of its words.
pub(super) struct WordRows<'a> {
    /// The table without its rows.
    pub(super) head: Table,
    /// Whether a column may also be named by its number.
    pub(super) numbered: bool,
    /// [`ReadError::Input`] is about one row.
    pub(super) rows: Box<dyn Iterator<Item = Result<WordRow, ReadError>> + 'a>,
}

/// A row, and the line of each of its words where these have lines of their own.
pub(super) type WordRow = (Row, Vec<usize>);

impl<'a> WordRows<'a> {
    /// Rows whose columns are known once one was read: `columns` tells them.
    pub(super) fn after_the_first<I>(
        path: &Path,
        mut rows: I,
        columns: impl FnOnce(&I) -> Vec<String>,
    ) -> Self
    where
        I: Iterator<Item = Result<WordRow, ReadError>> + 'a,
    {
        let mut first = VecDeque::new();
        while first.back().is_none_or(Result::is_err)
            && let Some(row) = rows.next()
        {
            first.push_back(row);
        }
        Self {
            head: Table::new(path, columns(&rows)),
            numbered: true,
            rows: Box::new(first.into_iter().chain(rows)),
        }
    }
}

/// Sentences of a file, kept as records.
#[derive(Debug)]
pub struct StoredSentences {
    /// The columns that were read.
    pub columns: FoundTagColumns,
    /// How the tags describe entities.
    pub scheme: TagScheme,
    /// The sentences that can be used, in the order of the file.
    pub sentences: Records<TaggedSentence>,
    /// What is wrong with each of those that were left out, by line.
    pub skipped: Vec<InputError>,
    /// The names of the tags in the order of their ids, where they were given or the file has
    /// them.
    pub tag_names: Option<Vec<String>>,
}

/// Reads sentences as [`read_tagged_sentences`] does, and keeps them as records, in `folder` if they are
/// many: memory does not grow with the file, unless it is a JSON list.
///
/// # Errors
/// As [`read_tagged_sentences`]; if the records cannot be written.
pub fn store_tagged_sentences<E: From<ReadError> + From<RecordError>>(
    path: &Path,
    options: &TagReadOptions,
    folder: &Path,
) -> Result<StoredSentences, E> {
    if let Some(stored) = stored::<E>(path, options, folder)? {
        return Ok(stored);
    }
    // What is wrong is said of the whole file.
    let whole = read_tagged_sentences(path, options)?;
    let mut sentences = RecordsWriter::new(folder);
    for sentence in &whole.sentences {
        sentences.push(sentence)?;
    }
    Ok(StoredSentences {
        columns: whole.columns,
        scheme: whole.scheme,
        sentences: sentences.finish()?,
        skipped: whole.skipped,
        tag_names: whole.tag_names,
    })
}

/// `None` for a file that is not as it should be.
fn stored<E: From<ReadError> + From<RecordError>>(
    path: &Path,
    options: &TagReadOptions,
    folder: &Path,
) -> Result<Option<StoredSentences>, E> {
    if !path.is_file() {
        return Ok(None);
    }
    let WordRows {
        mut head,
        numbered,
        rows,
    } = (TaggedFormat::of_file(path)?.rows)(path)?;
    if head.columns.is_empty() {
        return Ok(None);
    }
    let table = WordTable {
        table: Table::new(path, head.columns.clone()),
        word_lines: Vec::new(),
        numbered,
    };
    let columns = find::columns(&table, options).map_err(ReadError::from)?;
    let of_file = head.class_names.remove(&columns.tags);
    let tag_names = options.tag_names.clone().or(of_file);
    let read = read::<E>(rows, &head, &columns, tag_names.as_deref(), folder)?;
    let (read, mut skipped, found) = read;
    let scheme = options.scheme.unwrap_or(found);
    let sentences = valid::<E>(read, scheme, path, &columns, folder, &mut skipped)?;
    if sentences.is_empty() || (!skipped.is_empty() && options.bad_rows == BadRows::Stop) {
        return Ok(None);
    }
    skipped.sort_by_key(|error| error.line);
    Ok(Some(StoredSentences {
        columns,
        scheme,
        sentences,
        skipped,
        tag_names,
    }))
}

/// The sentences whose tags may be of any scheme, what is wrong with the others, and the scheme that
/// fits the tags.
type Read = (Records<TaggedSentence>, Vec<InputError>, TagScheme);

fn read<E: From<ReadError> + From<RecordError>>(
    rows: impl Iterator<Item = Result<WordRow, ReadError>>,
    head: &Table,
    columns: &FoundTagColumns,
    tag_names: Option<&[String]>,
    folder: &Path,
) -> Result<Read, E> {
    let reader = SentenceReader::new(head, columns, tag_names).map_err(ReadError::from)?;
    let mut sentences = RecordsWriter::new(folder);
    let mut skipped = Vec::new();
    let mut evidence = SchemeEvidence::default();
    for row in rows {
        let read = match row {
            Ok((mut row, lines)) => {
                row.values.resize(head.columns.len(), Default::default());
                reader.read(&row, lines)
            }
            Err(ReadError::Input(error)) => Err(error),
            Err(error) => return Err(error.into()),
        };
        match read {
            Ok(sentence) => {
                evidence.see(&sentence.tags);
                sentences.push(&sentence)?;
            }
            Err(error) => skipped.push(error),
        }
    }
    Ok((sentences.finish()?, skipped, evidence.scheme()))
}

/// The sentences whose tags follow the scheme.
fn valid<E: From<RecordError>>(
    read: Records<TaggedSentence>,
    scheme: TagScheme,
    path: &Path,
    columns: &FoundTagColumns,
    folder: &Path,
    skipped: &mut Vec<InputError>,
) -> Result<Records<TaggedSentence>, E> {
    let before = skipped.len();
    for sentence in read.iter() {
        let sentence = sentence?;
        if let Err(error) = scheme.validate(&sentence.tags) {
            skipped.push(sentence.error(path, &columns.tags, &error));
        }
    }
    if skipped.len() == before {
        return Ok(read);
    }
    let mut sentences = RecordsWriter::new(folder);
    for sentence in read.iter() {
        let sentence = sentence?;
        if scheme.validate(&sentence.tags).is_ok() {
            sentences.push(&sentence)?;
        }
    }
    Ok(sentences.finish()?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;
    use thiserror::Error;

    use super::*;

    #[derive(Debug, Error)]
    enum Failed {
        #[error(transparent)]
        Read(#[from] ReadError),
        #[error(transparent)]
        Records(#[from] RecordError),
    }

    fn same(name: &str, content: &str, bad_rows: BadRows) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let options = TagReadOptions {
            bad_rows,
            ..TagReadOptions::default()
        };
        let whole = read_tagged_sentences(&path, &options);
        let stored = store_tagged_sentences::<Failed>(&path, &options, folder.path());
        match (whole, stored) {
            (Ok(whole), Ok(stored)) => {
                let sentences: Vec<_> = stored.sentences.iter().map(Result::unwrap).collect();
                assert_eq!(sentences, whole.sentences, "{content:?}");
                assert_eq!(stored.columns, whole.columns);
                assert_eq!(stored.scheme, whole.scheme);
                assert_eq!(stored.skipped, whole.skipped);
                assert_eq!(stored.tag_names, whole.tag_names);
            }
            (Err(whole), Err(stored)) => assert_eq!(whole.to_string(), stored.to_string()),
            (whole, stored) => panic!("{content:?}: {whole:?} {stored:?}"),
        }
    }

    proptest! {
        #[test]
        fn columns_that_come_line_by_line_are_the_same_sentences(
            lines in prop::collection::vec(prop::sample::select(vec![
                "", "", "a O", "b B-X", "c I-X", "d\tO", "e", "-DOCSTART- O", "f g h", "tokens tags",
            ]), 0..14),
            end in prop::sample::select(vec!["\n", "\r\n"]),
            skip in any::<bool>(),
        ) {
            let bad_rows = if skip { BadRows::Skip } else { BadRows::Stop };
            same("a.conll", &lines.join(end), bad_rows);
            same("a.txt", &lines.join(end), bad_rows);
        }

        #[test]
        fn other_formats_too(
            rows in prop::collection::vec(prop::sample::select(vec![
                r#"{"tokens": ["a", "b"], "tags": ["O", "B-X"]}"#,
                r#"{"tokens": ["a"], "tags": ["I-X"], "id": 3}"#,
                r#"{"tokens": ["a"], "tags": ["E-X"]}"#,
                r#"{"tokens": ["a"], "tags": []}"#,
                r#"{"tokens": "a"}"#,
                "", "[]",
            ]), 0..6),
            words in prop::collection::vec(prop::sample::select(vec![
                "a/O b/B-X", "c/I-X", "", "d/", "e",
            ]), 0..6),
            skip in any::<bool>(),
        ) {
            let bad_rows = if skip { BadRows::Skip } else { BadRows::Stop };
            same("a.jsonl", &rows.join("\n"), bad_rows);
            same("a.txt", &words.join("\n"), bad_rows);
            same("a.pos", &words.join("\n"), bad_rows);
        }
    }
}
