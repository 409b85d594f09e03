//! Tables: a question with its context a row.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::Arc;

use cloze_core::InputError;

use super::answers::Place;
use super::{Answers, Question, Row};
use crate::readers::{ReadError, Value, read_table_with_rejected};

/// Names of the column that identifies a row.
const IDS: [&str; 4] = ["id", "idx", "guid", "qid"];

pub(super) fn read(path: &Path, answers: Answers) -> Result<Vec<Row>, ReadError> {
    let table = read_table_with_rejected(path, None)?;
    let question = table.column("question")?;
    let context = table.column("context")?;
    let answer_column = match answers {
        Answers::Required => Some(table.column("answers")?),
        Answers::Ignored => None,
    };
    let place = |name: &str| table.columns.iter().position(|column| column == name);
    let impossible_column = place("is_impossible");
    let id_column = IDS.iter().find_map(|name| place(name));

    let mut contexts: HashMap<String, (usize, Arc<str>)> = HashMap::new();
    let mut rows: Vec<(usize, Row)> = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        let error =
            |found: String, wanted: String| InputError::new(path, found, wanted).at_line(row.line);
        let place = Place {
            error: &error,
            path: "",
        };
        let value = |column: Option<usize>| column.and_then(|column| row.values.get(column));
        let mut read = || {
            let question = place.text("question", value(Some(question)))?;
            let context = place.text("context", value(Some(context)))?;
            let answers = match answer_column {
                Some(_) => place.answers(&context, value(answer_column), value(impossible_column)),
                None => Ok(Vec::new()),
            }?;
            // Rows of one context stand side by side, but need not.
            let article = contexts.len();
            let (article, context) = match contexts.entry(context) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(new) => {
                    let context: Arc<str> = new.key().as_str().into();
                    new.insert((article, context)).clone()
                }
            };
            Ok(Question {
                question,
                context,
                article,
                answers,
                id: value(id_column).filter(|id| **id != Value::Null).cloned(),
                line: row.line,
                number: 0,
            })
        };
        rows.push((row.line, read()));
    }
    let rejected = table.rejected.into_iter();
    rows.extend(rejected.map(|error| (error.line.unwrap_or(0), Err(error))));
    rows.sort_by_key(|(line, _)| *line);
    let numbered = |(number, (_, row)): (usize, (usize, Row))| {
        row.map(|question| Question { number, ..question })
    };
    Ok(rows.into_iter().enumerate().map(numbered).collect())
}
