//! Texts and their vectors in a folder, and search in it.
//!
//! | file | what |
//! |---|---|
//! | `index.json` | [`Description`]: the model and its fingerprint, how vectors were made, how many |
//! | `vectors.safetensors` | `embeddings`, `[texts, dimension]` |
//! | `texts.jsonl` | a line a text, in the order of the vectors: `{"id": …, "text": …}` |
//! | `neighbours.hnsw` | a graph of neighbours, where the index is large |
//!
//! Search compares every vector, so it is exact; where there is a graph it goes from neighbour to
//! neighbour, and compares a few thousand of them, however many there are.

mod description;
mod graph;
mod graph_file;
mod nearest;
mod stored_texts;
mod writer;

use std::path::{Path, PathBuf};

use burn::tensor::TensorData;
use cloze_core::InputError;
use cloze_data::fingerprint::file_fingerprint;
use cloze_data::vector_file::TENSOR;
use cloze_model::checkpoint::TensorStore;

use crate::{Embedder, EmbedderOptions, InferError, Similarity};
use description::Description;
use graph::{Graph, Rows};
pub use nearest::Hit;
use nearest::Nearest;
pub use stored_texts::IndexedText;
pub use writer::{IndexSettings, IndexWriter};

const DESCRIPTION: &str = "index.json";
const VECTORS: &str = "vectors.safetensors";
const TEXTS: &str = "texts.jsonl";
const GRAPH: &str = "neighbours.hnsw";

/// From how many texts on an index has a graph where nobody says whether it does.
pub const APPROXIMATE_FROM: usize = 100_000;

/// How an index is searched in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchKind {
    /// Every vector is compared.
    Exact,
    /// A graph of neighbours leads to nearly always the same texts.
    Approximate,
}

/// An index that is searched in.
///
/// ```no_run
/// use burn::tensor::Device;
/// use cloze_infer::{EmbedOptions, Embedder, Prompt, VectorIndex};
/// let index = VectorIndex::open("runs/reviews-index".as_ref())?;
/// let (model, options) = (index.model().as_ref(), index.embedder_options());
/// let embedder = Embedder::open(model, options, &Device::flex())?;
/// index.check(&embedder)?;
/// let options = EmbedOptions { prompt: Prompt::Query, ..EmbedOptions::default() };
/// let query = embedder.embed(&["a waste of time"], &options)?.remove(0);
/// for hit in &index.search(&[query.vector], 3)?[0] {
///     println!("{} {}", hit.score, index.texts_of(&[hit.row])?[0].text);
/// }
/// # Ok::<(), cloze_infer::InferError>(())
/// ```
#[derive(Debug)]
pub struct VectorIndex {
    folder: PathBuf,
    description: Description,
    vectors: TensorData,
    /// Where search goes along it.
    graph: Option<Graph>,
}

impl VectorIndex {
    /// Reads the folder of an index: vectors and graph into memory, texts when they are asked for.
    ///
    /// # Errors
    /// If the folder holds no index, or its files do not belong together.
    pub fn open(folder: &Path) -> Result<Self, InferError> {
        let description = Description::read(&folder.join(DESCRIPTION))?;
        let path = folder.join(VECTORS);
        let vectors = read_vectors(path, description.texts, description.dimension)?;
        let graph = match &description.graph {
            Some(fingerprint) => {
                let path = folder.join(GRAPH);
                check_fingerprint(&path, fingerprint)?;
                let Description {
                    similarity,
                    dimension,
                    ..
                } = description;
                Some(Graph::read(
                    &path,
                    description.texts,
                    dimension,
                    similarity,
                )?)
            }
            None => None,
        };
        Ok(Self {
            folder: folder.into(),
            description,
            vectors,
            graph,
        })
    }

    /// Builds the graph of an index that has none, in memory; `progress` is told how many vectors are
    /// in it.
    ///
    /// # Errors
    /// If there are more vectors than it has room for.
    pub fn with_graph(mut self, progress: &mut dyn FnMut(usize)) -> Result<Self, InferError> {
        let vectors = self
            .vectors
            .as_slice::<f32>()
            .expect("the file of tensors was read as f32");
        let dimension = self.description.dimension;
        let rows = Rows { vectors, dimension };
        self.graph = Some(Graph::build(rows, self.description.similarity, progress)?);
        Ok(self)
    }

    /// Compares every vector, also where there is a graph.
    #[must_use]
    pub fn with_exact_search(mut self) -> Self {
        self.graph = None;
        self
    }

    /// How it is searched in.
    pub fn search_kind(&self) -> SearchKind {
        match self.graph {
            Some(_) => SearchKind::Approximate,
            None => SearchKind::Exact,
        }
    }

    /// The model as it was called when the index was made.
    pub fn model(&self) -> &str {
        &self.description.model
    }

    /// How the model was opened.
    pub fn embedder_options(&self) -> &EmbedderOptions {
        &self.description.options
    }

    /// How vectors are compared.
    pub fn similarity(&self) -> Similarity {
        self.description.similarity
    }

    /// How many texts there are.
    pub fn texts(&self) -> usize {
        self.description.texts
    }

    /// Refuses a model that would give the texts of the index other vectors than they have.
    ///
    /// # Errors
    /// If it is another model, or a file of it cannot be read.
    pub fn check(&self, embedder: &Embedder) -> Result<(), InferError> {
        if embedder.fingerprint()? == self.description.fingerprint {
            return Ok(());
        }
        Err(InferError::OtherModel {
            index: self.folder.clone(),
            made_with: self.description.model.clone(),
            model: embedder.folder().into(),
        })
    }

    /// The `top_k` texts whose vectors are most like each query's, best first; of equal ones the
    /// one that comes first in the index. Along a graph one of them may be missing, and the next
    /// best is there instead.
    ///
    /// # Errors
    /// If the graph is broken.
    ///
    /// # Panics
    /// If a query has another number of dimensions than the index.
    pub fn search(&self, queries: &[Vec<f32>], top_k: usize) -> Result<Vec<Vec<Hit>>, InferError> {
        let similarity = self.description.similarity;
        let mut queries = queries.to_vec();
        for query in &mut queries {
            assert_eq!(
                query.len(),
                self.description.dimension,
                "numbers of a query"
            );
            similarity.prepare(query);
        }
        let vectors = self
            .vectors
            .as_slice::<f32>()
            .expect("the file of tensors was read as f32");
        let dimension = self.description.dimension;
        if let Some(graph) = &self.graph {
            let rows = Rows { vectors, dimension };
            let hits = queries.iter().map(|query| graph.search(rows, query, top_k));
            return hits.collect();
        }
        let mut nearest = vec![Nearest::new(top_k); queries.len()];
        for (row, vector) in vectors.chunks(dimension).enumerate() {
            for (query, nearest) in queries.iter().zip(&mut nearest) {
                let score = similarity.score(query, vector);
                nearest.see(Hit { row, score });
            }
        }
        Ok(nearest.into_iter().map(Nearest::into_sorted).collect())
    }

    /// The texts in these rows, in their order.
    ///
    /// # Errors
    /// If the file of texts cannot be read, or has no such line.
    pub fn texts_of(&self, rows: &[usize]) -> Result<Vec<IndexedText>, InferError> {
        stored_texts::read(&self.folder.join(TEXTS), rows)
    }
}

/// The vectors of an index's file.
fn read_vectors(path: PathBuf, texts: usize, dimension: usize) -> Result<TensorData, InferError> {
    let tensors = TensorStore::open_file(&path)?;
    let vectors = tensors.read(TENSOR, &[texts, dimension])?;
    let missing =
        || InputError::new(path, "no such tensor", "the vectors of an index").in_field(TENSOR);
    Ok(vectors.ok_or_else(missing)?)
}

/// Refuses a file that is not the one that was written.
fn check_fingerprint(path: &Path, wanted: &str) -> Result<(), InferError> {
    let found = file_fingerprint(path).map_err(InferError::read(path))?;
    match found == wanted {
        true => Ok(()),
        false => {
            let found = format!("a file with the hash {found}");
            let wanted = format!("the one that belongs to the index, {wanted}");
            Err(InputError::new(path, found, wanted).into())
        }
    }
}

#[cfg(test)]
mod graph_tests;
#[cfg(test)]
mod tests;
