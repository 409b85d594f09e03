use std::fs;

use cloze_core::output;
use cloze_data::RandomStream;
use cloze_data::vector_file::{VectorFile, VectorFormat};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const DIMENSION: usize = 8;

/// Vectors in clusters, as texts about a few things have them, and some that are equal.
fn vectors(rows: u64) -> Vec<Vec<f32>> {
    let number = |path: &[u64]| RandomStream::new(5, path).unit() as f32 - 0.5;
    let vector = |row: u64| {
        let row = if row.is_multiple_of(7) { 0 } else { row };
        let cluster = row % 30;
        let place = |column| 2.0 * number(&[1, cluster, column]) + number(&[2, row, column]);
        (0..DIMENSION as u64).map(place).collect()
    };
    (0..rows).map(vector).collect()
}

/// An index of these vectors that has a graph.
fn index(similarity: Similarity, vectors: &[Vec<f32>]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(VECTORS);
    let mut file = VectorFile::create(&path, VectorFormat::Safetensors, DIMENSION).unwrap();
    for vector in vectors {
        let mut vector = vector.clone();
        similarity.prepare(&mut vector);
        file.push(&vector).unwrap();
    }
    file.finish().unwrap();
    let mut description = Description::new("m", "f".into(), similarity);
    (description.texts, description.dimension) = (vectors.len(), DIMENSION);
    let mut seen = 0;
    let graph = writer::write_graph(folder.path(), &description, &mut |done| seen = done);
    assert_eq!(seen, vectors.len());
    describe(&folder, description, graph.unwrap());
    folder
}

fn describe(folder: &TempDir, mut description: Description, graph: String) {
    description.graph = Some(graph);
    output::write_file(&folder.path().join(DESCRIPTION), |out| {
        Ok(serde_json::to_writer(out, &description)?)
    })
    .unwrap();
}

#[test]
fn the_graph_leads_to_what_a_comparison_of_all_vectors_finds() {
    let all = vectors(2400);
    let queries: Vec<Vec<f32>> = (0..40).map(|query| all[query * 53].clone()).collect();
    for similarity in Similarity::ALL {
        let folder = index(similarity, &all);
        let found = VectorIndex::open(folder.path()).unwrap();
        assert_eq!(found.search_kind(), SearchKind::Approximate);
        let near = found.search(&queries, 10).unwrap();
        let exact = found.with_exact_search();
        assert_eq!(exact.search_kind(), SearchKind::Exact);
        let exact = exact.search(&queries, 10).unwrap();
        let mut same = 0;
        for (near, exact) in near.iter().zip(&exact) {
            // Of equal vectors the one may stand for the other.
            let scores = |hits: &[Hit]| hits.iter().map(|hit| hit.score).collect::<Vec<_>>();
            let (near, exact) = (scores(near), scores(exact));
            assert!(near.is_sorted_by(|a, b| a >= b));
            same += near.iter().filter(|score| exact.contains(score)).count();
        }
        assert!(same > 380, "{similarity:?}: {same} of 400");
    }
}

#[test]
fn the_same_vectors_give_the_same_graph_to_the_byte() {
    let all = vectors(500);
    let bytes = |folder: TempDir| fs::read(folder.path().join(GRAPH)).unwrap();
    let first = bytes(index(Similarity::Cosine, &all));
    assert_eq!(first, bytes(index(Similarity::Cosine, &all)));
    assert_ne!(first, bytes(index(Similarity::Cosine, &all[..499])));
}

#[test]
fn more_hits_than_texts_are_all_texts_and_none_is_none() {
    let all = vectors(6);
    let folder = index(Similarity::Dot, &all);
    let found = VectorIndex::open(folder.path()).unwrap();
    let mut rows: Vec<usize> = found.search(&all[..1], 99).unwrap()[0]
        .iter()
        .map(|hit| hit.row)
        .collect();
    rows.sort_unstable();
    assert_eq!(rows, [0, 1, 2, 3, 4, 5]);
    assert!(found.search(&all[..1], 0).unwrap()[0].is_empty());
}

/// The folder with other bytes as its graph, and a description that says they belong to it.
fn with_graph(folder: &TempDir, bytes: &[u8]) -> Result<VectorIndex, InferError> {
    let path = folder.path().join(GRAPH);
    fs::write(&path, bytes).unwrap();
    let description = Description::read(&folder.path().join(DESCRIPTION)).unwrap();
    describe(folder, description, file_fingerprint(&path).unwrap());
    VectorIndex::open(folder.path())
}

#[test]
fn a_graph_that_is_not_the_one_that_was_written_is_refused() {
    let folder = index(Similarity::Cosine, &vectors(60));
    let path = folder.path().join(GRAPH);
    let written = fs::read(&path).unwrap();
    let mut other = written.clone();
    *other.last_mut().unwrap() ^= 1;
    fs::write(&path, &other).unwrap();
    let error = VectorIndex::open(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("neighbours.hnsw: found a file with the hash"),
        "{error}"
    );
    fs::remove_file(&path).unwrap();
    assert!(VectorIndex::open(folder.path()).is_err());

    let error = |bytes: &[u8]| with_graph(&folder, bytes).unwrap_err().to_string();
    let cut = error(&written[..written.len() - 1]);
    assert!(
        cut.contains("found what does not fit (it is cut off)"),
        "{cut}"
    );
    let longer = error(&[written.as_slice(), &[0]].concat());
    assert!(longer.contains("1 bytes too many"), "{longer}");
    // The graph of other vectors.
    let fewer = index(Similarity::Cosine, &vectors(59));
    let fewer = error(&fs::read(fewer.path().join(GRAPH)).unwrap());
    assert!(fewer.contains("vectors: 59 instead of 60"), "{fewer}");
    assert!(with_graph(&folder, &written).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the bytes are: an error, or a graph that can be searched in.
    #[test]
    fn no_bytes_make_it_panic_or_allocate(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let all = vectors(40);
        let folder = index(Similarity::Cosine, &all);
        let mut bytes = fs::read(folder.path().join(GRAPH)).unwrap();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(found) = with_graph(&folder, &bytes) {
            let _ = found.search(&all[..2], 5);
        }
    }
}
