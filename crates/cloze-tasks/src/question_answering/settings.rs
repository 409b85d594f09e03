use std::io::{self, Write};
use std::path::Path;

use cloze_core::{InputError, output};
use serde::{Deserialize, Serialize};

use crate::TaskError;
use crate::metrics::AnswerMetric;

/// The file that holds these settings, beside the weights of a model. `transformers` does not look at
/// it.
pub const FILE: &str = "question_answering.json";

/// How answers are found and compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnswerSettings {
    /// How many tokens of the context a window repeats of the one before; a third of a window
    /// where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc_stride: Option<usize>,
    /// The most tokens of a question; a quarter of a window and 64 at most where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_question_length: Option<usize>,
    /// The most tokens of an answer.
    pub max_answer_length: usize,
    /// How many spans of a question are looked at.
    pub n_best: usize,
    /// Whether a question may have no answer.
    pub unanswerable: bool,
    /// No answer is given where its score is greater than that of the best span by more than this.
    pub null_threshold: f64,
    /// How answers are compared.
    pub metric: AnswerMetric,
}

impl Default for AnswerSettings {
    fn default() -> Self {
        Self {
            doc_stride: None,
            max_question_length: None,
            max_answer_length: 30,
            n_best: 20,
            unanswerable: false,
            null_threshold: 0.0,
            metric: AnswerMetric::default(),
        }
    }
}

impl AnswerSettings {
    /// Those of a model's folder; `None` where none were saved, as in one of `transformers`.
    ///
    /// # Errors
    /// If the file cannot be read, or does not hold such settings.
    pub fn read(folder: &Path) -> Result<Option<Self>, TaskError> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(TaskError::Read { path, source }),
        };
        let settings: Self = serde_json::from_str(&text).map_err(|error| {
            let wanted = "an object with settings of question answering";
            InputError::new(&path, format!("no such object ({error})"), wanted)
        })?;
        for (name, value) in [
            ("max_answer_length", settings.max_answer_length),
            ("n_best", settings.n_best),
        ] {
            if value == 0 {
                let error = InputError::new(&path, "0", "a number from 1 up").in_field(name);
                return Err(error.into());
            }
        }
        Ok(Some(settings))
    }

    /// Writes them into a model's folder.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), TaskError> {
        let path = folder.join(FILE);
        output::write_file(&path, |out: &mut dyn Write| {
            serde_json::to_writer_pretty(&mut *out, self)?;
            out.write_all(b"\n")
        })
        .map_err(|source| TaskError::Write { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(AnswerSettings::read(folder.path()).unwrap(), None);
        let settings = AnswerSettings {
            doc_stride: Some(12),
            unanswerable: true,
            null_threshold: -1.25,
            metric: AnswerMetric::Cmrc,
            ..AnswerSettings::default()
        };
        settings.write(folder.path()).unwrap();
        assert_eq!(AnswerSettings::read(folder.path()).unwrap(), Some(settings));
    }

    #[test]
    fn a_file_with_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for (content, expected) in [
            (
                "{\"n_best\": 0}",
                "field `n_best`: found 0, wanted a number from 1 up",
            ),
            (
                "{\"nbest\": 3}",
                "found no such object (unknown field `nbest`",
            ),
        ] {
            std::fs::write(folder.path().join(FILE), content).unwrap();
            let message = AnswerSettings::read(folder.path()).unwrap_err().to_string();
            assert!(
                message.contains(FILE) && message.contains(expected),
                "{message}"
            );
        }
    }
}
