//! Sentences as words with tags: named entities, parts of speech, chunks.
//!
//! - [`TAGGED_FORMATS`], the list of formats, one file each
//! - [`read_tagged_sentences`]: a file → [`TaggedSentences`], with its columns and its
//!   [`TagScheme`] found or given; [`store_tagged_sentences`]: the same as records

mod columns;
mod find;
mod lists;
mod sentence;
mod stream;
#[cfg(test)]
mod tests;
mod word_slash_tag;

use std::fs;
use std::path::Path;

use cloze_core::InputError;

use super::{BadRows, ReadError, RowErrors, Table};
use crate::tags::{SchemeEvidence, TagScheme};
pub use find::FoundTagColumns;
use sentence::SentenceReader;
pub use sentence::TaggedSentence;
use stream::WordRows;
pub use stream::{StoredSentences, store_tagged_sentences};

/// A format of files with tagged words.
#[derive(Debug)]
pub struct TaggedFormat {
    /// The name that a user gives it.
    pub name: &'static str,
    /// Extensions of its files, in lower case.
    pub extensions: &'static [&'static str],
    read: fn(&Path) -> Result<WordTable, ReadError>,
    rows: fn(&Path) -> Result<WordRows<'_>, ReadError>,
}

/// Every format that tagged words are read from. The first one whose extension fits is taken; in
/// a `.txt` file the first line tells `word/tag` text and columns apart.
pub static TAGGED_FORMATS: &[&TaggedFormat] = &[
    &columns::CONLL,
    &word_slash_tag::WORD_SLASH_TAG,
    &lists::JSON_LINES,
    &lists::PARQUET,
];

/// Sentences as rows of lists.
struct WordTable {
    /// Every column holds a list in each row.
    table: Table,
    /// For every row the line of each word; empty lists where a row has no lines of its own.
    word_lines: Vec<Vec<usize>>,
    /// Whether a column may also be named by its number.
    numbered: bool,
}

/// Sentences of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct TaggedSentences {
    /// The columns that were read.
    pub columns: FoundTagColumns,
    /// How the tags describe entities.
    pub scheme: TagScheme,
    /// The sentences that can be used, in the order of the file.
    pub sentences: Vec<TaggedSentence>,
    /// What is wrong with each of those that were left out, by line.
    pub skipped: Vec<InputError>,
    /// The names of the tags in the order of their ids, where they were given or the file has
    /// them.
    pub tag_names: Option<Vec<String>>,
}

/// How [`read_tagged_sentences`] reads. What is left out is found.
#[derive(Clone, Debug, Default)]
pub struct TagReadOptions {
    /// Column of the words: a name or, in a file of columns, a number from 0.
    pub words: Option<String>,
    /// Column of the tags; in a file of columns a negative number counts from the last one, -1.
    pub tags: Option<String>,
    /// What identifies a sentence.
    pub id: Option<String>,
    /// The names of tags that are given as numbers from 0.
    pub tag_names: Option<Vec<String>>,
    /// How the tags describe entities.
    pub scheme: Option<TagScheme>,
    /// What to do with sentences that cannot be used.
    pub bad_rows: BadRows,
}

impl TaggedFormat {
    /// The format that a file's extension and, for plain text, its first line tell.
    fn of_file(path: &Path) -> Result<&'static Self, ReadError> {
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        let extension = extension.to_lowercase();
        let fits = |format: &&Self| format.extensions.contains(&extension.as_str());
        if extension == "txt" {
            return match word_slash_tag::is_in(path)? {
                true => Ok(&word_slash_tag::WORD_SLASH_TAG),
                false => Ok(&columns::CONLL),
            };
        }
        if let Some(format) = TAGGED_FORMATS.iter().copied().find(fits) {
            return Ok(format);
        }
        let extensions: Vec<String> = TAGGED_FORMATS
            .iter()
            .flat_map(|format| format.extensions)
            .map(|extension| format!("`.{extension}`"))
            .collect();
        let found = match extension.as_str() {
            "" => "a name without extension".into(),
            name => format!("the extension `.{name}`"),
        };
        let wanted = format!(
            "words with tags: `.txt` or one of {}",
            extensions.join(", ")
        );
        Err(InputError::new(path, found, wanted).into())
    }
}

/// Reads sentences with a tag for every word.
///
/// A sentence cannot be used if its line or row cannot be read, if it has no words, a word or a
/// tag is missing or no text, there are more words than tags or fewer, or its tags do not follow
/// the scheme. A scheme that is not given is the one that fits the tags of the file.
///
/// # Errors
/// If the file cannot be read, is empty, or is of no known format; if a column does not exist;
/// and, unless they are skipped, if there are sentences that cannot be used
/// ([`ReadError::Rows`] lists them all). If none is left, that is an error in any case.
pub fn read_tagged_sentences(
    path: &Path,
    options: &TagReadOptions,
) -> Result<TaggedSentences, ReadError> {
    let metadata = fs::metadata(path).map_err(|source| ReadError::io(path, source))?;
    if metadata.is_dir() {
        return Err(InputError::new(path, "a folder", "a data file").into());
    }
    let mut words = (TaggedFormat::of_file(path)?.read)(path)?;
    if words.table.rows.is_empty() && words.table.rejected.is_empty() {
        return Err(InputError::new(path, "no sentences", "at least one sentence").into());
    }
    let columns = find::columns(&words, options)?;
    let mut skipped = std::mem::take(&mut words.table.rejected);
    let total = words.table.rows.len() + skipped.len();
    let tag_names = options
        .tag_names
        .clone()
        .or_else(|| words.table.class_names.remove(&columns.tags));
    let reader = SentenceReader::new(&words.table, &columns, tag_names.as_deref())?;
    let mut sentences = Vec::with_capacity(words.table.rows.len());
    let mut lines = std::mem::take(&mut words.word_lines).into_iter();
    for row in &words.table.rows {
        let word_lines = lines.next().unwrap_or_default();
        match reader.read(row, word_lines) {
            Ok(sentence) => sentences.push(sentence),
            Err(error) => skipped.push(error),
        }
    }
    let scheme = options.scheme.unwrap_or_else(|| found_scheme(&sentences));
    sentences.retain(|sentence| match scheme.validate(&sentence.tags) {
        Ok(()) => true,
        Err(error) => {
            skipped.push(sentence.error(path, &columns.tags, &error));
            false
        }
    });
    skipped.sort_by_key(|error| error.line);
    if !skipped.is_empty() && (options.bad_rows == BadRows::Stop || sentences.is_empty()) {
        return Err(RowErrors {
            path: path.into(),
            rows: total,
            errors: skipped,
        }
        .into());
    }
    Ok(TaggedSentences {
        columns,
        scheme,
        sentences,
        skipped,
        tag_names,
    })
}

fn found_scheme(sentences: &[TaggedSentence]) -> TagScheme {
    let mut evidence = SchemeEvidence::default();
    sentences
        .iter()
        .for_each(|sentence| evidence.see(&sentence.tags));
    evidence.scheme()
}
