use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use cloze_core::output;
use cloze_data::vector_file::{VectorFile, VectorFormat};

use super::description::Description;
use super::{DESCRIPTION, IndexedText, TEXTS, VECTORS};
use crate::{Embedder, EmbedderOptions, InferError, Prompt, Similarity};

/// An index in the making. Texts are written as they come, so memory stays flat.
///
/// ```no_run
/// use burn::tensor::Device;
/// use cloze_infer::{
///     EmbedOptions, Embedder, EmbedderOptions, IndexSettings, IndexWriter, IndexedText, Prompt,
/// };
/// let (model, options) = ("all-MiniLM-L6-v2", EmbedderOptions::default());
/// let embedder = Embedder::open(model.as_ref(), &options, &Device::flex())?;
/// let prompt = Prompt::Document;
/// let similarity = embedder.similarity();
/// let settings = IndexSettings { model, options: &options, prompt: &prompt, similarity };
/// let mut index = IndexWriter::create("runs/new-index".as_ref(), &embedder, &settings)?;
/// let options = EmbedOptions { prompt: prompt.clone(), ..EmbedOptions::default() };
/// let texts = ["The soup was cold.", "A fine view."];
/// for (text, embedding) in texts.iter().zip(embedder.embed(&texts, &options)?) {
///     let text = IndexedText { id: None, text: text.to_string() };
///     index.push(&text, embedding.vector)?;
/// }
/// index.finish()?;
/// # Ok::<(), cloze_infer::InferError>(())
/// ```
#[derive(Debug)]
pub struct IndexWriter {
    folder: PathBuf,
    description: Description,
    vectors: VectorFile,
    texts: BufWriter<File>,
}

/// How an index is made.
#[derive(Clone, Debug)]
pub struct IndexSettings<'a> {
    /// What the model is called.
    pub model: &'a str,
    /// How it was opened.
    pub options: &'a EmbedderOptions,
    /// What is put in front of every text.
    pub prompt: &'a Prompt,
    /// How vectors are compared.
    pub similarity: Similarity,
}

impl IndexWriter {
    /// Begins an index in an empty folder.
    ///
    /// # Errors
    /// If the folder cannot be written, a file of the model cannot be read, or it has no such
    /// prompt.
    pub fn create(
        folder: &Path,
        embedder: &Embedder,
        settings: &IndexSettings<'_>,
    ) -> Result<Self, InferError> {
        let path = folder.join(TEXTS);
        let texts = File::create(&path).map_err(InferError::write(&path))?;
        let dimension = embedder.dimension();
        let fingerprint = embedder.fingerprint()?;
        let mut description = Description::new(settings.model, fingerprint, settings.similarity);
        description.options = settings.options.clone();
        description.prompt = embedder.prompt_text(settings.prompt)?.into();
        description.dimension = dimension;
        let path = folder.join(VECTORS);
        Ok(Self {
            folder: folder.into(),
            description,
            vectors: VectorFile::create(&path, VectorFormat::Safetensors, dimension)?,
            texts: BufWriter::new(texts),
        })
    }

    /// Adds a text with the vector that the model gives it.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn push(&mut self, text: &IndexedText, mut vector: Vec<f32>) -> Result<(), InferError> {
        self.description.similarity.prepare(&mut vector);
        self.vectors.push(&vector)?;
        let written = serde_json::to_writer(&mut self.texts, text)
            .map_err(Into::into)
            .and_then(|()| self.texts.write_all(b"\n"));
        written.map_err(InferError::write(&self.folder.join(TEXTS)))
    }

    /// How many texts were added.
    pub fn texts(&self) -> usize {
        self.vectors.rows()
    }

    /// Writes what is left to write: the folder then holds an index.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn finish(mut self) -> Result<(), InferError> {
        let flushed = self.texts.flush();
        flushed.map_err(InferError::write(&self.folder.join(TEXTS)))?;
        self.description.texts = self.vectors.rows();
        self.vectors.finish()?;
        let path = self.folder.join(DESCRIPTION);
        output::write_file(&path, |out| {
            serde_json::to_writer_pretty(&mut *out, &self.description)?;
            out.write_all(b"\n")
        })
        .map_err(InferError::write(&path))
    }
}
