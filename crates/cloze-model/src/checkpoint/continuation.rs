//! Models that say which token comes next in and out: `transformers` has no such head, so its code
//! lies beside the weights.

use std::path::Path;

use burn::tensor::Device;
use cloze_core::{ConfigJson, InputError};
use serde_json::json;

use super::folder::architecture_of;
use super::load::{TIED, refuse_untied, without_tied};
use super::save::{named_tensors, shared_config, unwritable, write, write_config};
use super::source::{CheckpointParameters, HeadSource};
use super::tensor_names::{HeadNames, stored_name};
use super::tensors::safetensors;
use super::{Checkpoint, CheckpointError, ClozeSettings, LoadReport, StoredType};
use crate::architectures::ModelClass;
use crate::heads::{
    ContinuationConfig, ContinuationHeadConfig, ContinuationHeadKind, ContinuationModel,
};

const MODELING: &str = include_str!("modeling_cloze_continuation.py");
const MODELING_FILE: &str = "modeling_cloze.py";
const CLASS: &str = "ClozeForContinuation";

/// Loads an encoder with a head that says which token comes next. Tensors of the head that the
/// checkpoint lacks are drawn from `seed` and reported; a head of another form than the checkpoint's
/// is new as a whole. The head of masked words is that of any masked language model.
///
/// # Errors
/// As [`load_encoder`](super::load_encoder), and if the head has no width.
pub fn load_continuation(
    checkpoint: &Checkpoint,
    head: &ContinuationHeadConfig,
    seed: u64,
    device: &Device,
) -> Result<(ContinuationModel, LoadReport), CheckpointError> {
    if head.kind == ContinuationHeadKind::MaskedLm {
        return load_masked(checkpoint, head, seed, device);
    }
    let stored = checkpoint.continuation();
    let source = match stored.is_some_and(|stored| stored.head.same_function(head)) {
        true => HeadSource::Checkpoint(HeadNames::Cloze),
        false => HeadSource::Fresh(HeadNames::Cloze),
    };
    let mut parameters = CheckpointParameters::open(checkpoint, source, seed)?;
    let config = checkpoint.encoder_config();
    let model = ContinuationModel::new(config, head, &mut parameters, device)?;
    Ok((model, parameters.finish()?))
}

fn load_masked(
    checkpoint: &Checkpoint,
    head: &ContinuationHeadConfig,
    seed: u64,
    device: &Device,
) -> Result<(ContinuationModel, LoadReport), CheckpointError> {
    refuse_untied(checkpoint)?;
    let (architecture, config) = (checkpoint.architecture(), checkpoint.encoder_config());
    let head = ContinuationHeadConfig {
        activation: architecture.masked_lm_activation(config),
        ..head.clone()
    };
    let source = HeadSource::Checkpoint(HeadNames::Architecture);
    let mut parameters = CheckpointParameters::open(checkpoint, source, seed)?;
    let model = ContinuationModel::new(config, &head, &mut parameters, device)?;
    Ok((model, without_tied(parameters.finish()?, architecture)))
}

/// What is written about such a model beside its weights.
#[derive(Clone, Copy, Debug)]
pub struct ContinuationMetadata<'a> {
    /// The `config.json` that the model came from; keys that cloze does not know stay in it.
    pub config: &'a ConfigJson,
    /// What the model reads, and its head.
    pub continuation: &'a ContinuationConfig,
    /// What the model was trained for: `continuation`.
    pub task: &'a str,
    /// Longest sequence in training, special tokens included.
    pub max_length: usize,
}

/// Writes weights, `config.json` and `modeling_cloze.py`, for
/// `AutoModel.from_pretrained(…, trust_remote_code=True)`; with the head of masked words a folder that
/// `BertForMaskedLM` reads. The tokenizer saves itself.
///
/// # Errors
/// If a file cannot be written.
pub fn save_continuation(
    folder: &Path,
    model: &ContinuationModel,
    metadata: &ContinuationMetadata<'_>,
) -> Result<(), CheckpointError> {
    let architecture = architecture_of(metadata.config)?;
    let is_masked = model.head.masked.is_some();
    let names = match is_masked {
        true => HeadNames::Architecture,
        false => HeadNames::Cloze,
    };
    let name = |canonical: &str| stored_name(architecture, names, canonical);
    write(&folder.join("model.safetensors"), |out| {
        safetensors::write(out, named_tensors(model, &name), StoredType::F32)
    })?;
    let mut json = shared_config(metadata.config, model.encoder.config(), architecture);
    if is_masked {
        let class = architecture.class_name(ModelClass::MaskedLm);
        json.insert("architectures".into(), json!([class]));
        json.insert(TIED.into(), json!(true));
    } else {
        write(&folder.join(MODELING_FILE), |out| {
            out.write_all(MODELING.as_bytes())
        })?;
        json.insert("architectures".into(), json!([CLASS]));
        let place = format!("modeling_cloze.{CLASS}");
        json.insert("auto_map".into(), json!({"AutoModel": place}));
    }
    // They belong to a head that the model no longer has.
    for stale in ["id2label", "label2id", "num_labels", "problem_type"] {
        json.shift_remove(stale);
    }
    let settings = ClozeSettings {
        task: Some(metadata.task.into()),
        max_length: Some(metadata.max_length),
        continuation: Some(metadata.continuation.clone()),
        ..ClozeSettings::default()
    };
    settings
        .write(&mut json)
        .map_err(|source| unwritable(folder, source.into()))?;
    write_config(folder, json)
}

impl Checkpoint {
    /// What a model that cloze trained to continue texts reads, and its head; nothing for any other.
    pub fn continuation(&self) -> Option<&ContinuationConfig> {
        self.cloze_settings()?.continuation.as_ref()
    }

    /// The same, for those who need one.
    ///
    /// # Errors
    /// If the model is another one.
    pub fn wanted_continuation(&self) -> Result<&ContinuationConfig, CheckpointError> {
        self.continuation().ok_or_else(|| {
            let found = match self.cloze_settings() {
                Some(settings) => format!(
                    "a model for {}",
                    settings.task.as_deref().unwrap_or("nothing in particular")
                ),
                None => "a model that cloze did not train".into(),
            };
            let wanted = "a model that was trained to continue texts";
            let error = InputError::new(self.config().path(), found, wanted);
            error.in_field("cloze.continuation").into()
        })
    }
}
