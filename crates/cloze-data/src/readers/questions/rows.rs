//! Tables: a question with its context a row.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloze_core::InputError;

use super::answers::Place;
use super::{Answers, Question, Row};
use crate::readers::{ReadError, Row as TableRow, Table, Value, read_table_with_rejected};

/// Names of the column that identifies a row.
const IDS: [&str; 4] = ["id", "idx", "guid", "qid"];

pub(super) fn read(path: &Path, answers: Answers) -> Result<Vec<Row>, ReadError> {
    let table = read_table_with_rejected(path, None)?;
    let mut reader = Reader::new(&table, answers)?;
    let read = table.rows.iter().map(|row| (row.line, reader.row(row)));
    let mut rows: Vec<(usize, Row)> = read.collect();
    let rejected = table.rejected.into_iter();
    rows.extend(rejected.map(|error| (error.line.unwrap_or(0), Err(error))));
    rows.sort_by_key(|(line, _)| *line);
    let numbered = |(number, (_, row)): (usize, (usize, Row))| {
        row.map(|question| Question { number, ..question })
    };
    Ok(rows.into_iter().enumerate().map(numbered).collect())
}

/// Makes questions of rows.
pub(super) struct Reader {
    path: PathBuf,
    question: usize,
    context: usize,
    answers: Option<usize>,
    is_impossible: Option<usize>,
    id: Option<usize>,
    /// The article of each context, by a hash of the context.
    articles: HashMap<blake3::Hash, usize>,
    /// The context of the row before. Rows of one context stand side by side, but need not.
    last: Option<Arc<str>>,
}

impl Reader {
    /// Of rows of this table.
    pub(super) fn new(table: &Table, answers: Answers) -> Result<Self, InputError> {
        let place = |name: &str| table.columns.iter().position(|column| column == name);
        Ok(Self {
            path: table.path.clone(),
            question: table.column("question")?,
            context: table.column("context")?,
            answers: match answers {
                Answers::Required => Some(table.column("answers")?),
                Answers::Ignored => None,
            },
            is_impossible: place("is_impossible"),
            id: IDS.iter().find_map(|name| place(name)),
            articles: HashMap::new(),
            last: None,
        })
    }

    /// The question of a row, without its number.
    pub(super) fn row(&mut self, row: &TableRow) -> Row {
        let error = |found: String, wanted: String| {
            InputError::new(&self.path, found, wanted).at_line(row.line)
        };
        let place = Place {
            error: &error,
            path: "",
        };
        let value = |column: Option<usize>| column.and_then(|column| row.values.get(column));
        let question = place.text("question", value(Some(self.question)))?;
        let context = place.text("context", value(Some(self.context)))?;
        let answers = match self.answers {
            Some(_) => place.answers(&context, value(self.answers), value(self.is_impossible)),
            None => Ok(Vec::new()),
        }?;
        let id = value(self.id).filter(|id| **id != Value::Null).cloned();
        let next = self.articles.len();
        let hash = blake3::hash(context.as_bytes());
        let article = *self.articles.entry(hash).or_insert(next);
        let same = self.last.take().filter(|last| **last == *context);
        let context = same.unwrap_or_else(|| context.into());
        self.last = Some(Arc::clone(&context));
        Ok(Question {
            question,
            context,
            article,
            answers,
            id,
            line: row.line,
            number: 0,
        })
    }
}
