use std::path::Path;

use cloze_model::checkpoint::Checkpoint;
use cloze_tasks::{masked_lm, token_classification};

use crate::InferError;

/// What a saved model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelTask {
    /// One label for a text; also what cannot be told from `config.json`.
    TextClassification,
    /// A label for every word.
    TokenClassification,
    /// Masked words.
    MaskedLm,
    /// Masked words and next sentences.
    Pretraining,
}

impl ModelTask {
    /// The task that cloze has written into `config.json`, otherwise what follows from the class
    /// of `transformers` that stands there.
    ///
    /// # Errors
    /// If the folder is no checkpoint.
    pub fn of(folder: &Path) -> Result<Self, InferError> {
        let checkpoint = Checkpoint::open(folder)?;
        let settings = checkpoint.cloze_settings();
        if let Some(task) = settings.and_then(|settings| settings.task.as_deref()) {
            return Ok(match task {
                token_classification::NAME => Self::TokenClassification,
                masked_lm::NAME => Self::MaskedLm,
                masked_lm::PRETRAINING => Self::Pretraining,
                _ => Self::TextClassification,
            });
        }
        let architectures = checkpoint.config().get("architectures");
        let class = architectures.and_then(|names| names.get(0)?.as_str());
        Ok(match class {
            Some(class) if class.ends_with("ForTokenClassification") => Self::TokenClassification,
            Some(class) if class.ends_with("ForMaskedLM") => Self::MaskedLm,
            Some(class) if class.ends_with("ForPreTraining") => Self::Pretraining,
            _ => Self::TextClassification,
        })
    }
}
