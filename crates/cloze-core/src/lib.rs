//! Types that every room of cloze shares. Nothing in here computes or reads a dataset.
//!
//! - [`PackedBatch`]: the batch that `cloze-data` makes and `cloze-model` reads
//! - [`EncoderConfig`] and [`ConfigJson`]: a Hugging Face `config.json`, typed, unsupported values refused
//! - [`LabelSet`]: class names and their ids
//! - [`InputError`]: what is wrong with a user's file, and where
//! - [`output`]: files and folders that appear whole or not at all

mod config_json;
mod encoder_config;
mod input_error;
mod labels;
pub mod output;
mod packed_batch;

pub use config_json::{ConfigError, ConfigJson};
pub use encoder_config::{Activation, EncoderConfig, PositionNumbering};
pub use input_error::InputError;
pub use labels::{LabelError, LabelSet};
pub use packed_batch::{PackedBatch, PackedBatchError};
