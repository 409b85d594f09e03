//! A graph of neighbours over the vectors of an index: hierarchical navigable small worlds (Malkov
//! and Yashunin 2018), of the crate `hnsw-stable`.
//!
//! It is built in the order of the rows by one thread, from a fixed seed, so the same vectors give the
//! same graph, to the byte. It holds no vectors: these are the index's own.

use std::fmt;
use std::fs;
use std::path::Path;

use cloze_core::{InputError, output};
use hnsw_stable::{Dense, Hnsw, HnswConfig, Metric, NodeId, VectorStore, VectorStoreMut};

use super::{Hit, graph_file};
use crate::{InferError, Similarity};

/// Neighbours of a vector in the upper levels, and half of those in the lowest.
const NEIGHBOURS: usize = 16;
/// Vectors that are looked at to find the neighbours of a new one.
const CANDIDATES_OF_NEW: usize = 200;
/// Decides the levels of the vectors.
const SEED: u64 = 42;
/// One thread builds it, so one lock is enough.
const LOCKS: usize = 1;
/// The fewest vectors that are looked at in a search; more where more hits are wanted.
const CANDIDATES: usize = 200;
/// Candidates for every hit that is wanted.
const CANDIDATES_OF_HIT: usize = 4;

/// Vectors one after another, by row.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) vectors: &'a [f32],
    pub(super) dimension: usize,
}

impl Rows<'_> {
    pub(super) fn len(self) -> usize {
        self.vectors.len() / self.dimension
    }
}

impl VectorStore for Rows<'_> {
    type Family = Dense<f32>;
    type Vector<'a>
        = &'a [f32]
    where
        Self: 'a;

    fn dim(&self) -> usize {
        self.dimension
    }

    fn vector(&self, id: NodeId) -> Option<&[f32]> {
        let start = id.as_usize() * self.dimension;
        self.vectors.get(start..start + self.dimension)
    }
}

/// The vectors are there before the graph is.
impl VectorStoreMut for Rows<'_> {
    fn set(&self, _: NodeId, _: &[f32]) -> hnsw_stable::Result<()> {
        Ok(())
    }
}

/// The more alike, the nearer.
#[derive(Clone, Copy, Debug)]
struct Distance(Similarity);

impl Metric for Distance {
    type Family = Dense<f32>;

    fn distance(&self, a: &[f32], b: &[f32]) -> f32 {
        -self.0.score(a, b)
    }
}

/// The graph of an index.
pub(super) struct Graph(Hnsw<u32, Distance>);

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("nodes", &self.0.len())
            .finish_non_exhaustive()
    }
}

fn config(rows: usize, dimension: usize) -> HnswConfig {
    HnswConfig::new(dimension, rows)
        .m(NEIGHBOURS)
        .ef_construction(CANDIDATES_OF_NEW)
        .seed(SEED)
        .label_operation_locks(LOCKS)
}

impl Graph {
    /// Builds the graph of these vectors, which are [prepared](Similarity::prepare). `progress` is
    /// told how many are in it.
    pub(super) fn build(
        rows: Rows<'_>,
        similarity: Similarity,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Self, InferError> {
        let graph = Hnsw::new(Distance(similarity), config(rows.len(), rows.dimension));
        for (row, vector) in rows.vectors.chunks_exact(rows.dimension).enumerate() {
            let key = u32::try_from(row).map_err(|_| InferError::Graph {
                reason: format!("it has room for {} vectors", u32::MAX),
            })?;
            graph.insert(&rows, key, vector).map_err(broken)?;
            progress(row + 1);
        }
        Ok(Self(graph))
    }

    /// Writes it into a file.
    pub(super) fn write(&self, path: &Path) -> Result<(), InferError> {
        output::write_file(path, |mut out| {
            self.0.save_to(&mut out).map_err(std::io::Error::other)
        })
        .map_err(InferError::write(path))
    }

    /// Reads a file that belongs to an index of so many vectors. What does not fit, in any place, is
    /// refused before it is made a graph of.
    pub(super) fn read(
        path: &Path,
        rows: usize,
        dimension: usize,
        similarity: Similarity,
    ) -> Result<Self, InferError> {
        let bytes = fs::read(path).map_err(InferError::read(path))?;
        let damaged = |reason: String| {
            let wanted = "the graph that `cloze index` has made of these vectors";
            InputError::new(path, format!("what does not fit ({reason})"), wanted)
        };
        graph_file::check(&bytes, &config(rows, dimension)).map_err(damaged)?;
        let graph = Hnsw::load_from(Distance(similarity), &mut bytes.as_slice());
        Ok(Self(graph.map_err(|error| damaged(error.to_string()))?))
    }

    /// Vectors that are most like a [prepared](Similarity::prepare) query, best first: nearly always
    /// the best there are.
    pub(super) fn search(
        &self,
        rows: Rows<'_>,
        query: &[f32],
        top_k: usize,
    ) -> Result<Vec<Hit>, InferError> {
        self.0
            .set_ef_search(CANDIDATES.max(top_k.saturating_mul(CANDIDATES_OF_HIT)));
        let found = self.0.search(&rows, query, top_k, None).map_err(broken)?;
        let hits = found.into_iter().map(|hit| Hit {
            row: hit.key as usize,
            score: -hit.distance,
        });
        Ok(hits.collect())
    }
}

fn broken(error: hnsw_stable::Error) -> InferError {
    InferError::Graph {
        reason: error.to_string(),
    }
}
