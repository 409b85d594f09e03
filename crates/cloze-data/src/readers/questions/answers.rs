//! Answers, and whether they stand where they say.

use cloze_core::InputError;

use super::Answer;
use crate::readers::{Value, quote};

/// Where something is: an error about it names file, line and field.
pub(super) struct Place<'a> {
    /// An error about the whole row.
    pub(super) error: &'a dyn Fn(String, String) -> InputError,
    /// What leads to the row's keys: `data[0].paragraphs[1].qas[2].`, or nothing.
    pub(super) path: &'a str,
}

impl Place<'_> {
    /// An error about a key of the row.
    pub(super) fn error(
        &self,
        key: &str,
        found: impl Into<String>,
        wanted: impl Into<String>,
    ) -> InputError {
        let error = (self.error)(found.into(), wanted.into());
        error.in_field(format!("{}{key}", self.path))
    }

    /// A text with something in it.
    pub(super) fn text(&self, key: &str, value: Option<&Value>) -> Result<String, InputError> {
        match value {
            Some(Value::Text(text)) if !text.trim().is_empty() => Ok(text.clone()),
            Some(Value::Text(_)) => Err(self.error(key, "an empty text", "a text")),
            Some(other) => Err(self.error(key, other.describe(), "a text")),
            None => Err(self.error(key, "nothing", "a text")),
        }
    }

    /// The answers of a question: what stands under `answers` and `is_impossible`.
    pub(super) fn answers(
        &self,
        context: &str,
        answers: Option<&Value>,
        is_impossible: Option<&Value>,
    ) -> Result<Vec<Answer>, InputError> {
        let is_impossible = match is_impossible {
            None | Some(Value::Null) => None,
            Some(Value::Bool(flag)) => Some(*flag),
            Some(other) => {
                return Err(self.error("is_impossible", other.describe(), "true or false"));
            }
        };
        let answers = match answers {
            None | Some(Value::Null) if is_impossible == Some(true) => Vec::new(),
            None | Some(Value::Null) => {
                let wanted = "a list of answers, empty where there is none";
                return Err(self.error("answers", "nothing", wanted));
            }
            Some(value) => self.list(context, value)?,
        };
        match (is_impossible, answers.len()) {
            (Some(true), 1..) => {
                let found = format!("{} beside `is_impossible: true`", counted(answers.len()));
                Err(self.error("answers", found, "none"))
            }
            (Some(false), 0) => {
                let found = "none beside `is_impossible: false`";
                Err(self.error("answers", found, "at least one"))
            }
            _ => Ok(answers),
        }
    }

    /// The answers of a question that are given by their texts alone, each where the context first
    /// holds it; and how many of these the context holds again.
    pub(super) fn searched_answers(
        &self,
        context: &str,
        answers: Option<&Value>,
    ) -> Result<(Vec<Answer>, usize), InputError> {
        let Some(Value::List(texts)) = answers else {
            let found = answers.map_or("nothing".into(), Value::describe);
            return Err(self.error("answers", found, "a list of texts"));
        };
        let mut repeated = 0;
        let answer = |(index, text): (usize, &Value)| {
            let key = format!("answers[{index}]");
            let text = self.text(&key, Some(text))?;
            let Some(byte) = context.find(&text) else {
                let wanted = "a text that the context holds";
                return Err(self.error(&key, quote(&text), wanted));
            };
            repeated += usize::from(context.rfind(&text) != Some(byte));
            let start = context[..byte].chars().count();
            Ok(Answer { text, start })
        };
        let answers = texts.iter().enumerate().map(answer);
        let answers: Vec<Answer> = answers.collect::<Result<_, _>>()?;
        match answers.len() {
            0 => Err(self.error("answers", "none", "at least one")),
            _ => Ok((answers, repeated)),
        }
    }

    /// A list of objects as in SQuAD, or an object of lists as on the Hub.
    fn list(&self, context: &str, value: &Value) -> Result<Vec<Answer>, InputError> {
        match value {
            Value::List(answers) => {
                let answer = |(index, answer): (usize, &Value)| {
                    let key = format!("answers[{index}]");
                    let Value::Object(entries) = answer else {
                        let wanted = "an object with `text` and `answer_start`";
                        return Err(self.error(&key, answer.describe(), wanted));
                    };
                    let at = |name: &str| (format!("{key}.{name}"), entry(entries, name));
                    self.answer(context, at("text"), at("answer_start"))
                };
                answers.iter().enumerate().map(answer).collect()
            }
            Value::Object(entries) => {
                let list = |name: &str| match entry(entries, name) {
                    Some(Value::List(values)) => Ok(values),
                    other => {
                        let found = other.map_or("nothing".into(), Value::describe);
                        Err(self.error(&format!("answers.{name}"), found, "a list"))
                    }
                };
                let (texts, starts) = (list("text")?, list("answer_start")?);
                if texts.len() != starts.len() {
                    let found = format!("{} starts of {} texts", starts.len(), texts.len());
                    return Err(self.error("answers.answer_start", found, "one for each text"));
                }
                let pairs = texts.iter().zip(starts).enumerate();
                pairs
                    .map(|(index, (text, start))| {
                        let key = |name: &str| format!("answers.{name}[{index}]");
                        let text = (key("text"), Some(text));
                        self.answer(context, text, (key("answer_start"), Some(start)))
                    })
                    .collect()
            }
            other => Err(self.error("answers", other.describe(), "a list of answers")),
        }
    }

    fn answer(
        &self,
        context: &str,
        (text_key, text): (String, Option<&Value>),
        (start_key, start): (String, Option<&Value>),
    ) -> Result<Answer, InputError> {
        let text = self.text(&text_key, text)?;
        let wanted = "the number of a character, from 0";
        let start = match start {
            Some(Value::Integer(start)) => usize::try_from(*start)
                .map_err(|_| self.error(&start_key, start.to_string(), wanted))?,
            other => {
                let found = other.map_or("nothing".into(), Value::describe);
                return Err(self.error(&start_key, found, wanted));
            }
        };
        if from_character(context, start).is_some_and(|rest| rest.starts_with(&text)) {
            return Ok(Answer { text, start });
        }
        let length = text.chars().count();
        let found = match from_character(context, start).filter(|rest| !rest.is_empty()) {
            Some(rest) => {
                let there: String = rest.chars().take(length).collect();
                format!("{start}, where the context has {}", quote(&there))
            }
            None => {
                let characters = context.chars().count();
                format!("{start} in a context of {characters} characters")
            }
        };
        let mut wanted = format!("where {} starts", quote(&text));
        match context.find(&text) {
            Some(byte) => {
                let place = context[..byte].chars().count();
                wanted.push_str(&format!(", as at {place}"));
            }
            None => wanted.push_str(", which the context does not hold"),
        }
        Err(self.error(&start_key, found, wanted))
    }
}

/// The value of a name in an object.
pub(super) fn entry<'a>(entries: &'a [(String, Value)], name: &str) -> Option<&'a Value> {
    let found = entries.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| value)
}

/// What a text holds from a character on; `None` behind its end.
fn from_character(text: &str, start: usize) -> Option<&str> {
    let mut starts = text.char_indices().map(|(byte, _)| byte);
    match starts.nth(start) {
        Some(byte) => Some(&text[byte..]),
        None if text.chars().count() == start => Some(""),
        None => None,
    }
}

fn counted(answers: usize) -> String {
    match answers {
        1 => "1 answer".into(),
        more => format!("{more} answers"),
    }
}
