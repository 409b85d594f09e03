//! Folders of `sentence-transformers`: a checkpoint, and beside it what is done with its states.
//!
//! - `modules.json`: the parts in their order, each with its folder
//! - the transformer's `sentence_bert_config.json`: maximum length, lower case
//! - `1_Pooling/config.json`, `2_Dense/config.json`, `…`: the parts behind the transformer
//! - `config_sentence_transformers.json`: prompts, and how vectors are compared
//!
//! Reference: <https://github.com/huggingface/sentence-transformers>, version 6 and what earlier
//! versions wrote. A part, or a setting of one, that cloze does not compute is an error.

mod dense;
mod modules;
mod pooling;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cloze_core::{ConfigJson, InputError};
use serde_json::{Value, json};

use super::CheckpointError;
use crate::heads::{EmbeddingLayer, Pooling};
use dense::Dense;
use modules::{Kind, Module};

/// What a folder of `sentence-transformers` says beside the checkpoint that it holds.
#[derive(Clone, Debug)]
pub struct SentenceTransformer {
    transformer: PathBuf,
    pooling: Vec<Pooling>,
    pools_prompt: bool,
    layers: Vec<Layer>,
    max_length: Option<usize>,
    lowercase: bool,
    prompts: BTreeMap<String, String>,
    default_prompt: Option<String>,
    similarity: Option<String>,
}

/// What stands behind the pooling.
#[derive(Clone, Debug, PartialEq)]
enum Layer {
    Dense(Dense),
    Normalize,
}

/// What the settings of the transformer are called; each version wrote the name of its class.
const TRANSFORMER_SETTINGS: [&str; 2] = [
    "sentence_bert_config.json",
    "sentence_distilbert_config.json",
];

const SETTINGS: &str = "config_sentence_transformers.json";
/// What texts are turned into unless a module says otherwise.
const OUTPUT: &str = "sentence_embedding";

impl SentenceTransformer {
    /// Reads the folder; nothing if it has no `modules.json`.
    ///
    /// # Errors
    /// If a file is missing or cannot be understood, or names something that cloze does not compute.
    pub fn read(folder: &Path) -> Result<Option<Self>, CheckpointError> {
        let path = folder.join("modules.json");
        if !path.exists() {
            return Ok(None);
        }
        let modules = modules::read(&path)?;
        let mut parts = modules.iter();
        let transformer = match parts.next() {
            Some(module) if module.kind == Kind::Transformer => module.folder(folder),
            found => return Err(modules::misplaced(&path, found, 0, "Transformer").into()),
        };
        let (pooling, pools_prompt) = match parts.next() {
            Some(module) if module.kind == Kind::Pooling => {
                pooling::read(&module.folder(folder).join("config.json"))?
            }
            found => return Err(modules::misplaced(&path, found, 1, "Pooling").into()),
        };
        let mut layers = Vec::new();
        for (index, module) in parts.enumerate() {
            layers.extend(layer(folder, &path, index + 2, module)?);
        }
        let mut read = Self {
            transformer,
            pooling,
            pools_prompt,
            layers,
            max_length: None,
            lowercase: false,
            prompts: BTreeMap::new(),
            default_prompt: None,
            similarity: None,
        };
        read.read_transformer_settings()?;
        read.read_settings(&folder.join(SETTINGS))?;
        Ok(Some(read))
    }

    fn read_transformer_settings(&mut self) -> Result<(), CheckpointError> {
        let paths = TRANSFORMER_SETTINGS.map(|name| self.transformer.join(name));
        let Some(path) = paths.iter().find(|path| path.exists()) else {
            return Ok(());
        };
        let config = ConfigJson::read(path)?;
        config.refuse_unless("transformer_task", &json!("feature-extraction"))?;
        config.refuse_unless("module_output_name", &json!("token_embeddings"))?;
        for key in ["query_length", "document_length", "query_expansion"] {
            config.refuse_unless(key, &Value::Null)?;
        }
        self.max_length = match config.get("max_seq_length") {
            Some(_) => Some(config.size("max_seq_length")?),
            None => None,
        };
        self.lowercase = config.flag_or("do_lower_case", false)?;
        Ok(())
    }

    fn read_settings(&mut self, path: &Path) -> Result<(), CheckpointError> {
        if !path.exists() {
            return Ok(());
        }
        let config = ConfigJson::read(path)?;
        if let Some(prompts) = config.get("prompts") {
            let wanted = "an object of names and texts";
            let prompts = prompts
                .as_object()
                .ok_or_else(|| config.error("prompts", wanted))?;
            for (name, prompt) in prompts {
                let prompt = prompt
                    .as_str()
                    .ok_or_else(|| config.error("prompts", wanted))?;
                self.prompts.insert(name.clone(), prompt.into());
            }
        }
        let text = |key| match config.get(key) {
            Some(_) => config.text_or(key, "").map(|text| Some(text.to_owned())),
            None => Ok(None),
        };
        self.default_prompt = text("default_prompt_name")?;
        if let Some(name) = &self.default_prompt
            && !self.prompts.contains_key(name)
        {
            let wanted = "the name of one of the prompts, or null";
            return Err(config.error("default_prompt_name", wanted).into());
        }
        self.similarity = text("similarity_fn_name")?;
        Ok(())
    }

    /// The folder of the checkpoint and its tokenizer.
    pub fn transformer(&self) -> &Path {
        &self.transformer
    }

    /// How tokens are pooled.
    pub fn pooling(&self) -> &[Pooling] {
        &self.pooling
    }

    /// Whether the tokens of a prompt are pooled with those of the text.
    pub fn pools_prompt(&self) -> bool {
        self.pools_prompt
    }

    /// Tokens that are read of a text, special tokens included, if the folder says so.
    pub fn max_length(&self) -> Option<usize> {
        self.max_length
    }

    /// Whether letters become small before a text is tokenized.
    pub fn lowercase(&self) -> bool {
        self.lowercase
    }

    /// What may be put in front of texts, by name.
    pub fn prompts(&self) -> &BTreeMap<String, String> {
        &self.prompts
    }

    /// The name of the prompt that every text has unless another one is asked for.
    pub fn default_prompt(&self) -> Option<&str> {
        self.default_prompt.as_deref()
    }

    /// How vectors are compared, as the folder has it: `cosine`, `dot`, ….
    pub fn similarity(&self) -> Option<&str> {
        self.similarity.as_deref()
    }

    /// The files of weights behind the pooling.
    ///
    /// # Errors
    /// If a dense layer has none.
    pub fn layer_files(&self) -> Result<Vec<PathBuf>, CheckpointError> {
        let mut files = Vec::new();
        for layer in &self.layers {
            if let Layer::Dense(dense) = layer {
                files.extend(dense.tensors()?.files().map(Path::to_owned));
            }
        }
        Ok(files)
    }

    /// What stands behind the pooling, with its weights.
    ///
    /// # Errors
    /// If a dense layer has no weights, or others than its `config.json` says.
    pub fn load_layers(&self, device: &Device) -> Result<Vec<EmbeddingLayer>, CheckpointError> {
        let load = |layer: &Layer| match layer {
            Layer::Dense(dense) => Ok(EmbeddingLayer::Dense(dense.load(device)?)),
            Layer::Normalize => Ok(EmbeddingLayer::Normalize),
        };
        self.layers.iter().map(load).collect()
    }
}

/// A module behind the pooling; nothing for one that does nothing outside training.
fn layer(
    folder: &Path,
    path: &Path,
    index: usize,
    module: &Module,
) -> Result<Option<Layer>, CheckpointError> {
    let folder = module.folder(folder);
    match module.kind {
        Kind::Dense => Ok(Some(Layer::Dense(Dense::read(folder)?))),
        Kind::Normalize => {
            let settings = folder.join("config.json");
            if settings.exists() {
                refuse_other_vectors(&ConfigJson::read(&settings)?)?;
            }
            Ok(Some(Layer::Normalize))
        }
        Kind::Dropout => Ok(None),
        Kind::Transformer | Kind::Pooling => {
            let wanted = "Dense or Normalize";
            Err(modules::misplaced(path, Some(module), index, wanted).into())
        }
    }
}

/// Modules can be told to work on the vectors of tokens instead.
fn refuse_other_vectors(config: &ConfigJson) -> Result<(), InputError> {
    config.refuse_unless("module_input_name", &json!(OUTPUT))?;
    config.refuse_unless("module_output_name", &json!(OUTPUT))
}
