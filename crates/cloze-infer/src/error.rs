use std::path::PathBuf;

use cloze_core::PackedBatchError;
use cloze_data::corpus::CorpusError;
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
    Checkpoint(Box<CheckpointError>),
    /// The tokenizer cannot be read, or refuses a text.
    #[error(transparent)]
    Tokenizer(Box<TokenizerError>),
    /// Texts do not form a batch.
    #[error(transparent)]
    Batch(#[from] PackedBatchError),
    /// A batch does not fit the model.
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// A batch cannot be evaluated.
    #[error(transparent)]
    Task(Box<TaskError>),
    /// A corpus cannot be tokenized.
    #[error(transparent)]
    Corpus(Box<CorpusError>),
    /// There is no room for what has to be kept for a while.
    #[error("cannot make a temporary folder")]
    TemporaryFolder(#[source] std::io::Error),
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
    /// The weights do not include a head for tokens.
    #[error("{folder} is no token classifier: it is {what}, and lacks {}", .missing.join(", "))]
    NotATokenClassifier {
        /// The folder.
        folder: PathBuf,
        /// What its `config.json` says that it is.
        what: String,
        /// Tensors that are needed.
        missing: Vec<String>,
    },
    /// The weights do not include a masked-language head.
    #[error(
        "{folder} does not fill masks: it is {what}, and lacks {}",
        .missing.join(", ")
    )]
    NotAMaskedLanguageModel {
        /// The folder.
        folder: PathBuf,
        /// What its `config.json` says that it is.
        what: String,
        /// Tensors that are needed.
        missing: Vec<String>,
    },
    /// There is nothing to fill.
    #[error(
        "text number {}: found no {mask}{}, wanted one or several",
        .text + 1,
        .cut.map_or(String::new(), |length| format!(" among the {length} tokens that the model reads"))
    )]
    NoMask {
        /// Which text, from 0.
        text: usize,
        /// The token that stands for a missing word.
        mask: String,
        /// Where the text was cut, if it was.
        cut: Option<usize>,
    },
    /// The model is for another task.
    #[error("{folder} was trained for {found}, not for {wanted}")]
    OtherTask {
        /// The folder.
        folder: PathBuf,
        /// What it was trained for.
        found: String,
        /// What it was wanted for.
        wanted: &'static str,
    },
    /// The model gives several numbers.
    #[error("{folder} gives {outputs} numbers a text, and cloze reads models that give one")]
    SeveralNumbers {
        /// The folder.
        folder: PathBuf,
        /// Outputs of its head.
        outputs: usize,
    },
}

impl From<CheckpointError> for InferError {
    fn from(error: CheckpointError) -> Self {
        Self::Checkpoint(Box::new(error))
    }
}

impl From<TokenizerError> for InferError {
    fn from(error: TokenizerError) -> Self {
        Self::Tokenizer(Box::new(error))
    }
}

impl From<CorpusError> for InferError {
    fn from(error: CorpusError) -> Self {
        Self::Corpus(Box::new(error))
    }
}

impl From<TaskError> for InferError {
    fn from(error: TaskError) -> Self {
        Self::Task(Box::new(error))
    }
}
