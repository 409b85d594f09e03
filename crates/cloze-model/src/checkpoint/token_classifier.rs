//! Token classifiers in and out, as `BertForTokenClassification` has them.

use std::path::Path;

use burn::tensor::Device;
use cloze_core::{ConfigJson, LabelSet};

use super::save::{SavedModel, save_model};
use super::source::{CheckpointParameters, HeadSource};
use super::tensor_names::HeadNames;
use super::{Checkpoint, CheckpointError, LoadReport, label_names};
use crate::architectures::ModelClass;
use crate::heads::TokenClassifier;

/// What a token classifier is to be that is built on a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenClassifierOptions {
    /// Number of labels; the checkpoint's own number where nothing is said.
    pub num_labels: Option<usize>,
    /// Leave the checkpoint's head out and start a new one, even if it would fit.
    pub new_head: bool,
    /// From which every newly initialised tensor is drawn.
    pub seed: u64,
}

/// Loads a token classifier. Tensors of the head that the checkpoint lacks are initialised and
/// reported.
///
/// # Errors
/// As [`load_encoder`](super::load_encoder), and if the checkpoint's head has another number of
/// labels than was asked for (see [`TokenClassifierOptions::new_head`]).
pub fn load_token_classifier(
    checkpoint: &Checkpoint,
    options: &TokenClassifierOptions,
    device: &Device,
) -> Result<(TokenClassifier, LoadReport), CheckpointError> {
    let source = match options.new_head {
        true => HeadSource::Fresh(HeadNames::Tokens),
        false => HeadSource::Checkpoint(HeadNames::Tokens),
    };
    let mut parameters = CheckpointParameters::open(checkpoint, source, options.seed)?;
    let stored = parameters.stored_shape("classifier.weight");
    let stored = stored.and_then(|shape| shape.first()).copied();
    let labels = match (options.num_labels, stored) {
        (Some(wanted), Some(found)) if wanted != found => {
            let folder = checkpoint.folder().into();
            return Err(CheckpointError::LabelCount {
                folder,
                found,
                wanted,
            });
        }
        (Some(wanted), _) => wanted,
        (None, found) => match (checkpoint.stated_labels()?, found) {
            (Some(stated), _) => stated,
            (None, Some(found)) => found,
            (None, None) => checkpoint.num_labels()?,
        },
    };
    let config = checkpoint.encoder_config();
    let architecture = checkpoint.architecture();
    let dropout = architecture.token_classification_dropout(checkpoint.config(), config)?;
    let model = TokenClassifier::new(config, dropout, labels, &mut parameters, device)?;
    Ok((model, parameters.finish()?))
}

/// What is written about a token classifier beside its weights.
#[derive(Clone, Copy, Debug)]
pub struct TokenClassifierMetadata<'a> {
    /// The `config.json` that the model came from; keys that cloze does not know stay in it.
    pub config: &'a ConfigJson,
    /// The labels, in the order of the head's outputs.
    pub labels: &'a LabelSet,
    /// What the model was trained for: `token-classification`.
    pub task: &'a str,
    /// Longest sequence in training, special tokens included.
    pub max_length: Option<usize>,
}

/// Writes a token classifier as `BertForTokenClassification` reads it. The tokenizer saves
/// itself.
///
/// # Errors
/// If a file cannot be written.
pub fn save_token_classifier(
    folder: &Path,
    model: &TokenClassifier,
    metadata: &TokenClassifierMetadata<'_>,
) -> Result<(), CheckpointError> {
    let saved = SavedModel {
        config: metadata.config,
        encoder: model.encoder.config(),
        names: HeadNames::Tokens,
        class: ModelClass::TokenClassification,
        task: metadata.task,
        max_length: metadata.max_length,
    };
    save_model(folder, model, &saved, |json| {
        label_names::write(metadata.labels, json);
    })
}

impl Checkpoint {
    /// Whether `config.json` names a class of `transformers` for token classification.
    pub fn is_token_classifier(&self) -> bool {
        self.is_of_class(ModelClass::TokenClassification)
    }
}
