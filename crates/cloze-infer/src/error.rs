use std::path::PathBuf;

use cloze_core::PackedBatchError;
use cloze_data::tokenizer::TokenizerError;
use cloze_model::ForwardError;
use cloze_model::checkpoint::CheckpointError;
use cloze_tasks::TaskError;
use thiserror::Error;

/// Why a model cannot be used for predictions.
#[derive(Debug, Error)]
pub enum InferError {
    /// The checkpoint cannot be found or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The tokenizer cannot be read, or refuses a text.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Texts do not form a batch.
    #[error(transparent)]
    Batch(#[from] PackedBatchError),
    /// A batch does not fit the model.
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// A batch cannot be evaluated.
    #[error(transparent)]
    Task(Box<TaskError>),
    /// A training run that has not finished its first epoch.
    #[error("the run {run} has no model yet: it is stored at the end of the first epoch")]
    NoModelYet {
        /// The run folder.
        run: PathBuf,
    },
    /// The weights do not include a classification head.
    #[error("{folder} is no text classifier: it is {what}, and lacks {}", .missing.join(", "))]
    NotAClassifier {
        /// The folder.
        folder: PathBuf,
        /// What its `config.json` says that it is.
        what: String,
        /// Tensors that a classifier needs.
        missing: Vec<String>,
    },
    /// The model is for another task.
    #[error("{folder} was trained for {found}, not for text classification with one label a text")]
    OtherTask {
        /// The folder.
        folder: PathBuf,
        /// What it was trained for.
        found: String,
    },
}

impl From<TaskError> for InferError {
    fn from(error: TaskError) -> Self {
        Self::Task(Box::new(error))
    }
}
