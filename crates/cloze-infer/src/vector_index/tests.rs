use std::fs;

use tempfile::TempDir;

use super::*;
use cloze_core::output;
use cloze_data::vector_file::{VectorFile, VectorFormat};

/// An index of these vectors, made without any model.
fn index(similarity: Similarity, vectors: &[[f32; 2]]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name);
    let mut file = VectorFile::create(&path(VECTORS), VectorFormat::Safetensors, 2).unwrap();
    let mut texts = String::new();
    for (row, vector) in vectors.iter().enumerate() {
        let mut vector = vector.to_vec();
        similarity.prepare(&mut vector);
        file.push(&vector).unwrap();
        texts += &format!("{{\"id\":{row},\"text\":\"text {row}\"}}\n");
    }
    file.finish().unwrap();
    fs::write(path(TEXTS), texts).unwrap();
    let mut description = Description::new("m", "f".into(), similarity);
    (description.texts, description.dimension) = (vectors.len(), 2);
    output::write_file(&path(DESCRIPTION), |out| {
        Ok(serde_json::to_writer(out, &description)?)
    })
    .unwrap();
    folder
}

fn rows(hits: &[Hit]) -> Vec<usize> {
    hits.iter().map(|hit| hit.row).collect()
}

#[test]
fn the_nearest_come_first_and_equal_ones_in_the_order_of_the_index() {
    let vectors = [[1.0, 0.0], [0.0, 2.0], [3.0, 3.0], [0.0, 1.0], [-1.0, 0.0]];
    let query = vec![0.0, 5.0];
    let search = |similarity, top_k| {
        let folder = index(similarity, &vectors);
        let index = VectorIndex::open(folder.path()).unwrap();
        let hits = index.search(std::slice::from_ref(&query), top_k);
        hits.unwrap().remove(0)
    };
    let cosine = search(Similarity::Cosine, 10);
    assert_eq!(rows(&cosine), [1, 3, 2, 0, 4]);
    assert_eq!((cosine[0].score, cosine[3].score), (1.0, 0.0));
    assert_eq!(rows(&search(Similarity::Dot, 3)), [2, 1, 3]);
    assert_eq!(rows(&search(Similarity::Euclidean, 2)), [1, 2]);
    assert!(search(Similarity::Dot, 0).is_empty());
}

#[test]
fn texts_come_back_in_the_order_in_which_they_are_asked_for() {
    let folder = index(Similarity::Dot, &[[1.0, 0.0]; 4]);
    let index = VectorIndex::open(folder.path()).unwrap();
    let texts = index.texts_of(&[3, 0, 3]).unwrap();
    let texts: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
    assert_eq!(texts, ["text 3", "text 0", "text 3"]);
}

#[test]
fn files_that_do_not_belong_together_are_named() {
    let folder = index(Similarity::Dot, &[[1.0, 0.0]; 3]);
    let error = |folder: &TempDir| {
        let message = match VectorIndex::open(folder.path()) {
            Ok(index) => index.texts_of(&[2]).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        message.replace(&format!("{}/", folder.path().display()), "")
    };
    let path = |name| folder.path().join(name);
    fs::write(path(TEXTS), "{\"text\":\"a\"}\n{\"text\":\"b\"}\n").unwrap();
    assert_eq!(
        error(&folder),
        "texts.jsonl: found 2 lines, wanted a line for every vector, number 3 too"
    );
    fs::write(path(TEXTS), "\n\n{\"words\":\"a\"}\n").unwrap();
    assert!(error(&folder).starts_with("texts.jsonl, line 3: found what does not fit"));
    let bytes = fs::read(path(VECTORS)).unwrap();
    fs::write(path(VECTORS), &bytes[..bytes.len() - 1]).unwrap();
    assert!(error(&folder).contains("the file is cut short"));
    let two = index(Similarity::Dot, &[[1.0, 0.0]; 2]);
    fs::copy(two.path().join(VECTORS), path(VECTORS)).unwrap();
    assert_eq!(
        error(&folder),
        "vectors.safetensors, field `embeddings`: found shape [2, 2], wanted [3, 2]"
    );
    fs::remove_file(path(DESCRIPTION)).unwrap();
    assert_eq!(error(&folder), "cannot read index.json");
}
