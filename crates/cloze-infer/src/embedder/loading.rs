use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cloze_core::InputError;
use cloze_data::fingerprint::file_fingerprint;
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::{Checkpoint, SentenceTransformer, load_encoder};
use cloze_model::{EmbeddingLayer, Pooling, SentenceEncoder};
use serde::{Deserialize, Serialize};

use super::Embedder;
use super::prompts::Prompts;
use crate::pipeline::{describe, max_length, open_tokenizer};
use crate::{InferError, Similarity};

/// What is to be done otherwise than a folder says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbedderOptions {
    /// How tokens are pooled; several poolings stand side by side. Where neither this nor the
    /// folder says, by their mean.
    pub pooling: Option<Vec<Pooling>>,
    /// Whether vectors get length 1 in the end. Where neither this nor the folder says, they do not.
    pub normalize: Option<bool>,
    /// Tokens that are read of a text, special tokens included, at most what the model has
    /// positions for.
    pub max_length: Option<usize>,
}

/// What vectors depend on besides the tokenizer, for [`Embedder::fingerprint`].
#[derive(Clone, Debug)]
pub(super) struct FingerprintParts {
    files: Vec<PathBuf>,
    settings: String,
}

impl Embedder {
    /// Loads a folder that cloze, `transformers` or `sentence-transformers` has saved.
    ///
    /// # Errors
    /// If the folder is no checkpoint, its vocabulary does not belong to its weights, it names a
    /// module that cloze does not compute, or what is wanted does not fit it: pooled output of a
    /// model without pooler, say.
    pub fn open(
        folder: &Path,
        options: &EmbedderOptions,
        device: &Device,
    ) -> Result<Self, InferError> {
        let stated = SentenceTransformer::read(folder)?;
        let stated = stated.as_ref();
        let transformer = stated.map_or(folder, SentenceTransformer::transformer);
        let checkpoint = Checkpoint::open(transformer)?;
        let mut tokenizer = open_tokenizer(&checkpoint)?;
        if stated.is_some_and(SentenceTransformer::lowercase) {
            tokenizer.lowercase()?;
        }
        let model = model(&checkpoint, stated, options, device)?;
        let max_length = length(&checkpoint, &tokenizer, stated, options);
        let prompts = Prompts {
            named: stated.map_or_else(Default::default, |stated| stated.prompts().clone()),
            usual: stated.and_then(|stated| Some(stated.default_prompt()?.to_owned())),
            pooled: stated.is_none_or(SentenceTransformer::pools_prompt),
        };
        let mut files: Vec<PathBuf> = checkpoint.tensors()?.files().map(Into::into).collect();
        files.push(transformer.join("config.json"));
        if let Some(stated) = stated {
            files.extend(stated.layer_files()?);
        }
        let settings = format!("{max_length} {} {}", prompts.pooled, model.describe());
        Ok(Self {
            folder: folder.into(),
            model,
            tokenizer,
            max_length,
            prompts,
            similarity: similarity(folder, stated)?,
            fingerprint: FingerprintParts { files, settings },
        })
    }

    /// A hash of everything that decides which vector a text gets, in hexadecimal digits: weights,
    /// configuration, tokenizer, what is done with the states. Prompts are not in it.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn fingerprint(&self) -> Result<String, InferError> {
        let mut hasher = blake3::Hasher::new();
        for path in &self.fingerprint.files {
            let hash = file_fingerprint(path).map_err(InferError::read(path))?;
            hasher.update(hash.as_bytes());
        }
        hasher.update(self.tokenizer.fingerprint().as_bytes());
        hasher.update(self.fingerprint.settings.as_bytes());
        Ok(hasher.finalize().to_hex().to_string())
    }
}

/// The encoder, its poolings and what stands behind them.
fn model(
    checkpoint: &Checkpoint,
    stated: Option<&SentenceTransformer>,
    options: &EmbedderOptions,
    device: &Device,
) -> Result<SentenceEncoder, InferError> {
    let pooling = match (&options.pooling, stated) {
        (Some(pooling), _) => pooling.clone(),
        (None, Some(stated)) => stated.pooling().to_vec(),
        (None, None) => vec![Pooling::Mean],
    };
    let mut layers = match stated {
        Some(stated) => stated.load_layers(device)?,
        None => Vec::new(),
    };
    let ends_normalized =
        |layers: &[EmbeddingLayer]| matches!(layers.last(), Some(EmbeddingLayer::Normalize));
    match options.normalize {
        Some(true) if !ends_normalized(&layers) => layers.push(EmbeddingLayer::Normalize),
        Some(false) => {
            while ends_normalized(&layers) {
                layers.pop();
            }
        }
        _ => {}
    }
    let (mut encoder, report) = load_encoder(checkpoint, device)?;
    if !report.missing.is_empty() {
        // Only a pooler may be missing, and it was drawn anew.
        if pooling.contains(&Pooling::Pooled) {
            return Err(InferError::NoPooler {
                folder: checkpoint.folder().into(),
                what: describe(checkpoint),
                missing: report.missing,
            });
        }
        encoder.pooler = None;
    }
    encoder.pack_weights();
    SentenceEncoder::new(encoder, pooling, layers).map_err(|source| InferError::Embedding {
        folder: checkpoint.folder().into(),
        source: Box::new(source),
    })
}

/// What is asked for, otherwise what the folder says, and at most what the model has positions for.
fn length(
    checkpoint: &Checkpoint,
    tokenizer: &Tokenizer,
    stated: Option<&SentenceTransformer>,
    options: &EmbedderOptions,
) -> usize {
    let stated = stated.and_then(SentenceTransformer::max_length);
    let positions = checkpoint.encoder_config().max_position_embeddings;
    match options.max_length.or(stated) {
        Some(length) => length.min(positions),
        None => max_length(checkpoint, tokenizer),
    }
}

fn similarity(
    folder: &Path,
    stated: Option<&SentenceTransformer>,
) -> Result<Similarity, InputError> {
    let Some(name) = stated.and_then(SentenceTransformer::similarity) else {
        return Ok(Similarity::default());
    };
    Similarity::from_name(name).ok_or_else(|| {
        let path = folder.join("config_sentence_transformers.json");
        let names = Similarity::ALL.map(Similarity::name).join(", ");
        InputError::new(path, format!("{name:?}"), format!("one of {names}"))
            .in_field("similarity_fn_name")
    })
}
