//! Checkpoints in and out.
//!
//! - [`resolve_model`]: from a model's name (a folder or a Hub id) to a folder
//! - [`Checkpoint`]: a folder's `config.json`: architecture, labels, head, cloze's own settings
//! - [`TensorStore`]: a folder's tensors, from safetensors or torch archives, whole or in shards
//! - [`load_encoder`], [`load_classifier`]: models with the weights of a checkpoint, and a
//!   [`LoadReport`] of what was not shared
//! - [`init_encoder`], [`init_classifier`]: models with fresh weights
//! - [`save_encoder`], [`save_classifier`]: folders that `transformers` reads, and cloze again

mod error;
mod folder;
mod hub;
mod label_names;
mod load;
mod report;
mod save;
mod settings;
mod source;
mod tensor_names;
mod tensors;
mod vocabulary;

pub use error::CheckpointError;
pub use folder::Checkpoint;
pub use hub::{DownloadObserver, DownloadProgress, HubError, HubId, HubOptions, resolve_model};
pub use load::{ClassifierOptions, init_classifier, init_encoder, load_classifier, load_encoder};
pub use report::LoadReport;
pub use save::{ClassifierMetadata, save_classifier, save_encoder};
pub use settings::{ClozeSettings, ProblemType};
pub use tensors::{StoredType, TensorStore};
pub use vocabulary::check_vocabulary;
