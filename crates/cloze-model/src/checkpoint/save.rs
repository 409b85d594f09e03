use std::io;
use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use cloze_core::{ConfigJson, EncoderConfig, LabelSet, output};
use serde_json::{Map, Value, json};

use super::folder::architecture_of;
use super::load::{TIED, head_names};
use super::tensor_names::{HeadNames, stored_name};
use super::tensors::safetensors::{self, NamedTensor};
use super::{CheckpointError, ClozeSettings, ProblemType, StoredType, label_names};
use crate::architectures::{Architecture, ModelClass};
use crate::encoder::Encoder;
use crate::heads::{ClassificationHeadConfig, MaskedLanguageModel, SequenceClassifier};
use crate::named::{ParameterVisitor, for_each_parameter};

const MODELING: &str = include_str!("modeling_cloze.py");
const MODELING_FILE: &str = "modeling_cloze.py";

/// What is written about a classifier beside its weights.
#[derive(Clone, Copy, Debug)]
pub struct ClassifierMetadata<'a> {
    /// The `config.json` that the model came from; keys that cloze does not know stay in it.
    pub config: &'a ConfigJson,
    /// The labels, in the order of the head's outputs.
    pub labels: &'a LabelSet,
    /// What the scores mean.
    pub problem_type: ProblemType,
    /// What the model was trained for: `text-classification`, …
    pub task: &'a str,
    /// Longest sequence in training, special tokens included.
    pub max_length: Option<usize>,
    /// Where longer texts are read in windows, how many tokens of the text a window repeats of the
    /// one before; `None` where they are cut.
    pub stride: Option<usize>,
}

/// Writes `config.json` and `model.safetensors` as `transformers` reads them, into a folder that
/// is made if need be. A head that `transformers` lacks is described in a third file,
/// `modeling_cloze.py`, for `from_pretrained(…, trust_remote_code=True)`.
///
/// Every file appears whole or not at all, `config.json` last. The tokenizer saves itself.
///
/// # Errors
/// If a file cannot be written.
pub fn save_classifier(
    folder: &Path,
    classifier: &SequenceClassifier,
    metadata: &ClassifierMetadata<'_>,
) -> Result<(), CheckpointError> {
    let architecture = architecture_of(metadata.config)?;
    let (encoder_config, head) = (classifier.encoder.config(), classifier.head.config());
    let own = architecture.classification_head(metadata.config, encoder_config)?;
    let names = head_names(head, &own);
    let name = |canonical: &str| stored_name(architecture, names, canonical);
    write(&folder.join("model.safetensors"), |out| {
        safetensors::write(out, named_tensors(classifier, &name), StoredType::F32)
    })?;
    if names == HeadNames::Cloze {
        write(&folder.join(MODELING_FILE), |out| {
            out.write_all(MODELING.as_bytes())
        })?;
    }
    let mut json = shared_config(metadata.config, encoder_config, architecture);
    let head = StoredHead {
        config: head,
        own: &own,
        names,
    };
    describe_head(&mut json, architecture, &head, metadata)
        .map_err(|source| unwritable(folder, source.into()))?;
    write_config(folder, json)
}

/// Writes an encoder without head, as `AutoModel` reads it.
///
/// # Errors
/// If a file cannot be written.
pub fn save_encoder(
    folder: &Path,
    encoder: &Encoder,
    config: &ConfigJson,
) -> Result<(), CheckpointError> {
    let architecture = architecture_of(config)?;
    let name = |canonical: &str| architecture.hf_name(canonical);
    write(&folder.join("model.safetensors"), |out| {
        safetensors::write(out, named_tensors(encoder, &name), StoredType::F32)
    })?;
    let mut json = shared_config(config, encoder.config(), architecture);
    json.insert(
        "architectures".into(),
        json!([architecture.class_name(ModelClass::Encoder)]),
    );
    write_config(folder, json)
}

/// What is written about a masked language model beside its weights.
#[derive(Clone, Copy, Debug)]
pub struct MaskedLanguageMetadata<'a> {
    /// The `config.json` that the model came from; keys that cloze does not know stay in it.
    pub config: &'a ConfigJson,
    /// What the model was trained for: `masked-lm`, `pretraining`.
    pub task: &'a str,
    /// Longest sequence in training, special tokens included.
    pub max_length: Option<usize>,
}

/// Writes a masked language model as `BertForMaskedLM`, or with next-sentence prediction as
/// `BertForPreTraining`, reads it. The tokenizer saves itself.
///
/// # Errors
/// If a file cannot be written.
pub fn save_masked_language_model(
    folder: &Path,
    model: &MaskedLanguageModel,
    metadata: &MaskedLanguageMetadata<'_>,
) -> Result<(), CheckpointError> {
    let class = match model.next_sentence {
        Some(_) => ModelClass::Pretraining,
        None => ModelClass::MaskedLm,
    };
    let saved = SavedModel {
        config: metadata.config,
        encoder: model.encoder.config(),
        names: HeadNames::Architecture,
        class,
        task: metadata.task,
        max_length: metadata.max_length,
    };
    save_model(folder, model, &saved, |json| {
        json.insert(TIED.into(), json!(true));
    })
}

/// What is written about a model whose head `transformers` has as one of an architecture's classes.
#[derive(Clone, Copy, Debug)]
pub(super) struct SavedModel<'a> {
    /// The `config.json` that the model came from.
    pub(super) config: &'a ConfigJson,
    pub(super) encoder: &'a EncoderConfig,
    pub(super) names: HeadNames,
    pub(super) class: ModelClass,
    pub(super) task: &'a str,
    pub(super) max_length: Option<usize>,
}

/// Writes weights and `config.json`, to which `describe` adds what is the head's own.
pub(super) fn save_model(
    folder: &Path,
    model: &impl Module,
    saved: &SavedModel<'_>,
    describe: impl FnOnce(&mut Map<String, Value>),
) -> Result<(), CheckpointError> {
    let architecture = architecture_of(saved.config)?;
    let name = |canonical: &str| stored_name(architecture, saved.names, canonical);
    write(&folder.join("model.safetensors"), |out| {
        safetensors::write(out, named_tensors(model, &name), StoredType::F32)
    })?;
    let mut json = shared_config(saved.config, saved.encoder, architecture);
    let class = architecture.class_name(saved.class);
    json.insert("architectures".into(), json!([class]));
    // They belong to a head that the model no longer has.
    for stale in ["id2label", "label2id", "num_labels", "problem_type"] {
        json.shift_remove(stale);
    }
    describe(&mut json);
    let settings = ClozeSettings {
        task: Some(saved.task.into()),
        max_length: saved.max_length,
        stride: None,
        head: None,
        continuation: None,
    };
    settings
        .write(&mut json)
        .map_err(|source| unwritable(folder, source.into()))?;
    write_config(folder, json)
}

/// Every parameter of a model under its name in the file.
pub(super) fn named_tensors(
    model: &impl Module,
    name: &dyn Fn(&str) -> String,
) -> Vec<NamedTensor> {
    struct Collector<'a> {
        name: &'a dyn Fn(&str) -> String,
        tensors: Vec<NamedTensor>,
    }
    impl ParameterVisitor for Collector<'_> {
        fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
            let tensor = parameter.val();
            self.tensors.push(NamedTensor {
                name: (self.name)(name),
                shape: tensor.dims().to_vec(),
                values: Box::new(move || tensor.to_data()),
            });
        }
    }
    let mut collector = Collector {
        name,
        tensors: Vec::new(),
    };
    for_each_parameter(model, &mut collector);
    collector.tensors
}

/// The source's `config.json` with what every model of cloze says.
pub(super) fn shared_config(
    source: &ConfigJson,
    encoder_config: &EncoderConfig,
    architecture: &dyn Architecture,
) -> Map<String, Value> {
    let mut json = source.as_map().clone();
    architecture.write_config(encoder_config, &mut json);
    json.insert("dtype".into(), json!("float32"));
    // The old name of `dtype`; code of the source's own, which cloze did not run; settings of the
    // training that the source went through.
    for stale in ["torch_dtype", "auto_map", "cloze"] {
        json.shift_remove(stale);
    }
    json
}

struct StoredHead<'a> {
    config: &'a ClassificationHeadConfig,
    own: &'a ClassificationHeadConfig,
    names: HeadNames,
}

fn describe_head(
    json: &mut Map<String, Value>,
    architecture: &dyn Architecture,
    head: &StoredHead<'_>,
    metadata: &ClassifierMetadata<'_>,
) -> Result<(), serde_json::Error> {
    // What the architecture's own keys say; they have room for one dropout and for nothing else.
    let mut said = head.own.clone();
    let class = match head.names {
        HeadNames::Architecture | HeadNames::Tokens => {
            said = architecture.write_classification_head(head.config, json);
            architecture.class_name(ModelClass::SequenceClassification)
        }
        HeadNames::Cloze => {
            let class = "ClozeForSequenceClassification";
            let place = format!("modeling_cloze.{class}");
            json.insert(
                "auto_map".into(),
                json!({"AutoModelForSequenceClassification": place}),
            );
            class.into()
        }
    };
    json.insert("architectures".into(), json!([class]));
    // Follows from the labels; two sources of one number can only disagree.
    json.shift_remove("num_labels");
    label_names::write(metadata.labels, json);
    json.insert("problem_type".into(), json!(metadata.problem_type.name()));
    let settings = ClozeSettings {
        task: Some(metadata.task.into()),
        max_length: metadata.max_length,
        stride: metadata.stride,
        head: (*head.config != said).then(|| head.config.clone()),
        continuation: None,
    };
    settings.write(json)
}

pub(super) fn write_config(folder: &Path, json: Map<String, Value>) -> Result<(), CheckpointError> {
    write(&folder.join("config.json"), |out| {
        serde_json::to_writer_pretty(&mut *out, &Value::Object(json))?;
        out.write_all(b"\n")
    })
}

pub(super) fn write(
    path: &Path,
    content: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> Result<(), CheckpointError> {
    output::write_file(path, content).map_err(|source| unwritable(path, source))
}

pub(super) fn unwritable(path: &Path, source: io::Error) -> CheckpointError {
    CheckpointError::Write {
        path: path.into(),
        source,
    }
}
