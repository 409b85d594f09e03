//! cloze, a toolkit for BERT-family encoders: tokenize, fine-tune, evaluate, predict.
//!
//! This crate is the way in. It has no logic of its own; each room of the library stands here
//! under a short name:
//!
//! - [`core`]: packed batches, configurations, labels, errors
//! - [`data`]: tokenizers, readers of data sets, splits, batches
//! - [`model`]: encoders, heads, losses, checkpoints
//! - [`tasks`]: what a task encodes, measures and predicts
//! - [`train`]: run configuration, trainer, run folder, resume
//! - [`infer`]: from a model folder to predictions
//! - [`platform`]: allocator and threads, for programs that want the speed of `cloze` itself

#![forbid(unsafe_code)]

pub use cloze_core as core;
pub use cloze_data as data;
pub use cloze_infer as infer;
pub use cloze_model as model;
pub use cloze_platform as platform;
pub use cloze_tasks as tasks;
pub use cloze_train as train;
