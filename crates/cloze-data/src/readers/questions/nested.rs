//! SQuAD's layout: articles with paragraphs with questions; and that in which CMRC 2018 was first
//! published: a list of contexts with questions, whose answers have no places.

use std::cell::Cell;
use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use cloze_core::InputError;

use super::answers::{Place, entry};
use super::placed_json::{Placed, parse, parse_list};
use super::{Answers, Question, Row};
use crate::readers::source::TextSource;
use crate::readers::{ReadError, Value};

/// What the keys of a layout are called.
struct Names {
    context: &'static str,
    question: &'static str,
    id: &'static str,
    /// Whether answers are texts, whose places have to be searched.
    searched: bool,
}

const SQUAD: Names = Names {
    context: "context",
    question: "question",
    id: "id",
    searched: false,
};

const CMRC: Names = Names {
    context: "context_text",
    question: "query_text",
    id: "query_id",
    searched: true,
};

/// The questions, and how many answers were searched in a context that holds them more than once.
pub(super) fn read(path: &Path, answers: Answers) -> Result<(Vec<Row>, usize), ReadError> {
    let source = TextSource::open(path)?;
    let text = source.text(source.body(), 0, &source.lines())?;
    let json = parse(text).map_err(|error| {
        let message = error.to_string();
        let reason = message.split(" at line ").next().unwrap_or_default();
        let found = format!("broken JSON ({reason} at column {})", error.column());
        InputError::new(path, found, "one JSON object").at_line(error.line())
    })?;
    let mut reader = Reader::new(path, answers);
    match json {
        Placed::Object(line, mut file) => {
            for article in reader.list(&mut file, "data", "data", line)? {
                reader.article(article, line)?;
            }
        }
        Placed::List(contexts) => {
            reader.names = CMRC;
            for (index, context) in contexts.into_iter().enumerate() {
                reader.paragraph(context, &format!("[{index}]"), 1)?;
                reader.articles += 1;
            }
        }
        other => {
            let wanted = "an object with `data`, or a list of contexts";
            return Err(InputError::new(path, other.describe(), wanted).into());
        }
    }
    Ok((reader.rows, reader.repeated.get()))
}

/// Hands the questions of a file of SQuAD's layout on, an article at a time. `None` where the file is not
/// so: what it is, or what is wrong with it, is then found by reading the whole of it.
pub(super) fn for_each<E>(
    path: &Path,
    answers: Answers,
    mut take: impl FnMut(Row) -> Result<(), E>,
) -> Result<Option<()>, E> {
    let Ok(file) = File::open(path) else {
        return Ok(None);
    };
    let mut reader = Reader::new(path, answers);
    let mut failed = None;
    let parsed = parse_list(BufReader::new(file), "data", |article, line| {
        let rows = match reader.article(article, line) {
            Ok(()) => reader.take_rows(),
            Err(_) => return ControlFlow::Break(()),
        };
        match rows.into_iter().try_for_each(&mut take) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(parsed.ok()),
    }
}

struct Reader<'a> {
    path: &'a Path,
    answers: Answers,
    /// How many were read.
    articles: usize,
    /// Questions of earlier articles that were taken away.
    taken: usize,
    rows: Vec<Row>,
    names: Names,
    /// Answers that were searched, and that their contexts hold more than once.
    repeated: Cell<usize>,
}

type Entries = Vec<(String, Placed)>;

impl<'a> Reader<'a> {
    fn new(path: &'a Path, answers: Answers) -> Self {
        Self {
            path,
            answers,
            articles: 0,
            taken: 0,
            rows: Vec::new(),
            names: SQUAD,
            repeated: Cell::new(0),
        }
    }

    fn take_rows(&mut self) -> Vec<Row> {
        self.taken += self.rows.len();
        std::mem::take(&mut self.rows)
    }

    /// Adds the questions of the next article; `line` is that of the file's object.
    fn article(&mut self, article: Placed, line: usize) -> Result<(), InputError> {
        let path = format!("data[{}]", self.articles);
        let (line, mut article) = self.object(article, &path, line)?;
        let name = format!("{path}.paragraphs");
        let paragraphs = self.list(&mut article, "paragraphs", &name, line)?;
        for (index, paragraph) in paragraphs.into_iter().enumerate() {
            self.paragraph(paragraph, &format!("{name}[{index}]"), line)?;
        }
        self.articles += 1;
        Ok(())
    }

    fn error(&self, line: usize, field: &str, found: String, wanted: &str) -> InputError {
        let error = InputError::new(self.path, found, wanted).at_line(line);
        error.in_field(field)
    }

    /// An object with its own line.
    fn object(
        &self,
        value: Placed,
        field: &str,
        line: usize,
    ) -> Result<(usize, Entries), InputError> {
        match value {
            Placed::Object(line, entries) => Ok((line, entries)),
            other => Err(self.error(line, field, other.describe(), "an object `{…}`")),
        }
    }

    /// Takes a list out of an object.
    fn list(
        &self,
        entries: &mut Entries,
        key: &str,
        field: &str,
        line: usize,
    ) -> Result<Vec<Placed>, InputError> {
        match take(entries, key) {
            Some(Placed::List(values)) => Ok(values),
            other => {
                let found = other.map_or("nothing".into(), |value| value.describe());
                Err(self.error(line, field, found, "a list `[…]`"))
            }
        }
    }

    /// Adds the questions of a paragraph. What is wrong with its context is wrong with them all.
    fn paragraph(&mut self, value: Placed, field: &str, line: usize) -> Result<(), InputError> {
        let (line, mut paragraph) = self.object(value, field, line)?;
        let questions = self.list(&mut paragraph, "qas", &format!("{field}.qas"), line)?;
        let context = take(&mut paragraph, self.names.context).map(Placed::value);
        let error =
            |found: String, wanted: String| InputError::new(self.path, found, wanted).at_line(line);
        let place = Place {
            error: &error,
            path: &format!("{field}."),
        };
        let context: Result<Arc<str>, InputError> = place
            .text(self.names.context, context.as_ref())
            .map(Into::into);
        for (index, question) in questions.into_iter().enumerate() {
            let field = format!("{field}.qas[{index}]");
            let row = match self.object(question, &field, line) {
                Ok((line, entries)) => context
                    .clone()
                    .and_then(|context| self.question(entries, context, &field, line)),
                Err(error) => Err(error),
            };
            self.rows.push(row);
        }
        Ok(())
    }

    fn question(&self, entries: Entries, context: Arc<str>, field: &str, line: usize) -> Row {
        let entries: Vec<(String, Value)> = entries
            .into_iter()
            .map(|(name, value)| (name, value.value()))
            .collect();
        let error =
            |found: String, wanted: String| InputError::new(self.path, found, wanted).at_line(line);
        let place = Place {
            error: &error,
            path: &format!("{field}."),
        };
        let value = |name: &str| entry(&entries, name);
        let answers = match self.answers {
            Answers::Required if self.names.searched => {
                let (answers, repeated) = place.searched_answers(&context, value("answers"))?;
                self.repeated.set(self.repeated.get() + repeated);
                answers
            }
            Answers::Required => {
                place.answers(&context, value("answers"), value("is_impossible"))?
            }
            Answers::Ignored => Vec::new(),
        };
        Ok(Question {
            question: place.text(self.names.question, value(self.names.question))?,
            answers,
            context,
            article: self.articles,
            id: value(self.names.id)
                .filter(|id| **id != Value::Null)
                .cloned(),
            line,
            number: self.taken + self.rows.len(),
        })
    }
}

/// Takes the value of a name out of an object.
fn take(entries: &mut Entries, name: &str) -> Option<Placed> {
    let place = entries.iter().position(|(other, _)| other == name)?;
    Some(entries.swap_remove(place).1)
}
