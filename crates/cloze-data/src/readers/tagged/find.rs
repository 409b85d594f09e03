use cloze_core::InputError;
use serde::Serialize;

use super::{TagReadOptions, WordTable};

/// The names of the columns that are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundTagColumns {
    /// The words.
    pub words: String,
    /// The tags.
    pub tags: String,
    /// The id.
    pub id: Option<String>,
}

const WORDS: &[&str] = &["tokens", "words", "token", "word", "form"];
const TAGS: &[&str] = &[
    "ner_tags",
    "ner",
    "tags",
    "labels",
    "label",
    "tag",
    "chunk_tags",
    "pos_tags",
    "pos",
    "upos",
];
const IDS: &[&str] = &["id", "idx", "guid"];

/// Whether these are names of columns rather than a word with its tags: a usual name for words, and
/// one for tags.
pub(super) fn is_header(fields: &[&str]) -> bool {
    let has = |names: &[&str]| {
        let is_name = |field: &&str| names.iter().any(|name| field.eq_ignore_ascii_case(name));
        fields.iter().any(is_name)
    };
    has(WORDS) && has(TAGS)
}

/// Finds the columns by their given names, otherwise by the usual ones. In a file of columns
/// without names the first one holds the words and the last one the tags.
pub(super) fn columns(
    words: &WordTable,
    options: &TagReadOptions,
) -> Result<FoundTagColumns, InputError> {
    if words.numbered && words.table.columns.len() < 2 {
        let wanted = "a word and at least one tag";
        return Err(InputError::new(&words.table.path, "1 column", wanted));
    }
    let usual = |names: &[&str]| {
        let columns = &words.table.columns;
        names.iter().find_map(|name| {
            let same = |column: &&String| column.eq_ignore_ascii_case(name);
            columns.iter().find(same).cloned()
        })
    };
    let found = |given: &Option<String>, names: &[&str], number: Option<usize>, what: &str| {
        if let Some(given) = given {
            return named(words, given);
        }
        let numbered = || words.table.columns.get(number?).cloned();
        usual(names).or_else(numbered).ok_or_else(|| {
            let wanted = format!(
                "the name of the column of the {what}, as none has a usual one ({})",
                names
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            );
            InputError::new(&words.table.path, words.table.list_columns(), wanted)
        })
    };
    let first = words.numbered.then_some(0);
    let last = words.table.columns.len().checked_sub(1);
    let last = last.filter(|_| words.numbered);
    let columns = FoundTagColumns {
        words: found(&options.words, WORDS, first, "words")?,
        tags: found(&options.tags, TAGS, last, "tags")?,
        id: match &options.id {
            Some(given) => Some(named(words, given)?),
            None => usual(IDS).filter(|_| !words.numbered),
        },
    };
    if columns.words == columns.tags {
        let wanted = "one column of words and another one of tags";
        let found = format!("the column `{}` for both", columns.words);
        return Err(InputError::new(&words.table.path, found, wanted));
    }
    Ok(columns)
}

/// A column by its name or, in a file of columns, by its number.
fn named(words: &WordTable, given: &str) -> Result<String, InputError> {
    let columns = &words.table.columns;
    if words.numbered
        && !columns.iter().any(|column| column == given)
        && let Ok(number) = given.parse::<isize>()
    {
        let place = match usize::try_from(number) {
            Ok(place) => Some(place),
            Err(_) => columns.len().checked_sub(number.unsigned_abs()),
        };
        return place
            .and_then(|place| columns.get(place).cloned())
            .ok_or_else(|| {
                let found = format!("{} columns", columns.len());
                let wanted = "the number of one of them, from 0, or from -1 back";
                InputError::new(&words.table.path, found, wanted).in_field(given)
            });
    }
    words.table.column(given)?;
    Ok(given.to_owned())
}
