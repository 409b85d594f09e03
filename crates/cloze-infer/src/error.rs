use std::io;
use std::path::{Path, PathBuf};

use cloze_core::{InputError, PackedBatchError};
use cloze_data::corpus::CorpusError;
use cloze_data::tokenizer::TokenizerError;
use cloze_data::vector_file::VectorFileError;
use cloze_model::checkpoint::CheckpointError;
use cloze_model::{BuildError, ForwardError};
use cloze_tasks::TaskError;
use thiserror::Error;

use crate::generation::SettingError;

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
    /// The weights do not include a head for answers.
    #[error("{folder} does not answer questions: it is {what}, and lacks {}", .missing.join(", "))]
    NotAQuestionAnsweringModel {
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
    /// Pooled output is wanted of weights without pooler.
    #[error(
        "{folder} has no pooled output: it is {what}, and lacks {}; \
         use \"mean\", \"cls\" or \"max\"",
        .missing.join(", ")
    )]
    NoPooler {
        /// The folder.
        folder: PathBuf,
        /// What its `config.json` says that it is.
        what: String,
        /// Tensors that are needed.
        missing: Vec<String>,
    },
    /// The parts behind an encoder do not fit it.
    #[error("{folder} gives no embeddings of this kind")]
    Embedding {
        /// The folder.
        folder: PathBuf,
        /// What does not fit.
        source: Box<BuildError>,
    },
    /// A prompt of this name is not in the folder.
    #[error("{folder} has no prompt {name:?}, only {}", list(.known))]
    UnknownPrompt {
        /// The folder.
        folder: PathBuf,
        /// What was asked for.
        name: String,
        /// The prompts that are there.
        known: Vec<String>,
    },
    /// A prompt is longer than what is read of a text.
    #[error("the prompt {prompt:?} has {tokens} tokens, and {limit} are read of a text")]
    LongPrompt {
        /// The prompt.
        prompt: String,
        /// Its tokens, `[CLS]` included.
        tokens: usize,
        /// Tokens that are read of a text.
        limit: usize,
    },
    /// A graph of neighbours cannot be built or followed.
    #[error("the graph of neighbours of an index cannot be used: {reason}")]
    Graph {
        /// What is wrong with it.
        reason: String,
    },
    /// A file of vectors cannot be written.
    #[error(transparent)]
    Vectors(#[from] VectorFileError),
    /// A user's file holds something else than was wanted.
    #[error(transparent)]
    Input(Box<InputError>),
    /// A file of an index cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of an index cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An index was made with another model than the one that is to search in it.
    #[error(
        "{index} was made with {made_with}, whose files, or settings, were others than those of \
         {model} now: make the index again"
    )]
    OtherModel {
        /// The folder of the index.
        index: PathBuf,
        /// What the model was called then.
        made_with: String,
        /// The folder of the model.
        model: PathBuf,
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
    /// The model does not say which token comes next.
    #[error("{folder} does not continue texts: it is {what}")]
    NotAGenerationModel {
        /// The folder.
        folder: PathBuf,
        /// What its `config.json` says that it is.
        what: String,
    },
    /// Settings of generation that make no sense.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A text to be continued has no token.
    #[error("a prompt: found a text without a token, wanted a text of one token or more")]
    EmptyPrompt,
    /// No token can come next: every one is banned, or the scores are no numbers.
    #[error("there is no token to go on with: every one is banned, or the model gives no number")]
    NothingToWrite,
    /// The model gives several numbers.
    #[error("{folder} gives {outputs} numbers a text, and cloze reads models that give one")]
    SeveralNumbers {
        /// The folder.
        folder: PathBuf,
        /// Outputs of its head.
        outputs: usize,
    },
}

impl InferError {
    /// For `map_err`: a file that cannot be read.
    pub(crate) fn read(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Read {
            path: path.into(),
            source,
        }
    }

    /// For `map_err`: a file that cannot be written.
    pub(crate) fn write(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Write {
            path: path.into(),
            source,
        }
    }
}

/// Names for an error message.
fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".into();
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    quoted.join(", ")
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

impl From<InputError> for InferError {
    fn from(error: InputError) -> Self {
        Self::Input(Box::new(error))
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
