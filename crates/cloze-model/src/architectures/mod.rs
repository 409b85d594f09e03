//! What tells one architecture from another: the keys of its `config.json`, the names of its
//! tensors, its own classification head. One file an architecture; a new one is a new file and a
//! line in [`ARCHITECTURES`].

mod bert;
mod config;
mod distilbert;

use std::fmt;

use cloze_core::{ConfigError, ConfigJson, EncoderConfig};
use serde_json::{Map, Value};

pub use bert::Bert;
pub use distilbert::DistilBert;

use crate::heads::ClassificationHeadConfig;

/// Every architecture that cloze knows.
pub const ARCHITECTURES: &[&dyn Architecture] = &[&Bert, &DistilBert];

/// The class of a model in `transformers`, for `architectures` in `config.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelClass {
    /// The bare encoder, `BertModel`.
    Encoder,
    /// `BertForSequenceClassification`.
    SequenceClassification,
}

/// Describes one architecture.
///
/// The computation itself is shared: an architecture says how its files map onto
/// [`EncoderConfig`] and canonical tensor names (see [`named`](crate::named)).
pub trait Architecture: fmt::Debug + Sync {
    /// `model_type` in `config.json`.
    fn model_type(&self) -> &'static str;

    /// Reads `config.json`, whose `model_type` is already known to be this one's.
    ///
    /// # Errors
    /// If a value is missing or is not computed by cloze: nothing is approximated silently.
    fn parse_config(&self, json: &ConfigJson) -> Result<EncoderConfig, ConfigError>;

    /// Writes what [`parse_config`](Self::parse_config) reads under this architecture's own keys;
    /// other keys stay as they are.
    fn write_config(&self, config: &EncoderConfig, json: &mut Map<String, Value>);

    /// What precedes encoder tensors in a model with a head: `bert.`.
    fn prefix(&self) -> &'static str;

    /// The name in `transformers` of a tensor with this canonical name, without prefix. Tensors
    /// of a classification head are named here as in the architecture's own head; those of any
    /// other head keep their canonical names.
    fn hf_name(&self, canonical: &str) -> String;

    /// The classification head that `transformers` gives this architecture.
    ///
    /// # Errors
    /// If a dropout in `config.json` is not a probability.
    fn classification_head(
        &self,
        json: &ConfigJson,
        config: &EncoderConfig,
    ) -> Result<ClassificationHeadConfig, ConfigError>;

    /// Writes the dropout of the architecture's own classification head under its own key.
    fn write_classification_head(
        &self,
        head: &ClassificationHeadConfig,
        json: &mut Map<String, Value>,
    );

    /// The first part of its class names: `Bert`.
    fn class_prefix(&self) -> &'static str;

    /// Whether `transformers`' classification model of this architecture reads token type ids.
    fn has_token_types(&self) -> bool;

    /// The name of a class in `transformers`.
    fn class_name(&self, class: ModelClass) -> String {
        let suffix = match class {
            ModelClass::Encoder => "Model",
            ModelClass::SequenceClassification => "ForSequenceClassification",
        };
        format!("{}{suffix}", self.class_prefix())
    }
}

/// The architecture that `model_type` in `config.json` names.
///
/// # Errors
/// If there is none of that name.
pub fn find(json: &ConfigJson) -> Result<&'static dyn Architecture, ConfigError> {
    let model_type = json.text_or("model_type", "")?;
    by_model_type(model_type).ok_or_else(|| {
        let known: Vec<_> = ARCHITECTURES.iter().map(|a| a.model_type()).collect();
        json.error("model_type", format!("one of {}", known.join(", ")))
            .into()
    })
}

/// The architecture of a `model_type`.
pub fn by_model_type(model_type: &str) -> Option<&'static dyn Architecture> {
    ARCHITECTURES
        .iter()
        .copied()
        .find(|a| a.model_type() == model_type)
}

/// What [`find`] and [`Architecture::parse_config`] say about a `config.json`.
///
/// # Errors
/// If the architecture is unknown or a value is not computed by cloze.
pub fn parse_config(
    json: &ConfigJson,
) -> Result<(&'static dyn Architecture, EncoderConfig), ConfigError> {
    let architecture = find(json)?;
    Ok((architecture, architecture.parse_config(json)?))
}
