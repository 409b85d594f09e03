//! What becomes of texts that are longer than the model reads.

use cloze_core::InputError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RunConfig;
use super::document::Document;

/// What becomes of texts that are longer than `data.max_length`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LongTextsConfig {
    /// They are cut.
    #[default]
    Cut,
    /// They are read in windows that overlap, whose logits are averaged.
    Windows,
}

impl LongTextsConfig {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A stride is that of windows.
pub(super) fn check(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    match (config.data.long_texts, config.data.stride) {
        (LongTextsConfig::Cut, Some(stride)) => Err(document.error(
            "data.stride",
            stride.to_string(),
            "`long_texts = \"windows\"` beside it: texts that are cut have no windows",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::task_checks::tests::parse;
    use super::*;

    #[test]
    fn windows_are_for_tasks_with_one_prediction_for_a_text() {
        for task in ["text-classification", "multi-label", "regression"] {
            let config = parse(task, "long_texts = \"windows\"\nstride = 32").unwrap();
            assert_eq!(config.data.long_texts, LongTextsConfig::Windows);
            assert_eq!(config.data.stride, Some(32));
        }
        for (task, line, expected) in [
            (
                "text-classification",
                "stride = 32",
                "line 7, field `data.stride`: found 32, wanted `long_texts = \"windows\"` beside it: texts that are cut have no windows",
            ),
            (
                "text-classification",
                "long_texts = \"window\"",
                "line 7, field `data.long_texts`: found \"window\", wanted \"cut\" or \"windows\"",
            ),
            (
                "token-classification",
                "long_texts = \"windows\"",
                "line 7, field `data.long_texts`: found `task = \"token-classification\"` beside it, wanted this key with the task text-classification, multi-label or regression alone",
            ),
            (
                "masked-lm",
                "stride = 3",
                "line 7, field `data.stride`: found `task = \"masked-lm\"` beside it, wanted this key with the task text-classification, multi-label or regression alone",
            ),
        ] {
            let message = parse(task, line).unwrap_err();
            assert_eq!(message, format!("run.toml, {expected}"), "{task} {line}");
        }
    }
}
