use std::io;
use std::path::PathBuf;

use cloze_core::{ConfigError, InputError, LabelError};
use thiserror::Error;

use super::hub::HubError;
use crate::heads::BuildError;
use crate::parameter_source::ParameterError;

/// Why a checkpoint cannot be read or written.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// There is no such folder.
    #[error("{path} is not a folder; a checkpoint is a folder with config.json and its weights")]
    NotAFolder {
        /// What was given.
        path: PathBuf,
    },
    /// `config.json` cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file holds something else than what was wanted; names the tensor or the key.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A tensor cannot be had.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The head does not fit the encoder, or a tensor cannot be had.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The folder has no weights that cloze reads.
    #[error(
        "{folder} holds no weights: wanted model.safetensors, model.safetensors.index.json, \
         pytorch_model.bin or pytorch_model.bin.index.json{}",
        instead(.found)
    )]
    NoWeights {
        /// The folder.
        folder: PathBuf,
        /// Weights of other programs that are there.
        found: Vec<String>,
    },
    /// The index of a sharded checkpoint names a file that is not there.
    #[error("{index} names the shard {shard}, which is not beside it")]
    MissingShard {
        /// The index file.
        index: PathBuf,
        /// The missing file.
        shard: String,
    },
    /// The file is in the format that `torch.save` wrote before torch 1.6.
    #[error(
        "{path} is in the format of torch before 1.6, which cloze does not read; convert it with \
         python -c \"import sys, torch; p = sys.argv[1]; torch.save(torch.load(p, \
         map_location='cpu', weights_only=True), p)\" {path}"
    )]
    LegacyTorch {
        /// The file.
        path: PathBuf,
    },
    /// Git LFS left a pointer in place of the weights.
    #[error("{path} is a Git LFS pointer, not the weights; run `git lfs pull` in its folder")]
    LfsPointer {
        /// The file.
        path: PathBuf,
    },
    /// Weights of the encoder itself are missing.
    #[error(
        "{folder} lacks {} of the encoder's tensors, first of all `{}`; \
         is its config.json that of another model?",
        .names.len(),
        .names.first().map_or("", String::as_str)
    )]
    MissingWeights {
        /// The folder.
        folder: PathBuf,
        /// Every missing tensor, by its name in `transformers`.
        names: Vec<String>,
    },
    /// The tokenizer has more entries than the embeddings have rows.
    #[error(
        "the tokenizer of {folder} has {tokenizer} entries, but the model's embeddings have only \
         {embeddings} rows: the vocabulary does not belong to these weights"
    )]
    Vocabulary {
        /// The folder.
        folder: PathBuf,
        /// Entries of the tokenizer.
        tokenizer: usize,
        /// Rows of the embeddings.
        embeddings: usize,
    },
    /// The labels of a data set and of a checkpoint's head differ in number.
    #[error(
        "{folder} has a head for {found} labels, but {wanted} are wanted; \
         leave its head out to train a new one"
    )]
    LabelCount {
        /// The folder.
        folder: PathBuf,
        /// Labels of the checkpoint's head.
        found: usize,
        /// Labels that were asked for.
        wanted: usize,
    },
    /// Labels are repeated or there are none.
    #[error(transparent)]
    Labels(#[from] LabelError),
    /// A Hub id cannot be turned into a folder.
    #[error(transparent)]
    Hub(#[from] HubError),
}

fn instead(found: &[String]) -> String {
    if found.is_empty() {
        return String::new();
    }
    format!("; {} is of another program", found.join(", "))
}
