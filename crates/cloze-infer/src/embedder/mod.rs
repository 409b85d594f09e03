//! Texts → vectors.

mod loading;
mod prompts;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use cloze_data::tokenizer::{TextInput, Tokenizer};
use cloze_model::{Pooling, SentenceEncoder};
use cloze_tasks::encoding::encode_texts;
use cloze_tasks::{Example, pack};

use crate::pipeline::by_length;
use crate::text_classifier::BATCH;
use crate::{InferError, Similarity};
pub use loading::EmbedderOptions;
pub use prompts::Prompt;
use prompts::Prompts;

/// A model that gives a text a vector: vectors of texts that mean the same point the same way.
///
/// The encoder of any checkpoint will do, whatever it was trained for, and a folder of
/// `sentence-transformers` is taken as it says: its poolings, dense layers, normalization, prompts,
/// maximum length.
///
/// ```no_run
/// use burn::tensor::Device;
/// use cloze_infer::{EmbedOptions, Embedder, EmbedderOptions, Similarity};
/// let options = EmbedderOptions::default();
/// let embedder = Embedder::open("all-MiniLM-L6-v2".as_ref(), &options, &Device::flex())?;
/// let texts = ["A man is eating.", "Someone has a meal."];
/// let mut embeddings = embedder.embed(&texts, &EmbedOptions::default())?;
/// for embedding in &mut embeddings {
///     Similarity::Cosine.prepare(&mut embedding.vector);
/// }
/// let cosine = Similarity::Cosine.score(&embeddings[0].vector, &embeddings[1].vector);
/// println!("{cosine}");
/// # Ok::<(), cloze_infer::InferError>(())
/// ```
#[derive(Debug)]
pub struct Embedder {
    folder: PathBuf,
    model: SentenceEncoder,
    tokenizer: Tokenizer,
    max_length: usize,
    prompts: Prompts,
    similarity: Similarity,
    fingerprint: loading::FingerprintParts,
}

/// How texts are embedded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedOptions {
    /// What is put in front of every text.
    pub prompt: Prompt,
    /// Texts that are computed together. It changes speed and memory, never vectors.
    pub batch_size: NonZeroUsize,
}

impl Default for EmbedOptions {
    fn default() -> Self {
        Self {
            prompt: Prompt::Usual,
            batch_size: BATCH,
        }
    }
}

/// The vector of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// `[dimension]`.
    pub vector: Vec<f32>,
    /// Length of the text in tokens, prompt included, before it was cut to what the model reads.
    pub length: usize,
}

impl Embedder {
    /// The folder that it was loaded from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Numbers of a vector.
    pub fn dimension(&self) -> usize {
        self.model.dimension()
    }

    /// How tokens are pooled.
    pub fn pooling(&self) -> &[Pooling] {
        self.model.pooling()
    }

    /// What is done with the states of tokens, in words: `mean, normalize`.
    pub fn describe(&self) -> String {
        self.model.describe()
    }

    /// Tokens that are read of a text, special tokens included; longer texts are cut.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// How the folder says that its vectors are compared; by their cosine where it does not say.
    pub fn similarity(&self) -> Similarity {
        self.similarity
    }

    /// The text that a prompt stands for, which may be none: an empty text.
    ///
    /// # Errors
    /// If the folder has no prompt of the name.
    pub fn prompt_text<'a>(&'a self, prompt: &'a Prompt) -> Result<&'a str, InferError> {
        self.prompts.text(prompt, &self.folder)
    }

    /// The vector of each text, in their order. Texts of similar length are computed together.
    ///
    /// # Errors
    /// If there is no such prompt, it leaves no room for a text, or the tokenizer or the model
    /// refuses a text.
    pub fn embed<S: AsRef<str>>(
        &self,
        texts: &[S],
        options: &EmbedOptions,
    ) -> Result<Vec<Embedding>, InferError> {
        let prompt = self.prompt_text(&options.prompt)?;
        let skipped = self.skipped(prompt)?;
        let prompted: Vec<String>;
        let inputs: Vec<TextInput<'_>> = if prompt.is_empty() {
            texts.iter().map(|text| text.as_ref().into()).collect()
        } else {
            let texts = texts.iter().map(AsRef::as_ref);
            prompted = texts.map(|text| format!("{prompt}{text}")).collect();
            prompted.iter().map(|text| text.as_str().into()).collect()
        };
        let examples = encode_texts(&self.tokenizer, &inputs, self.max_length, |_| ())?;
        let mut embeddings = vec![None; examples.len()];
        for batch in by_length(&examples, options.batch_size) {
            let vectors = self.vectors(&batch, skipped)?;
            for (example, vector) in batch.iter().zip(vectors.chunks(self.dimension())) {
                embeddings[example.row] = Some(Embedding {
                    vector: vector.into(),
                    length: example.facts.length,
                });
            }
        }
        // Every example is in exactly one batch.
        Ok(embeddings.into_iter().flatten().collect())
    }

    /// `[batch, dimension]`, row by row.
    fn vectors(&self, batch: &[&Example<()>], skipped: usize) -> Result<Vec<f32>, InferError> {
        let packed = pack(batch.iter().copied())?;
        let vectors = self.model.forward(&packed, skipped)?;
        Ok(vectors.into_data().iter::<f32>().collect())
    }

    /// How many tokens of every text are its prompt's and not pooled.
    fn skipped(&self, prompt: &str) -> Result<usize, InferError> {
        if prompt.is_empty() {
            return Ok(0);
        }
        let encoded = encode_texts(&self.tokenizer, &[prompt.into()], usize::MAX, |_| ())?;
        let ids = encoded.first().map_or(&[][..], |example| &example.ids);
        let end = self.tokenizer.special().sep.id;
        let tokens = match ids.split_last() {
            Some((&last, rest)) if last == end => rest.len(),
            _ => ids.len(),
        };
        if tokens + 1 >= self.max_length {
            return Err(InferError::LongPrompt {
                prompt: prompt.into(),
                tokens,
                limit: self.max_length,
            });
        }
        Ok(if self.prompts.pooled { 0 } else { tokens })
    }
}
