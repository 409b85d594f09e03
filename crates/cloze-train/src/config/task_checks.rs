//! Keys that belong to other tasks than the run's.

use cloze_core::InputError;

use super::document::Document;
use super::metric_checks::{check_metric, check_tuned};
use super::schema::{default_coverage, default_separator};
use super::{
    ContinuationTableConfig, LongTextsConfig, LossConfig, MaskingConfig, MultiLabelConfig,
    NamedThreshold, QuestionsConfig, RunConfig, SentencesConfig, TagsConfig, TaskKind,
    ThresholdConfig,
};
use super::{masking_checks, question_checks, schema_long_texts};

pub(super) fn check(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    let one = config.task == TaskKind::TextClassification;
    let several = config.task == TaskKind::MultiLabel;
    let texts = one || several || config.task == TaskKind::Regression;
    let tags = config.task == TaskKind::TokenClassification;
    let masked = matches!(config.task, TaskKind::MaskedLm | TaskKind::Pretraining);
    let continuation = config.task == TaskKind::Continuation;
    let corpus = masked || continuation;
    let pretraining = config.task == TaskKind::Pretraining;
    let questions = config.task == TaskKind::QuestionAnswering;
    let data = &config.data;
    let loss = &config.loss;
    for (key, is_given, fits, tasks) in [
        ("head", config.head.is_some(), texts, TEXTS),
        (
            "loss",
            *loss != LossConfig::default(),
            one || several || tags || (corpus && !pretraining),
            WITH_LOSSES,
        ),
        (
            "loss.class_weights",
            loss.class_weights.is_some(),
            one || tags,
            "text-classification or token-classification",
        ),
        (
            "loss.label_smoothing",
            loss.label_smoothing != 0.0,
            one || tags || (corpus && !pretraining),
            "text-classification, token-classification, masked-lm or continuation",
        ),
        (
            "loss.positive_weights",
            loss.positive_weights.is_some(),
            several,
            MULTI_LABEL,
        ),
        ("data.text", data.text.is_some(), !questions, WITH_COLUMNS),
        (
            "data.label",
            data.label.is_some(),
            !corpus && !questions,
            LABELLED,
        ),
        (
            "data.label_columns",
            data.label_columns.is_some(),
            several,
            MULTI_LABEL,
        ),
        (
            "data.label_separator",
            data.label_separator != default_separator(),
            several,
            MULTI_LABEL,
        ),
        (
            "multi_label",
            config.multi_label != MultiLabelConfig::default(),
            several,
            MULTI_LABEL,
        ),
        ("data.text_pair", data.text_pair.is_some(), texts, TEXTS),
        (
            "data.long_texts",
            data.long_texts != LongTextsConfig::default(),
            texts,
            TEXTS,
        ),
        ("data.stride", data.stride.is_some(), texts, TEXTS),
        (
            "data.id",
            data.id.is_some(),
            !corpus && !questions,
            LABELLED,
        ),
        (
            "data.coverage",
            data.coverage != default_coverage(),
            !corpus,
            REPORTED,
        ),
        (
            "tags",
            config.tags != TagsConfig::default(),
            tags,
            "token-classification",
        ),
        (
            "questions",
            config.questions != QuestionsConfig::default(),
            questions,
            "question-answering",
        ),
        (
            "masking",
            config.masking != MaskingConfig::default(),
            masked,
            MASKED,
        ),
        (
            "data.limit",
            data.limit != Default::default(),
            corpus,
            CORPORA,
        ),
        (
            "data.chunk_size",
            data.chunk_size.is_some(),
            masked && !pretraining,
            "masked-lm",
        ),
        (
            "data.line_by_line",
            data.line_by_line,
            masked && !pretraining,
            "masked-lm",
        ),
        (
            "data.max_length",
            data.max_length.is_some(),
            !continuation,
            WITH_MAX_LENGTH,
        ),
        (
            "continuation",
            config.continuation != ContinuationTableConfig::default(),
            continuation,
            "continuation",
        ),
        (
            "sentences",
            config.sentences != SentencesConfig::default(),
            pretraining,
            "pretraining",
        ),
    ] {
        if is_given && !fits {
            return Err(document.error(
                key,
                format!("`task = \"{}\"` beside it", config.task.name()),
                format!("this key with the task {tasks} alone"),
            ));
        }
    }
    schema_long_texts::check(config, document)?;
    check_metric("train.best", config.train.best, config, document)?;
    let files = data.train.as_slice().len();
    if files != 1 && (!corpus || files == 0) {
        let wanted = match corpus {
            true => "one file or several",
            false => "one file: several are for the task masked-lm, pretraining or continuation",
        };
        return Err(document.error("data.train", format!("{files} files"), wanted));
    }
    if masked {
        masking_checks::check(config, document)?;
    }
    if several {
        check_labels(config, document)?;
    }
    if questions {
        question_checks::check(config, document)?;
    }
    Ok(())
}

const TEXTS: &str = "text-classification, multi-label or regression";
const LABELLED: &str = "text-classification, multi-label, regression or token-classification";
const REPORTED: &str =
    "text-classification, multi-label, regression, token-classification or question-answering";
const WITH_COLUMNS: &str = "text-classification, multi-label, regression, token-classification, \
                            masked-lm, pretraining or continuation";
const WITH_MAX_LENGTH: &str = "text-classification, multi-label, regression, token-classification, \
                               question-answering, masked-lm or pretraining";
const CORPORA: &str = "masked-lm, pretraining or continuation";
const WITH_LOSSES: &str =
    "text-classification, multi-label, token-classification, masked-lm or continuation";
const MULTI_LABEL: &str = "multi-label";
const MASKED: &str = "masked-lm or pretraining";

fn check_labels(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    let data = &config.data;
    if data.label_separator.is_empty() {
        return Err(document.error(
            "data.label_separator",
            "an empty text",
            "what stands between two labels",
        ));
    }
    if let Some(columns) = &data.label_columns {
        let error = |found: String, wanted| document.error("data.label_columns", found, wanted);
        if columns.is_empty() {
            return Err(error("an empty list".into(), "a column for each label"));
        }
        if data.label.is_some() {
            return Err(error(
                "`label` beside it".into(),
                "one column with all labels, or a column for each",
            ));
        }
    }
    let tuned = ThresholdConfig::Named(NamedThreshold::Tuned);
    let is_tuned = config.multi_label.threshold == tuned;
    check_tuned("multi_label.threshold", is_tuned, config, document)
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::super::{BestMetric, TagSchemeConfig};
    use super::*;

    /// A configuration of this task with one more line, the 7th, in its last table.
    pub(crate) fn parse(task: &str, line: &str) -> Result<RunConfig, String> {
        let text = format!(
            "task = \"{task}\"\noutput = \"runs/x\"\n[model]\npath = \"m\"\n[data]\n\
             train = \"t.csv\"\n{line}\n"
        );
        RunConfig::parse(Path::new("run.toml"), &text, &[]).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_of_several_labels_belong_to_their_task() {
        let several = |line| parse("multi-label", line);
        let config = several("label_separator = \";\"\n[multi_label]\nthreshold = 0.25").unwrap();
        assert_eq!(config.best(), BestMetric::MicroF1);
        assert_eq!(config.multi_label.threshold, ThresholdConfig::Same(0.25));
        let columns = several("label_columns = [\"a\"]\n[multi_label.threshold]\na = 0.1").unwrap();
        assert_eq!(columns.data.label_columns, Some(vec!["a".into()]));
        for (line, expected) in [
            (
                "[multi_label]\nthreshold = \"tuned\"",
                "line 8, field `multi_label.threshold`: found \"tuned\" without validation rows, wanted `data.validation` or `data.split.validation` beside it, or a number",
            ),
            (
                "[multi_label]\nthreshold = 1.5",
                "line 8, field `multi_label.threshold`: found 1.5, wanted a number from 0 to 1",
            ),
            (
                "label_columns = []",
                "line 7, field `data.label_columns`: found an empty list, wanted a column for each label",
            ),
            (
                "label_separator = \"\"",
                "line 7, field `data.label_separator`: found an empty text, wanted what stands between two labels",
            ),
            (
                "[loss]\nlabel_smoothing = 0.1",
                "line 8, field `loss.label_smoothing`: found `task = \"multi-label\"` beside it, wanted this key with the task text-classification, token-classification, masked-lm or continuation alone",
            ),
        ] {
            assert_eq!(
                several(line).unwrap_err(),
                format!("run.toml, {expected}"),
                "{line}"
            );
        }
        for (line, key) in [
            ("label_separator = \";\"", "data.label_separator"),
            ("[multi_label]\nthreshold = 0.25", "multi_label"),
            (
                "[loss]\npositive_weights = \"balanced\"",
                "loss.positive_weights",
            ),
        ] {
            let message = parse("text-classification", line).unwrap_err();
            assert!(
                message.contains(&format!("field `{key}`: found `task = ")),
                "{message}"
            );
        }
    }

    #[test]
    fn keys_of_tags_are_for_token_classification_alone() {
        let tagged = |line| parse("token-classification", line);
        let config = tagged(
            "label = \"-1\"\n[tags]\nscheme = \"iob1\"\nconvert = \"bioes\"\nsub_words = \"first\"",
        )
        .unwrap();
        assert_eq!(config.tags.convert, Some(TagSchemeConfig::Bioes));
        assert_eq!(config.best(), BestMetric::F1);
        for (line, expected) in [
            (
                "[tags]\nschema = \"bio\"",
                "line 8, field `tags.schema`: found an unknown key, wanted `scheme`, the nearest known key",
            ),
            (
                "[tags]\nscheme = \"bilou\"",
                "line 8, field `tags.scheme`: found \"bilou\", wanted one of \"bio\", \"iob1\", \"bioes\", \"io\", \"plain\"",
            ),
            (
                "[train]\nbest = \"micro_f1\"",
                "line 8, field `train.best`: found \"micro_f1\", wanted a metric of token-classification: f1, strict_f1, accuracy, macro_f1, weighted_f1, loss",
            ),
            (
                "text_pair = \"b\"",
                "line 7, field `data.text_pair`: found `task = \"token-classification\"` beside it, wanted this key with the task text-classification, multi-label or regression alone",
            ),
        ] {
            assert_eq!(
                tagged(line).unwrap_err(),
                format!("run.toml, {expected}"),
                "{line}"
            );
        }
        for task in ["text-classification", "multi-label", "regression"] {
            let message = parse(task, "[tags]\noverlap = 8").unwrap_err();
            assert_eq!(
                message,
                format!(
                    "run.toml, line 7, field `tags`: found `task = \"{task}\"` beside it, wanted this \
                     key with the task token-classification alone"
                )
            );
        }
    }

    #[test]
    fn every_task_has_metrics_of_its_own() {
        for (task, best, fits) in [
            ("multi-label", "mean_average_precision", true),
            ("multi-label", "accuracy", false),
            ("regression", "pearson", true),
            ("regression", "macro_f1", false),
            ("text-classification", "subset_accuracy", false),
        ] {
            let config = parse(task, &format!("[train]\nbest = \"{best}\""));
            assert_eq!(config.is_ok(), fits, "{task} {best}");
        }
    }
}
