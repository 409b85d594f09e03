use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use cloze_core::output;
use cloze_data::fingerprint::file_fingerprint;
use cloze_data::vector_file::{VectorFile, VectorFormat};

use super::description::Description;
use super::graph::{Graph, Rows};
use super::{
    APPROXIMATE_FROM, DESCRIPTION, GRAPH, IndexedText, SearchKind, TEXTS, VECTORS, read_vectors,
};
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
/// index.finish(None, &mut |_| ())?;
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

    /// Writes what is left to write: the folder then holds an index. Where it is to be searched in
    /// approximately, as it is from [`APPROXIMATE_FROM`] texts on unless `kind` says otherwise, this
    /// builds a graph of its vectors, which are read into memory; `progress` is told how many are in
    /// it. Returns how the index is searched in.
    ///
    /// # Errors
    /// If a file cannot be written, or read again.
    pub fn finish(
        mut self,
        kind: Option<SearchKind>,
        progress: &mut dyn FnMut(usize),
    ) -> Result<SearchKind, InferError> {
        let flushed = self.texts.flush();
        flushed.map_err(InferError::write(&self.folder.join(TEXTS)))?;
        self.description.texts = self.vectors.rows();
        self.vectors.finish()?;
        let kind = kind.unwrap_or(match self.description.texts {
            APPROXIMATE_FROM.. => SearchKind::Approximate,
            _ => SearchKind::Exact,
        });
        if kind == SearchKind::Approximate {
            let graph = write_graph(&self.folder, &self.description, progress)?;
            self.description.graph = Some(graph);
        }
        let path = self.folder.join(DESCRIPTION);
        output::write_file(&path, |out| {
            serde_json::to_writer_pretty(&mut *out, &self.description)?;
            out.write_all(b"\n")
        })
        .map_err(InferError::write(&path))?;
        Ok(kind)
    }
}

/// Builds the graph of an index whose vectors are written, and gives the hash of its file.
pub(super) fn write_graph(
    folder: &Path,
    description: &Description,
    progress: &mut dyn FnMut(usize),
) -> Result<String, InferError> {
    let (texts, dimension) = (description.texts, description.dimension);
    let vectors = read_vectors(folder.join(VECTORS), texts, dimension)?;
    let vectors = vectors
        .as_slice::<f32>()
        .expect("the file of tensors was read as f32");
    let rows = Rows { vectors, dimension };
    let graph = Graph::build(rows, description.similarity, progress)?;
    let path = folder.join(GRAPH);
    graph.write(&path)?;
    file_fingerprint(&path).map_err(InferError::read(&path))
}
