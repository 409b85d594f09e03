use std::path::Path;

use cloze_core::InputError;
use serde::Serialize;

use super::FoundTagColumns;
use crate::readers::{Row, Table, Value, quote};
use crate::tags::TagError;

/// A sentence as words, each with its tag.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaggedSentence {
    /// The words.
    pub words: Vec<String>,
    /// As many tags.
    pub tags: Vec<String>,
    /// What the file calls the sentence.
    pub id: Option<Value>,
    /// The line where it begins (the row itself in a Parquet file), counted from 1.
    pub line: usize,
    /// The line of each word, where words have lines of their own.
    #[serde(skip)]
    pub word_lines: Vec<usize>,
}

impl TaggedSentence {
    /// The line of a word, counted from 1.
    pub fn line_of(&self, word: usize) -> usize {
        self.word_lines.get(word).copied().unwrap_or(self.line)
    }

    /// What is wrong with a tag, and where.
    pub fn error(&self, path: &Path, column: &str, error: &TagError) -> InputError {
        let found = describe_word(&error.found, &self.words, error.word);
        InputError::new(path, found, &error.wanted)
            .at_line(self.line_of(error.word))
            .in_field(column)
    }
}

/// `…, at word 3, "Peter"`
fn describe_word(found: &str, words: &[String], word: usize) -> String {
    match words.get(word) {
        Some(text) => format!("{found}, at word {}, {}", word + 1, quote(text)),
        None => found.to_owned(),
    }
}

/// Turns rows of lists into sentences.
pub(super) struct SentenceReader<'a> {
    path: &'a Path,
    columns: &'a FoundTagColumns,
    words: usize,
    tags: usize,
    id: Option<usize>,
    tag_names: Option<&'a [String]>,
}

impl<'a> SentenceReader<'a> {
    pub(super) fn new(
        table: &'a Table,
        columns: &'a FoundTagColumns,
        tag_names: Option<&'a [String]>,
    ) -> Result<Self, InputError> {
        let id = columns.id.as_ref();
        Ok(Self {
            path: &table.path,
            words: table.column(&columns.words)?,
            tags: table.column(&columns.tags)?,
            id: id.map(|name| table.column(name)).transpose()?,
            columns,
            tag_names,
        })
    }

    pub(super) fn read(
        &self,
        row: &Row,
        word_lines: Vec<usize>,
    ) -> Result<TaggedSentence, InputError> {
        let line_of = |word: usize| word_lines.get(word).copied().unwrap_or(row.line);
        let bad = |word: usize, column: &str, found: String, wanted: String| {
            let error = InputError::new(self.path, found, wanted);
            Err(error.at_line(line_of(word)).in_field(column))
        };
        let (words_column, tags_column) = (&self.columns.words, &self.columns.tags);
        let words = match list(&row.values[self.words], "words", word) {
            Ok(words) => words,
            Err((at, found, wanted)) => return bad(at, words_column, found, wanted),
        };
        let tag = |value: &Value| self.tag(value);
        let tags = match list(&row.values[self.tags], "tags", tag) {
            Ok(tags) => tags,
            Err((at, found, wanted)) => {
                return bad(at, tags_column, describe_word(&found, &words, at), wanted);
            }
        };
        if words.len() != tags.len() {
            let found = format!("{} tags", tags.len());
            let wanted = format!("{}, one for each word", words.len());
            return bad(0, tags_column, found, wanted);
        }
        let id = self.id.map(|column| row.values[column].clone());
        Ok(TaggedSentence {
            words,
            tags,
            id: id.filter(|id| *id != Value::Null),
            line: row.line,
            word_lines,
        })
    }

    fn tag(&self, value: &Value) -> Result<String, (String, String)> {
        match (value, self.tag_names) {
            (Value::Text(text), _) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            (Value::Text(_), _) => Err(("an empty tag".into(), "a tag".into())),
            (Value::Integer(id), Some(names)) => {
                let name = usize::try_from(*id).ok().and_then(|id| names.get(id));
                name.cloned().ok_or_else(|| {
                    let wanted = format!("the number of one of {} tags, from 0", names.len());
                    (id.to_string(), wanted)
                })
            }
            (Value::Integer(id), None) => Err((
                format!("the number {id}"),
                "the name of a tag, or the names of all tags in the order of their numbers".into(),
            )),
            (other, _) => Err((other.describe(), "a tag".into())),
        }
    }
}

fn word(value: &Value) -> Result<String, (String, String)> {
    match value {
        Value::Text(text) if !text.trim().is_empty() => Ok(text.clone()),
        Value::Text(_) => Err(("an empty word".into(), "a word".into())),
        other => Err((other.describe(), "a word".into())),
    }
}

/// Reads every item of a list; otherwise the place of the first one that cannot be read, what it
/// is and what was wanted.
fn list(
    value: &Value,
    what: &str,
    read: impl Fn(&Value) -> Result<String, (String, String)>,
) -> Result<Vec<String>, (usize, String, String)> {
    match value {
        Value::List(values) if !values.is_empty() => values
            .iter()
            .enumerate()
            .map(|(at, value)| read(value).map_err(|(found, wanted)| (at, found, wanted)))
            .collect(),
        Value::List(_) => Err((0, "an empty list".into(), format!("a list of {what}"))),
        other => Err((0, other.describe(), format!("a list of {what}"))),
    }
}
