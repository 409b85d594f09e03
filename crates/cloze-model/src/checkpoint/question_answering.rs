//! Question answering models in and out, as `BertForQuestionAnswering` has them.

use std::path::Path;

use burn::tensor::Device;
use cloze_core::ConfigJson;
use serde_json::json;

use super::folder::architecture_of;
use super::save::{named_tensors, shared_config, unwritable, write, write_config};
use super::source::{CheckpointParameters, HeadSource};
use super::tensor_names::{HeadNames, stored_name};
use super::tensors::safetensors;
use super::{Checkpoint, CheckpointError, ClozeSettings, LoadReport, StoredType};
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
    let architecture = architecture_of(metadata.config)?;
    let name = |canonical: &str| stored_name(architecture, HeadNames::Architecture, canonical);
    write(&folder.join("model.safetensors"), |out| {
        safetensors::write(out, named_tensors(model, &name), StoredType::F32)
    })?;
    let mut json = shared_config(metadata.config, model.encoder.config(), architecture);
    let class = architecture.class_name(ModelClass::QuestionAnswering);
    json.insert("architectures".into(), json!([class]));
    // They belong to a head that the model no longer has; two outputs are what it has without them.
    for stale in ["num_labels", "problem_type", "id2label", "label2id"] {
        json.shift_remove(stale);
    }
    let settings = ClozeSettings {
        task: Some(metadata.task.into()),
        max_length: metadata.max_length,
        head: None,
    };
    settings
        .write(&mut json)
        .map_err(|source| unwritable(folder, source.into()))?;
    write_config(folder, json)
}

impl Checkpoint {
    /// Whether `config.json` names a class of `transformers` for question answering.
    pub fn is_question_answering(&self) -> bool {
        let class = self
            .architecture()
            .class_name(ModelClass::QuestionAnswering);
        let named = self.config().get("architectures");
        named.and_then(|names| names.get(0)?.as_str()) == Some(class.as_str())
    }
}
