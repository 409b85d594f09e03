use std::path::Path;

use cloze_model::ModelClass;
use cloze_model::checkpoint::{Checkpoint, ProblemType};
use cloze_tasks::{
    continuation, masked_lm, multi_label, question_answering, regression, token_classification,
};

use crate::InferError;

/// What a saved model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelTask {
    /// One label for a text; also what cannot be told from `config.json`.
    TextClassification,
    /// Any number of labels for a text.
    MultiLabel,
    /// A number for a text.
    Regression,
    /// A label for every word.
    TokenClassification,
    /// The piece of a text that answers a question.
    QuestionAnswering,
    /// Masked words.
    MaskedLm,
    /// Masked words and next sentences.
    Pretraining,
    /// The token that comes next.
    Continuation,
}

/// The task that cloze has written into `config.json`; nothing where `transformers`, which keeps what
/// it does not know, has trained the model for something else since.
pub fn written_task(checkpoint: &Checkpoint) -> Option<&str> {
    let name = checkpoint.cloze_settings()?.task.as_deref()?;
    let task = ModelTask::of_name(name);
    let class = checkpoint.class();
    let is_true = match ModelTask::of_class(class, checkpoint) {
        // A head for masked words may have learnt to say what comes next.
        Some(ModelTask::MaskedLm) if task == ModelTask::Continuation => {
            checkpoint.continuation().is_some()
        }
        Some(by_class) => by_class == task,
        None => !class.ends_with("ForSequenceClassification") || task.is_of_whole_texts(),
    };
    is_true.then_some(name)
}

impl ModelTask {
    /// The task that cloze has written into `config.json`, otherwise what follows from the class
    /// of `transformers` and the problem type that stand there. A head with one output and no problem
    /// type is for regression, as in `transformers`.
    ///
    /// # Errors
    /// If the folder is no checkpoint.
    pub fn of(folder: &Path) -> Result<Self, InferError> {
        let checkpoint = Checkpoint::open(folder)?;
        if let Some(name) = written_task(&checkpoint) {
            return Ok(Self::of_name(name));
        }
        if let Some(task) = Self::of_class(checkpoint.class(), &checkpoint) {
            return Ok(task);
        }
        Ok(match checkpoint.problem_type_or_usual()? {
            ProblemType::SingleLabelClassification => Self::TextClassification,
            ProblemType::MultiLabelClassification => Self::MultiLabel,
            ProblemType::Regression => Self::Regression,
        })
    }

    /// The task that cloze writes under this name.
    fn of_name(name: &str) -> Self {
        match name {
            multi_label::NAME => Self::MultiLabel,
            regression::NAME => Self::Regression,
            token_classification::NAME => Self::TokenClassification,
            question_answering::NAME => Self::QuestionAnswering,
            masked_lm::NAME => Self::MaskedLm,
            masked_lm::PRETRAINING => Self::Pretraining,
            continuation::NAME => Self::Continuation,
            _ => Self::TextClassification,
        }
    }

    /// The one task of a class of `transformers`; none of a class that has several.
    fn of_class(class: &str, checkpoint: &Checkpoint) -> Option<Self> {
        if class.ends_with("ForTokenClassification") {
            return Some(Self::TokenClassification);
        }
        if class.ends_with("ForQuestionAnswering") {
            return Some(Self::QuestionAnswering);
        }
        if class.ends_with("ForMaskedLM") {
            return Some(Self::MaskedLm);
        }
        // `ElectraForPreTraining` is another model: one that tells replaced tokens.
        let architecture = checkpoint.architecture();
        let pretraining = ModelClass::Pretraining;
        (class == architecture.class_name(pretraining) && architecture.has_pooler(pretraining))
            .then_some(Self::Pretraining)
    }

    /// Whether it has one prediction for a whole text.
    pub fn is_of_whole_texts(self) -> bool {
        matches!(
            self,
            Self::TextClassification | Self::MultiLabel | Self::Regression
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_transformers_says_what_it_is_for() {
        let folder = tempfile::tempdir().unwrap();
        let task = |more: &str| {
            let json = format!(
                r#"{{"model_type": "bert", "vocab_size": 20, "hidden_size": 8,
                "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
                "max_position_embeddings": 10 {more}}}"#
            );
            std::fs::write(folder.path().join("config.json"), json).unwrap();
            ModelTask::of(folder.path()).unwrap()
        };
        assert_eq!(task(""), ModelTask::TextClassification);
        let several = r#", "problem_type": "multi_label_classification""#;
        assert_eq!(task(several), ModelTask::MultiLabel);
        assert_eq!(
            task(r#", "id2label": {"0": "LABEL_0"}"#),
            ModelTask::Regression
        );
        let number = r#", "problem_type": "regression""#;
        assert_eq!(task(number), ModelTask::Regression);
        let masked = r#", "architectures": ["BertForMaskedLM"]"#;
        assert_eq!(task(masked), ModelTask::MaskedLm);
        let tokens = r#", "architectures": ["BertForTokenClassification"]"#;
        assert_eq!(task(tokens), ModelTask::TokenClassification);
        let answers = r#", "architectures": ["BertForQuestionAnswering"]"#;
        assert_eq!(task(answers), ModelTask::QuestionAnswering);
        // A class for tokens does not look at what scores of texts mean.
        let tokens = format!("{tokens}{number}");
        assert_eq!(task(&tokens), ModelTask::TokenClassification);
        // Cloze's own word goes before.
        let own = format!(r#"{several}, "cloze": {{"task": "regression"}}"#);
        assert_eq!(task(&own), ModelTask::Regression);
        let own = format!(r#"{several}, "cloze": {{"task": "token-classification"}}"#);
        assert_eq!(task(&own), ModelTask::TokenClassification);
    }

    #[test]
    fn what_transformers_has_trained_since_counts() {
        let folder = tempfile::tempdir().unwrap();
        let task = |class: &str, own: &str| {
            let json = format!(
                r#"{{"model_type": "bert", "vocab_size": 20, "hidden_size": 8,
                "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
                "max_position_embeddings": 10, "architectures": ["{class}"],
                "cloze": {{"task": "{own}"}}}}"#
            );
            std::fs::write(folder.path().join("config.json"), json).unwrap();
            ModelTask::of(folder.path()).unwrap()
        };
        for (class, found) in [
            ("BertForQuestionAnswering", ModelTask::QuestionAnswering),
            ("BertForTokenClassification", ModelTask::TokenClassification),
            (
                "BertForSequenceClassification",
                ModelTask::TextClassification,
            ),
            ("BertForMaskedLM", ModelTask::MaskedLm),
            ("BertModel", ModelTask::MaskedLm),
        ] {
            assert_eq!(task(class, "masked-lm"), found, "{class}");
        }
        let labels = "BertForSequenceClassification";
        assert_eq!(task(labels, "multi-label"), ModelTask::MultiLabel);
    }
}
