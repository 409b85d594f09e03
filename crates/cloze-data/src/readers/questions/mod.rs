//! Questions with the texts that answer them: SQuAD 1.1 and 2.0, CMRC 2018, and rows.
//!
//! - [`read_questions`]: a file → [`Questions`]; [`store_questions`]: the same as records
//! - [`is_question_file`]: whether a file is laid out as SQuAD's or CMRC's
//!
//! Answers are pieces of the context, given by their text and the character, from 0, at which it
//! starts; a question without answers cannot be answered from its context.

mod answers;
mod nested;
mod placed_json;
mod rows;
mod stream;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use cloze_core::InputError;

use super::{BadRows, ReadError, RowErrors, Value};
pub use stream::{StoredQuestions, store_questions};

/// A question about a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The question.
    pub question: String,
    /// The text that may answer it. The questions about one paragraph share it.
    pub context: Arc<str>,
    /// The article that the context belongs to, from 0; in a table every context is one.
    pub article: usize,
    /// Its answers, each of them right; none where the context does not answer it.
    pub answers: Vec<Answer>,
    /// What identifies it.
    pub id: Option<Value>,
    /// Line of the file where it begins, or row of a binary one, from 1.
    pub line: usize,
    /// Its number in the file, from 0; those that cannot be used count.
    pub number: usize,
}

/// A piece of a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text, which stands so in the context.
    pub text: String,
    /// The character of the context, from 0, at which it starts.
    pub start: usize,
}

impl Answer {
    /// The character behind its last one.
    pub fn end(&self) -> usize {
        self.start + self.text.chars().count()
    }
}

/// Questions of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Questions {
    /// Those that can be used, in the order of the file.
    pub questions: Vec<Question>,
    /// What is wrong with each of those that were left out, by line.
    pub skipped: Vec<InputError>,
    /// Answers that were given without a place and that their contexts hold more than once; the
    /// first is taken.
    pub repeated_answers: usize,
}

/// Whether answers are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answers {
    /// Every question has answers, or says that it has none.
    #[default]
    Required,
    /// Nobody looks at them.
    Ignored,
}

/// How [`read_questions`] reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuestionReadOptions {
    /// Whether answers are wanted.
    pub answers: Answers,
    /// What to do with questions that cannot be used.
    pub bad_rows: BadRows,
}

/// A question, or what is wrong with it.
type Row = Result<Question, InputError>;

/// Reads questions with their contexts and answers.
///
/// A JSON file may have SQuAD's layout, `{"data": [{"paragraphs": [{"context": …, "qas": [{"id": …,
/// "question": …, "answers": [{"text": …, "answer_start": …}], "is_impossible": …}]}]}]}`, which is
/// CMRC 2018's as well; or that in which CMRC 2018 was first published, `[{"context_text": …, "qas":
/// [{"query_id": …, "query_text": …, "answers": ["…"]}]}]`, whose answers are searched in the
/// context: the first place counts, as in its baseline. Every other file is a table (JSON lines, Parquet, …) with the columns
/// `question`, `context`, `answers` (`{"text": […], "answer_start": […]}` as on the Hub, or a list
/// as in SQuAD) and, if there is one, `id`.
///
/// A question cannot be used if it or its context is missing or empty; if an answer has no text
/// or does not stand in the context where it says; if there is nothing about answers; or if it has
/// answers and says that it has none.
///
/// # Errors
/// If the file cannot be read, is empty, or is of no known layout; and, unless they are skipped, if
/// there are questions that cannot be used ([`ReadError::Rows`] lists them all). If none is left,
/// that is an error in any case.
pub fn read_questions(path: &Path, options: &QuestionReadOptions) -> Result<Questions, ReadError> {
    let metadata = fs::metadata(path).map_err(|source| ReadError::io(path, source))?;
    if metadata.is_dir() {
        return Err(InputError::new(path, "a folder", "a data file").into());
    }
    let (rows, repeated_answers) = match is_question_file(path)? {
        true => nested::read(path, options.answers)?,
        false => (rows::read(path, options.answers)?, 0),
    };
    if rows.is_empty() {
        return Err(InputError::new(path, "no questions", "at least one question").into());
    }
    let total = rows.len();
    let (mut questions, mut skipped) = (Vec::with_capacity(total), Vec::new());
    for row in rows {
        match row {
            Ok(question) => questions.push(question),
            Err(error) => skipped.push(error),
        }
    }
    if !skipped.is_empty() && (options.bad_rows == BadRows::Stop || questions.is_empty()) {
        let errors = RowErrors {
            path: path.into(),
            rows: total,
            errors: skipped,
        };
        return Err(errors.into());
    }
    Ok(Questions {
        questions,
        skipped,
        repeated_answers,
    })
}

/// Where a file must have shown that its layout is SQuAD's or CMRC's, in bytes.
const HEAD: u64 = 1 << 16;

/// Whether a file is one JSON object with paragraphs, as SQuAD's, or a list of contexts, as CMRC 2018's
/// first one, rather than a table.
///
/// # Errors
/// If it cannot be read.
pub fn is_question_file(path: &Path) -> Result<bool, ReadError> {
    let extension = path.extension().unwrap_or_default();
    if !extension.eq_ignore_ascii_case("json") {
        return Ok(false);
    }
    let mut head = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(HEAD).read_to_end(&mut head))
        .map_err(|source| ReadError::io(path, source))?;
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head);
    let head = String::from_utf8_lossy(head);
    let has_key = |key: &str| {
        let mut behind = head.split(key).skip(1);
        behind.any(|behind| behind.trim_start().starts_with(':'))
    };
    Ok(match head.trim_start().chars().next() {
        Some('{') => has_key("\"paragraphs\""),
        Some('[') => has_key("\"context_text\"") && has_key("\"qas\""),
        _ => false,
    })
}
