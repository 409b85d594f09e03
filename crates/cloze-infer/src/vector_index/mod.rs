//! Texts and their vectors in a folder, and search in it.
//!
//! | file | what |
//! |---|---|
//! | `index.json` | [`Description`]: the model and its fingerprint, how vectors were made, how many |
//! | `vectors.safetensors` | `embeddings`, `[texts, dimension]` |
//! | `texts.jsonl` | a line a text, in the order of the vectors: `{"id": …, "text": …}` |
//!
//! Search is exact: every vector is compared.

mod description;
mod nearest;
mod stored_texts;
mod writer;

use std::path::{Path, PathBuf};

use burn::tensor::TensorData;
use cloze_core::InputError;
use cloze_data::vector_file::TENSOR;
use cloze_model::checkpoint::TensorStore;

use crate::{Embedder, EmbedderOptions, InferError, Similarity};
use description::Description;
pub use nearest::Hit;
use nearest::Nearest;
pub use stored_texts::IndexedText;
pub use writer::{IndexSettings, IndexWriter};

const DESCRIPTION: &str = "index.json";
const VECTORS: &str = "vectors.safetensors";
const TEXTS: &str = "texts.jsonl";

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
/// for hit in &index.search(&[query.vector], 3)[0] {
///     println!("{} {}", hit.score, index.texts_of(&[hit.row])?[0].text);
/// }
/// # Ok::<(), cloze_infer::InferError>(())
/// ```
#[derive(Debug)]
pub struct VectorIndex {
    folder: PathBuf,
    description: Description,
    vectors: TensorData,
}

impl VectorIndex {
    /// Reads the folder of an index: vectors into memory, texts when they are asked for.
    ///
    /// # Errors
    /// If the folder holds no index, or its files do not belong together.
    pub fn open(folder: &Path) -> Result<Self, InferError> {
        let description = Description::read(&folder.join(DESCRIPTION))?;
        let path = folder.join(VECTORS);
        let tensors = TensorStore::open_file(&path)?;
        let shape = [description.texts, description.dimension];
        let vectors = tensors.read(TENSOR, &shape)?.ok_or_else(|| {
            InputError::new(path, "no such tensor", "the vectors of an index").in_field(TENSOR)
        })?;
        Ok(Self {
            folder: folder.into(),
            description,
            vectors,
        })
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
    /// one that comes first in the index.
    ///
    /// # Panics
    /// If a query has another number of dimensions than the index.
    pub fn search(&self, queries: &[Vec<f32>], top_k: usize) -> Vec<Vec<Hit>> {
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
        let mut nearest = vec![Nearest::new(top_k); queries.len()];
        let vectors = self
            .vectors
            .as_slice::<f32>()
            .expect("the file of tensors was read as f32");
        for (row, vector) in vectors.chunks(self.description.dimension).enumerate() {
            for (query, nearest) in queries.iter().zip(&mut nearest) {
                let score = similarity.score(query, vector);
                nearest.see(Hit { row, score });
            }
        }
        nearest.into_iter().map(Nearest::into_sorted).collect()
    }

    /// The texts in these rows, in their order.
    ///
    /// # Errors
    /// If the file of texts cannot be read, or has no such line.
    pub fn texts_of(&self, rows: &[usize]) -> Result<Vec<IndexedText>, InferError> {
        stored_texts::read(&self.folder.join(TEXTS), rows)
    }
}

#[cfg(test)]
mod tests;
