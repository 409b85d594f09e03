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
    /// `transformers` keeps what it does not know: a model that has another class now is another one.
    pub fn continuation(&self) -> Option<&ContinuationConfig> {
        let continuation = self.cloze_settings()?.continuation.as_ref()?;
        let class = match continuation.head.kind {
            ContinuationHeadKind::MaskedLm => self.architecture().class_name(ModelClass::MaskedLm),
            _ => CLASS.into(),
        };
        let stored = self.class();
        (stored.is_empty() || stored == class).then_some(continuation)
    }

    /// The same, for those who need one.
    ///
    /// # Errors
    /// If the model is another one, or no encoder reads such samples.
    pub fn wanted_continuation(&self) -> Result<&ContinuationConfig, CheckpointError> {
        let Some(continuation) = self.continuation() else {
            let found = match self.cloze_settings() {
                Some(ClozeSettings {
                    continuation: Some(_),
                    ..
                }) => format!("a model of the class {}", self.class()),
                Some(settings) => format!(
                    "a model for {}",
                    settings.task.as_deref().unwrap_or("nothing in particular")
                ),
                None => "a model that cloze did not train".into(),
            };
            let wanted = "a model that was trained to continue texts";
            let error = InputError::new(self.config().path(), found, wanted);
            return Err(error.in_field("cloze.continuation").into());
        };
        // `[CLS]` and `[SEP]` need their room, and a prefix a token beside its mask.
        let longest = self.encoder_config().longest_sequence().saturating_sub(2);
        for (field, found, least, most) in [
            ("length", continuation.length, 2, longest),
            ("stride", continuation.stride, 1, usize::MAX),
        ] {
            if !(least..=most).contains(&found) {
                let wanted = match most {
                    usize::MAX => format!("{least} or more"),
                    most => format!("a number from {least} to {most}"),
                };
                let error = InputError::new(self.config().path(), found.to_string(), wanted);
                return Err(error.in_field(format!("cloze.continuation.{field}")).into());
            }
        }
        Ok(continuation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(class: &str, kind: &str, length: usize, stride: usize) -> String {
        let folder = tempfile::tempdir().unwrap();
        let config = json!({
            "model_type": "bert", "vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 1,
            "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 10,
            "architectures": [class],
            "cloze": {"task": "continuation", "continuation": {
                "samples": "windows", "length": length, "stride": stride,
                "head": {"kind": kind, "hidden_size": 8, "layers": 1, "attention_heads": 2,
                    "activation": "gelu", "dropout": 0.1, "special_rows": true},
            }},
        });
        std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        let wanted = checkpoint.wanted_continuation().map(|found| found.length);
        assert_eq!(
            wanted.is_ok(),
            wanted.as_ref().is_ok_and(|found| *found == length)
        );
        wanted
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn numbers_that_no_model_was_trained_with_are_named() {
        assert_eq!(refusal(CLASS, "lstm", 8, 1), "");
        assert!(
            refusal(CLASS, "lstm", 9, 1).ends_with(
                "field `cloze.continuation.length`: found 9, wanted a number from 2 to 8"
            )
        );
        assert!(
            refusal(CLASS, "lstm", 8, 0)
                .ends_with("field `cloze.continuation.stride`: found 0, wanted 1 or more")
        );
    }

    #[test]
    fn a_model_that_another_class_was_made_of_is_another_one() {
        assert_eq!(refusal("BertForMaskedLM", "masked-lm", 8, 1), "");
        assert!(refusal("BertForMaskedLM", "lstm", 8, 1).ends_with(
            "found a model of the class BertForMaskedLM, wanted a model that was trained to \
                 continue texts"
        ));
    }
}
