//! Search in an index of vectors, exact and along the graph of neighbours: time, and how many of the
//! ten nearest the graph finds.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use cloze_data::RandomStream;
use cloze_data::vector_file::{VectorFile, VectorFormat};
use cloze_infer::{Hit, Similarity, VectorIndex};
use cloze_platform::allocator::Allocator;
use serde::Serialize;
use serde_json::json;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Search among random vectors in clusters, and print one line of JSON
#[derive(Debug, Parser)]
struct Arguments {
    /// An empty folder for the vectors
    #[arg(long)]
    folder: PathBuf,

    /// Vectors
    #[arg(long, default_value_t = 100_000)]
    texts: usize,

    /// Numbers of a vector
    #[arg(long, default_value_t = 384)]
    dimension: usize,

    /// Vectors that belong together
    #[arg(long, default_value_t = 100)]
    cluster: usize,

    /// Queries, which are new vectors of the clusters
    #[arg(long, default_value_t = 200)]
    queries: usize,

    /// Texts that are wanted of a query
    #[arg(long, default_value_t = 10)]
    top_k: usize,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    texts: usize,
    dimension: usize,
    /// Of the graph, by one thread.
    build_seconds: f64,
    /// Of a query.
    exact_milliseconds: f64,
    /// Of a query.
    approximate_milliseconds: f64,
    /// The share of the nearest texts that the graph finds.
    recall: f64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    write_index(&arguments)?;
    let queries = vectors(&arguments, 2, arguments.queries).collect::<Vec<_>>();
    let exact = VectorIndex::open(&arguments.folder)?;
    let (exact_found, exact_milliseconds) = search(&exact, &queries, arguments.top_k)?;
    let start = Instant::now();
    let graph = exact.with_graph(&mut |_| ())?;
    let build_seconds = start.elapsed().as_secs_f64();
    let (found, approximate_milliseconds) = search(&graph, &queries, arguments.top_k)?;
    let report = Report {
        texts: arguments.texts,
        dimension: arguments.dimension,
        build_seconds,
        exact_milliseconds,
        approximate_milliseconds,
        recall: recall(&found, &exact_found),
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

/// Vectors around centres that are the same for every `stream`.
fn vectors(
    arguments: &Arguments,
    stream: u64,
    count: usize,
) -> impl Iterator<Item = Vec<f32>> + use<> {
    let (dimension, clusters) = (
        arguments.dimension,
        arguments.texts.div_ceil(arguments.cluster),
    );
    let mut random = RandomStream::new(1, &[stream]);
    (0..count).map(move |_| {
        let cluster = random.below(clusters) as u64;
        let mut centre = RandomStream::new(1, &[0, cluster]);
        (0..dimension)
            .map(|_| bell(&mut centre) + bell(&mut random))
            .collect()
    })
}

/// Close to a normal distribution.
fn bell(random: &mut RandomStream) -> f32 {
    let sum: f64 = (0..4).map(|_| random.unit()).sum();
    (sum - 2.0) as f32
}

/// An index without graph and without model: nothing is embedded here.
fn write_index(arguments: &Arguments) -> Result<()> {
    let path = |name: &str| arguments.folder.join(name);
    let width = arguments.dimension;
    let safetensors = VectorFormat::Safetensors;
    let mut file = VectorFile::create(&path("vectors.safetensors"), safetensors, width)?;
    for mut vector in vectors(arguments, 1, arguments.texts) {
        Similarity::Cosine.prepare(&mut vector);
        file.push(&vector)?;
    }
    file.finish()?;
    let description = json!({
        "format": "cloze-index", "version": 1, "model": "none", "fingerprint": "", "options": {},
        "prompt": "", "similarity": "cosine", "texts": arguments.texts, "dimension": width,
    });
    fs::write(path("index.json"), description.to_string())?;
    Ok(())
}

/// What is found, and the milliseconds of a query, one at a time.
fn search(index: &VectorIndex, queries: &[Vec<f32>], top_k: usize) -> Result<(Vec<Vec<Hit>>, f64)> {
    let start = Instant::now();
    let mut found = Vec::with_capacity(queries.len());
    for query in queries {
        found.extend(index.search(std::slice::from_ref(query), top_k)?);
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok((found, 1e3 * seconds / queries.len() as f64))
}

fn recall(found: &[Vec<Hit>], exact: &[Vec<Hit>]) -> f64 {
    let (mut hits, mut all) = (0, 0);
    for (found, exact) in found.iter().zip(exact) {
        let is_found = |hit: &&Hit| found.iter().any(|other| other.row == hit.row);
        hits += exact.iter().filter(is_found).count();
        all += exact.len();
    }
    hits as f64 / all.max(1) as f64
}
