use cloze_core::{ConfigError, ConfigJson, InputError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::heads::{ClassificationHeadConfig, ContinuationConfig};

/// The key of `config.json` that holds [`ClozeSettings`]; `transformers` keeps it as it is.
const KEY: &str = "cloze";

/// What cloze itself has to know about a model that it trained, beyond what `transformers`
/// keeps in `config.json`. It is stored there, as the object `cloze`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClozeSettings {
    /// What the model was trained for: `text-classification`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Longest sequence in training, special tokens included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// Where longer texts are read in windows, whose scores are averaged: how many tokens a window
    /// repeats of the one before. Absent where they are cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<usize>,
    /// The classification head, where it is not the one that `transformers` gives the
    /// architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<ClassificationHeadConfig>,
    /// What a model that says which token comes next reads, and its head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continuation: Option<ContinuationConfig>,
}

impl ClozeSettings {
    /// Reads the settings out of a `config.json`; nothing if cloze did not write it.
    ///
    /// # Errors
    /// If the object is there but is none of cloze's.
    pub fn read(json: &ConfigJson) -> Result<Option<Self>, ConfigError> {
        let Some(value) = json.get(KEY) else {
            return Ok(None);
        };
        let settings = Self::deserialize(value).map_err(|error| {
            let wanted = format!("the settings that cloze writes ({error})");
            InputError::new(json.path(), value.to_string(), wanted).in_field(KEY)
        })?;
        Ok(Some(settings))
    }

    /// Stores the settings among the keys of a `config.json`.
    pub(crate) fn write(&self, json: &mut Map<String, Value>) -> Result<(), serde_json::Error> {
        json.insert(KEY.into(), serde_json::to_value(self)?);
        Ok(())
    }
}

/// What the scores of a classifier mean, in the words of `transformers`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemType {
    /// One label a text: softmax.
    #[default]
    SingleLabelClassification,
    /// Any number of labels a text: a sigmoid each.
    MultiLabelClassification,
    /// Numbers instead of labels.
    Regression,
}

impl ProblemType {
    const ALL: [Self; 3] = [
        Self::SingleLabelClassification,
        Self::MultiLabelClassification,
        Self::Regression,
    ];

    /// Its name in `config.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SingleLabelClassification => "single_label_classification",
            Self::MultiLabelClassification => "multi_label_classification",
            Self::Regression => "regression",
        }
    }

    /// What a `config.json` says, if it says anything.
    ///
    /// # Errors
    /// If it says something that `transformers` does not know.
    pub fn read(json: &ConfigJson) -> Result<Option<Self>, ConfigError> {
        if json.get("problem_type").is_none() {
            return Ok(None);
        }
        let name = json.text_or("problem_type", "")?;
        let known = Self::ALL.into_iter().find(|problem| problem.name() == name);
        known.map(Some).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|problem| problem.name()).collect();
            json.error("problem_type", format!("one of {}", names.join(", ")))
                .into()
        })
    }
}
