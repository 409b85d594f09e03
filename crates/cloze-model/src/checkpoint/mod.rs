//! Checkpoints in and out.
//!
//! - [`resolve_model`]: from a model's name (a folder or a Hub id) to a folder
//! - [`Checkpoint`]: a folder's `config.json`: architecture, labels, head, cloze's own settings
//! - [`TensorStore`]: a folder's tensors, from safetensors or torch archives, whole or in shards
//! - [`load_encoder`], [`load_classifier`], [`load_token_classifier`], [`load_question_answering`],
//!   [`load_masked_language_model`], [`load_continuation`]: models with the weights of a checkpoint, and a [`LoadReport`] of what was not shared
//! - [`SentenceTransformer`]: what a folder of `sentence-transformers` says beside its checkpoint
//! - [`init_encoder`], [`init_classifier`], [`init_masked_language_model`]: models with fresh weights
//! - [`save_encoder`], [`save_classifier`], [`save_token_classifier`], [`save_question_answering`],
//!   [`save_masked_language_model`], [`save_continuation`]: folders that `transformers` reads, and cloze again

mod continuation;
mod convert;
mod error;
mod folder;
mod hub;
mod label_names;
mod load;
mod question_answering;
mod report;
mod save;
mod sentence_transformer;
mod settings;
mod source;
mod tensor_names;
mod tensors;
mod token_classifier;
mod vocabulary;

pub use continuation::{ContinuationMetadata, load_continuation, save_continuation};
pub use convert::convert_weights;
pub use error::CheckpointError;
pub use folder::{Checkpoint, GENERATION_CONFIG};
pub use hub::{DownloadObserver, DownloadProgress, HubError, HubId, HubOptions, resolve_model};
pub use load::{
    ClassifierOptions, check_next_sentence, init_classifier, init_encoder,
    init_masked_language_model, load_classifier, load_encoder, load_masked_language_model,
};
pub use question_answering::{
    QuestionAnsweringMetadata, QuestionAnsweringOptions, load_question_answering,
    save_question_answering,
};
pub use report::LoadReport;
pub use save::{
    ClassifierMetadata, MaskedLanguageMetadata, save_classifier, save_encoder,
    save_masked_language_model,
};
pub use sentence_transformer::SentenceTransformer;
pub use settings::{ClozeSettings, ProblemType};
pub use tensors::{StoredType, TensorStore};
pub use token_classifier::{
    TokenClassifierMetadata, TokenClassifierOptions, load_token_classifier, save_token_classifier,
};
pub use vocabulary::check_vocabulary;
