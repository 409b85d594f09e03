//! Any bytes as a file of an index of vectors: the first one says which, the others are whole.
#![no_main]

use std::fs;
use std::path::Path;

use cloze_data::fingerprint::file_fingerprint;
use cloze_data::vector_file::{VectorFile, VectorFormat};
use cloze_infer::VectorIndex;
use libfuzzer_sys::fuzz_target;

/// As many texts as the seed of a graph has nodes.
const TEXTS: usize = 12;
const FILES: [&str; 4] = [
    "index.json",
    "vectors.safetensors",
    "texts.jsonl",
    "neighbours.hnsw",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, bytes)) = bytes.split_first() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let fuzzed = FILES[usize::from(which) % FILES.len()];
    write_index(folder.path(), fuzzed, bytes);
    if let Ok(index) = VectorIndex::open(folder.path()) {
        // A description may say that vectors have another width than this query, which callers rule out.
        if fuzzed != "index.json" {
            let _ = index.search(&[vec![0.5, -1.0]], 5);
        }
        let _ = index.texts_of(&[0, TEXTS - 1]);
    }
});

/// A whole index, but for one file that holds these bytes.
fn write_index(folder: &Path, fuzzed: &str, bytes: &[u8]) {
    let path = |name: &str| folder.join(name);
    let mut vectors = VectorFile::create(&path(FILES[1]), VectorFormat::Safetensors, 2)
        .expect("a temporary file can be made");
    for row in 0..TEXTS {
        vectors.push(&[row as f32, 1.0]).expect("it can be written");
    }
    vectors.finish().expect("it can be written");
    fs::write(path(FILES[2]), "{\"text\":\"a\"}\n".repeat(TEXTS)).expect("it can be written");
    fs::write(path(fuzzed), bytes).expect("a temporary file can be written");
    if fuzzed == "index.json" {
        return;
    }
    let graph = match fuzzed {
        "neighbours.hnsw" => {
            let hash = file_fingerprint(&path(fuzzed)).expect("it was written");
            format!(", \"graph\": {hash:?}")
        }
        _ => String::new(),
    };
    let description = format!(
        "{{\"format\": \"cloze-index\", \"version\": 1, \"model\": \"m\", \"fingerprint\": \"f\", \
         \"options\": {{}}, \"prompt\": \"\", \"similarity\": \"dot\", \"texts\": {TEXTS}, \
         \"dimension\": 2{graph}}}"
    );
    fs::write(path("index.json"), description).expect("it can be written");
}
