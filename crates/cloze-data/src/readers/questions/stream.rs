//! Questions that are kept as records while they are read.

use std::path::Path;

use cloze_core::InputError;

use super::rows::Reader;
use super::{Question, QuestionReadOptions, Questions, is_question_file, nested, read_questions};
use crate::readers::stream::TableRows;
use crate::readers::{BadRows, ReadError};
use crate::records::{RecordError, Records, RecordsWriter};

/// Questions of a file, kept as records.
#[derive(Debug)]
pub struct StoredQuestions {
    /// Those that can be used, in the order of the file.
    pub questions: Records<Question>,
    /// What is wrong with each of those that were left out, by line.
    pub skipped: Vec<InputError>,
    /// As [`Questions::repeated_answers`].
    pub repeated_answers: usize,
}

/// Reads questions as [`read_questions`] does, and keeps them as records, in `folder` if they are many.
/// Memory does not grow with a file of SQuAD's layout, of which an article is read at a time, nor with
/// JSON lines or Parquet, but for a hash of every context.
///
/// # Errors
/// As [`read_questions`]; if the records cannot be written.
pub fn store_questions<E: From<ReadError> + From<RecordError>>(
    path: &Path,
    options: &QuestionReadOptions,
    folder: &Path,
) -> Result<StoredQuestions, E> {
    let mut questions = RecordsWriter::new(folder);
    let mut skipped = Vec::new();
    let is_whole = for_each(path, options, |row| match row {
        Ok(question) => questions.push(&question).map_err(E::from),
        Err(error) => {
            skipped.push(error);
            Ok(())
        }
    })?;
    let is_usable = skipped.is_empty() || options.bad_rows == BadRows::Skip;
    if is_whole && is_usable && !questions.is_empty() {
        return Ok(StoredQuestions {
            questions: questions.finish()?,
            skipped,
            repeated_answers: 0,
        });
    }
    // What is wrong is said of the whole file.
    let Questions {
        questions: whole,
        skipped,
        repeated_answers,
    } = read_questions(path, options)?;
    let mut questions = RecordsWriter::new(folder);
    for question in &whole {
        questions.push(question)?;
    }
    Ok(StoredQuestions {
        questions: questions.finish()?,
        skipped,
        repeated_answers,
    })
}

/// Hands on questions, and what is wrong with those that cannot be used. `false` where the file is not
/// as it should be.
fn for_each<E: From<ReadError>>(
    path: &Path,
    options: &QuestionReadOptions,
    mut take: impl FnMut(Result<Question, InputError>) -> Result<(), E>,
) -> Result<bool, E> {
    if !path.is_file() {
        return Ok(false);
    }
    if is_question_file(path)? {
        return Ok(nested::for_each(path, options.answers, take)?.is_some());
    }
    let rows = TableRows::open(path, None)?;
    let mut reader = Reader::new(&rows.head, options.answers).map_err(ReadError::from)?;
    for (number, row) in rows.enumerate() {
        let question = match row {
            Ok(row) => reader.row(&row),
            Err(ReadError::Input(error)) => Err(error),
            Err(_) => return Ok(false),
        };
        take(question.map(|question| Question { number, ..question }))?;
    }
    Ok(true)
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
        let options = QuestionReadOptions {
            bad_rows,
            ..QuestionReadOptions::default()
        };
        let whole = read_questions(&path, &options);
        let stored = store_questions::<Failed>(&path, &options, folder.path());
        match (whole, stored) {
            (Ok(whole), Ok(stored)) => {
                let questions: Vec<_> = stored.questions.iter().map(Result::unwrap).collect();
                assert_eq!(questions, whole.questions, "{content}");
                assert_eq!(stored.skipped, whole.skipped);
            }
            (Err(whole), Err(stored)) => assert_eq!(whole.to_string(), stored.to_string()),
            (whole, stored) => panic!("{content}: {whole:?} {stored:?}"),
        }
    }

    const QUESTIONS: [&str; 4] = [
        r#"{"id": 7, "question": "who", "answers": [{"text": "b", "answer_start": 2}]}"#,
        r#"{"question": "what", "answers": []}"#,
        r#"{"question": "", "answers": []}"#,
        r#"{"question": "where", "answers": [{"text": "b", "answer_start": 0}]}"#,
    ];

    fn list<T: AsRef<str>>(items: &[T]) -> String {
        let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
        format!("[{}]", items.join(",\n"))
    }

    #[test]
    fn a_list_of_contexts_is_read_as_a_whole() {
        let question = r#"{"query_text": "who", "answers": ["b"]}"#;
        let context = format!(r#"{{"context_text": "a b b", "qas": [{question}]}}"#);
        same("a.json", &list(&[&context, &context]), BadRows::Stop);
        let bad = context.replace("a b b", "a");
        same("a.json", &list(&[&context, &bad]), BadRows::Skip);
        same("a.json", &list(&[&context, &bad]), BadRows::Stop);
    }

    proptest! {
        #[test]
        fn articles_that_come_one_by_one_are_the_same_questions(
            articles in prop::collection::vec(
                prop::collection::vec(prop::collection::vec(0_usize..4, 0..3), 0..3),
                0..4,
            ),
            cut in prop::option::of(0_usize..400),
            skip in any::<bool>(),
        ) {
            let paragraph = |questions: &Vec<usize>| {
                let questions: Vec<&str> = questions.iter().map(|&index| QUESTIONS[index]).collect();
                format!(r#"{{"context": "a b", "qas": {}}}"#, list(&questions))
            };
            let article = |paragraphs: &Vec<Vec<usize>>| {
                let paragraphs: Vec<String> = paragraphs.iter().map(paragraph).collect();
                format!(r#"{{"title": "t", "paragraphs": {}}}"#, list(&paragraphs))
            };
            let articles: Vec<String> = articles.iter().map(article).collect();
            let mut content = format!(r#"{{"version": "1", "data": {}}}"#, list(&articles));
            if let Some(cut) = cut {
                content.truncate(cut);
            }
            let bad_rows = if skip { BadRows::Skip } else { BadRows::Stop };
            same("a.json", &content, bad_rows);
        }

        #[test]
        fn rows_that_come_one_by_one_are_the_same_questions(
            rows in prop::collection::vec((0_usize..3, 0_usize..4), 0..9),
            skip in any::<bool>(),
        ) {
            let row = |&(context, question): &(usize, usize)| {
                let context = ["a b", "c b", ""][context];
                QUESTIONS[question].replacen('{', &format!(r#"{{"context": "{context}", "#), 1)
            };
            let rows: Vec<String> = rows.iter().map(row).collect();
            let bad_rows = if skip { BadRows::Skip } else { BadRows::Stop };
            same("a.jsonl", &rows.join("\n"), bad_rows);
        }
    }
}
