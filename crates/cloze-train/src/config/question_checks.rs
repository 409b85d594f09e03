//! Keys of `[questions]` that exclude or need each other.

use cloze_core::InputError;

use super::document::Document;
use super::metric_checks::check_tuned;
use super::{NullThresholdConfig, QuestionsConfig, RunConfig};

pub(super) fn check(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    let questions = &config.questions;
    let is_tuned = matches!(questions.null_threshold, NullThresholdConfig::Named(_));
    if questions.unanswerable == Some(false) {
        let is_given = questions.null_threshold != QuestionsConfig::default().null_threshold;
        if is_given {
            return Err(document.error(
                "questions.null_threshold",
                "`unanswerable = false` beside it",
                "this key for a model that may say that there is no answer",
            ));
        }
    }
    check_tuned("questions.null_threshold", is_tuned, config, document)
}

#[cfg(test)]
mod tests {
    use super::super::task_checks::tests::parse;
    use super::super::{BestMetric, NamedThreshold};
    use super::*;

    #[test]
    fn keys_of_questions_are_for_question_answering_alone() {
        let asked = |line| parse("question-answering", line);
        let config = asked("[questions]\ndoc_stride = 64\nmetric = \"cmrc\"").unwrap();
        assert_eq!(config.questions.doc_stride, Some(64));
        assert_eq!(config.best(), BestMetric::F1);
        let tuned = asked("split = { validation = 0.1 }\n[questions]\nnull_threshold = \"tuned\"");
        let tuned = tuned.unwrap().questions.null_threshold;
        assert_eq!(tuned, NullThresholdConfig::Named(NamedThreshold::Tuned));
        for (line, expected) in [
            (
                "[questions]\nnull_threshold = \"tuned\"",
                "line 8, field `questions.null_threshold`: found \"tuned\" without validation rows, wanted `data.validation` or `data.split.validation` beside it, or a number",
            ),
            (
                "[questions]\nunanswerable = false\nnull_threshold = 1.5",
                "line 9, field `questions.null_threshold`: found `unanswerable = false` beside it, wanted this key for a model that may say that there is no answer",
            ),
            (
                "[questions]\nmetric = \"bleu\"",
                "line 8, field `questions.metric`: found \"bleu\", wanted \"squad\" or \"cmrc\"",
            ),
            (
                "[questions]\nn_best = 0",
                "line 8, field `questions.n_best`: found 0, wanted a whole number, 1 or more",
            ),
            (
                "text = \"review\"",
                "line 7, field `data.text`: found `task = \"question-answering\"` beside it, wanted this key with the task text-classification, multi-label, regression, token-classification, masked-lm, pretraining or continuation alone",
            ),
            (
                "[train]\nbest = \"accuracy\"",
                "line 8, field `train.best`: found \"accuracy\", wanted a metric of question-answering: f1, exact_match, loss",
            ),
        ] {
            assert_eq!(
                asked(line).unwrap_err(),
                format!("run.toml, {expected}"),
                "{line}"
            );
        }
        let message = parse("token-classification", "[questions]\nn_best = 3").unwrap_err();
        assert!(
            message.ends_with("wanted this key with the task question-answering alone"),
            "{message}"
        );
    }
}
