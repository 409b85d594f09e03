//! The keys of `[questions]`.

use cloze_tasks::metrics::AnswerMetric;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NamedThreshold;

/// Question answering: windows, and what can be an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QuestionsConfig {
    /// Tokens of the context that a window repeats of the one before, as `doc_stride` in
    /// `transformers`; a third of `data.max_length` where this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc_stride: Option<usize>,
    /// The most tokens of a question, longer ones are cut; a quarter of `data.max_length` and 64 at
    /// most where this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_question_length: Option<usize>,
    /// The most tokens of an answer.
    #[schemars(range(min = 1))]
    pub max_answer_length: usize,
    /// Starts and ends of a window that are put together, and spans that are kept of a question.
    #[schemars(range(min = 1))]
    pub n_best: usize,
    /// Whether the model may say that there is no answer; where this is absent, if the training
    /// file has questions without one, or `null_threshold` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unanswerable: Option<bool>,
    /// No answer is given where its score is greater than that of the best span by more than this:
    /// a number, or `tuned`, the one with the best F1 on the validation rows.
    pub null_threshold: NullThresholdConfig,
    /// How answers are compared with the right ones: `squad`, by words, or `cmrc`, by Chinese
    /// characters.
    pub metric: AnswerMetricConfig,
}

impl Default for QuestionsConfig {
    fn default() -> Self {
        let usual = cloze_tasks::AnswerSettings::default();
        Self {
            doc_stride: None,
            max_question_length: None,
            max_answer_length: usual.max_answer_length,
            n_best: usual.n_best,
            unanswerable: None,
            null_threshold: NullThresholdConfig::Number(usual.null_threshold),
            metric: AnswerMetricConfig::default(),
        }
    }
}

/// From which difference of scores on no answer is given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum NullThresholdConfig {
    /// This one.
    Number(f64),
    /// One that is found.
    Named(NamedThreshold),
}

/// How answers are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerMetricConfig {
    /// As the evaluation script of SQuAD.
    #[default]
    Squad,
    /// As that of CMRC 2018.
    Cmrc,
}

impl From<AnswerMetricConfig> for AnswerMetric {
    fn from(config: AnswerMetricConfig) -> Self {
        match config {
            AnswerMetricConfig::Squad => Self::Squad,
            AnswerMetricConfig::Cmrc => Self::Cmrc,
        }
    }
}
