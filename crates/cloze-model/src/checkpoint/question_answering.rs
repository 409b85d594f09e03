//! Question answering models in and out, as `BertForQuestionAnswering` has them.

use std::path::Path;

use burn::tensor::Device;
use cloze_core::ConfigJson;

use super::save::{SavedModel, save_model};
use super::source::{CheckpointParameters, HeadSource};
use super::tensor_names::HeadNames;
use super::{Checkpoint, CheckpointError, LoadReport};
use crate::architectures::ModelClass;
use crate::heads::QuestionAnsweringModel;

/// What a question answering model is to be that is built on a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuestionAnsweringOptions {
    /// From which every newly initialised tensor is drawn.
    pub seed: u64,
}

/// Loads a question answering model. Tensors of the head that the checkpoint lacks are initialised
/// and reported.
///
/// # Errors
/// As [`load_encoder`](super::load_encoder).
pub fn load_question_answering(
    checkpoint: &Checkpoint,
    options: &QuestionAnsweringOptions,
    device: &Device,
) -> Result<(QuestionAnsweringModel, LoadReport), CheckpointError> {
    let source = HeadSource::Checkpoint(HeadNames::Architecture);
    let mut parameters = CheckpointParameters::open(checkpoint, source, options.seed)?;
    let architecture = checkpoint.architecture();
    let dropout = architecture.question_answering_dropout(checkpoint.config())?;
    let config = checkpoint.encoder_config();
    let model = QuestionAnsweringModel::new(config, dropout, &mut parameters, device)?;
    Ok((model, parameters.finish()?))
}

/// What is written about a question answering model beside its weights.
#[derive(Clone, Copy, Debug)]
pub struct QuestionAnsweringMetadata<'a> {
    /// The `config.json` that the model came from; keys that cloze does not know stay in it.
    pub config: &'a ConfigJson,
    /// What the model was trained for: `question-answering`.
    pub task: &'a str,
    /// Longest sequence in training, special tokens included.
    pub max_length: Option<usize>,
}

/// Writes a question answering model as `BertForQuestionAnswering` reads it. The tokenizer saves
/// itself.
///
/// # Errors
/// If a file cannot be written.
pub fn save_question_answering(
    folder: &Path,
    model: &QuestionAnsweringModel,
    metadata: &QuestionAnsweringMetadata<'_>,
) -> Result<(), CheckpointError> {
    let saved = SavedModel {
        config: metadata.config,
        encoder: model.encoder.config(),
        names: HeadNames::Architecture,
        class: ModelClass::QuestionAnswering,
        task: metadata.task,
        max_length: metadata.max_length,
    };
    save_model(folder, model, &saved, |_| ())
}

impl Checkpoint {
    /// Whether `config.json` names a class of `transformers` for question answering.
    pub fn is_question_answering(&self) -> bool {
        self.is_of_class(ModelClass::QuestionAnswering)
    }
}
