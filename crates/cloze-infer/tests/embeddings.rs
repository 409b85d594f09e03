//! Vectors of texts beside `sentence-transformers`, and beside the formulas over the hidden states of
//! `transformers`.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy exempts only functions marked as tests"
)]

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cloze_infer::{
    EmbedOptions, Embedder, EmbedderOptions, IndexSettings, IndexWriter, IndexedText, Prompt,
    Similarity, VectorIndex,
};
use cloze_model::Pooling;
use serde::Deserialize;
use testkit::close::{assert_close, largest_difference};
use testkit::golden::{Golden, read_json};

const TOLERANCE: f32 = 1e-5;

#[derive(Deserialize)]
struct Expected {
    texts: Vec<String>,
    english: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    tensor: String,
    /// From the root of the repository.
    folder: String,
    prompt: Option<String>,
    pooling: Option<Vec<Pooling>>,
    normalize: Option<bool>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn golden(name: &str) -> PathBuf {
    root()
        .join("crates/cloze-infer/tests/golden/embeddings")
        .join(name)
}

fn open(folder: &Path, options: &EmbedderOptions) -> Embedder {
    Embedder::open(folder, options, &Device::flex()).unwrap()
}

/// What a folder says, and nothing else.
fn open_golden(name: &str) -> Embedder {
    open(&golden(name), &EmbedderOptions::default())
}

fn vectors(embedder: &Embedder, texts: &[String], options: &EmbedOptions) -> Vec<Vec<f32>> {
    let embeddings = embedder.embed(texts, options).unwrap();
    let vectors = embeddings.into_iter().map(|embedding| embedding.vector);
    vectors.collect()
}

fn prompted(prompt: Option<&str>) -> EmbedOptions {
    EmbedOptions {
        prompt: prompt.map_or(Prompt::Usual, |name| Prompt::Named(name.into())),
        ..EmbedOptions::default()
    }
}

fn check(case: &Case, texts: &[String], expected: &Golden) {
    let options = EmbedderOptions {
        pooling: case.pooling.clone(),
        normalize: case.normalize,
        max_length: None,
    };
    let embedder = open(&root().join(&case.folder), &options);
    let expected = expected.floats(&case.tensor);
    assert_eq!(expected.shape, [texts.len(), embedder.dimension()]);
    let found = vectors(&embedder, texts, &prompted(case.prompt.as_deref())).concat();
    // Sums over square roots of counts are larger than means.
    let scale = expected.values.iter().fold(1.0_f32, |a, b| a.max(b.abs()));
    assert_close(&case.tensor, &found, &expected.values, TOLERANCE * scale);
}

#[test]
fn vectors_are_those_of_sentence_transformers() {
    let expected: Expected = read_json(&golden("expected.json"));
    let tensors = Golden::read(&golden("expected.safetensors"));
    let is_tiny = |case: &&Case| case.folder.starts_with("crates");
    let tiny: Vec<&Case> = expected.cases.iter().filter(is_tiny).collect();
    assert_eq!(tiny.len() + 1, tensors.names().len());
    for case in tiny {
        check(case, &expected.texts, &tensors);
    }
}

/// `make test` fetches the model; without it there is nothing to compare with.
#[test]
fn a_real_sentence_encoder_gives_the_vectors_of_sentence_transformers() {
    let expected: Expected = read_json(&golden("expected.json"));
    let tensors = Golden::read(&golden("expected.safetensors"));
    let is_real = |case: &&Case| case.folder.starts_with("assets");
    for case in expected.cases.iter().filter(is_real) {
        if root().join(&case.folder).join("modules.json").exists() {
            check(case, &expected.english, &tensors);
        }
    }
}

#[test]
fn a_vector_does_not_depend_on_what_shares_its_batch() {
    let expected: Expected = read_json(&golden("expected.json"));
    for name in ["all", "dense", "without-prompt", "distilbert"] {
        let embedder = open_golden(name);
        let with_batches_of = |size| EmbedOptions {
            batch_size: NonZeroUsize::new(size).unwrap(),
            ..prompted(Some("query"))
        };
        let together = vectors(&embedder, &expected.texts, &with_batches_of(32));
        let alone = vectors(&embedder, &expected.texts, &with_batches_of(1));
        assert_eq!(together, alone, "{name}");
    }
}

#[test]
fn a_folder_is_overruled_by_what_is_asked_for() {
    let folder = golden("normalized");
    let text = ["the cat sat".to_owned()];
    let embed = |options: &EmbedderOptions| {
        let embedder = open(&folder, options);
        let vector = vectors(&embedder, &text, &EmbedOptions::default()).remove(0);
        (embedder.describe(), vector)
    };
    let length = |vector: &[f32]| vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    let (what, vector) = embed(&EmbedderOptions::default());
    assert_eq!(what, "cls, normalize");
    assert!((length(&vector) - 1.0).abs() < 1e-6);
    let (what, longer) = embed(&EmbedderOptions {
        normalize: Some(false),
        ..EmbedderOptions::default()
    });
    assert_eq!(what, "cls");
    assert!(length(&longer) > 2.0);
    let (what, _) = embed(&EmbedderOptions {
        pooling: Some(vec![Pooling::Max, Pooling::Pooled]),
        normalize: Some(true),
        ..EmbedderOptions::default()
    });
    assert_eq!(what, "max + pooled, normalize");
    let (_, cut) = embed(&EmbedderOptions {
        max_length: Some(4),
        ..EmbedderOptions::default()
    });
    assert!(largest_difference(&cut, &vector).1 > 1e-3);
}

#[test]
fn lengths_are_counted_before_texts_are_cut() {
    let embedder = open_golden("all");
    assert_eq!(embedder.max_length(), 16);
    let long = "film ".repeat(30);
    let embeddings = embedder
        .embed(&["film", &long], &EmbedOptions::default())
        .unwrap();
    let lengths: Vec<usize> = embeddings.iter().map(|found| found.length).collect();
    assert_eq!(lengths, [3, 32]);
}

#[test]
fn what_a_model_cannot_give_is_an_error() {
    let error = |folder: &Path, pooling| {
        let options = EmbedderOptions {
            pooling: Some(vec![pooling]),
            ..EmbedderOptions::default()
        };
        let failed = Embedder::open(folder, &options, &Device::flex()).unwrap_err();
        let shown = failed.to_string();
        let cause = std::error::Error::source(&failed);
        (shown, cause.map(ToString::to_string).unwrap_or_default())
    };
    // Architectures without pooler, weights without pooler.
    let (_, cause) = error(&golden("plain-distilbert"), Pooling::Pooled);
    assert!(
        cause.contains("needs a pooler, which distilbert does not have"),
        "{cause}"
    );
    let masked = root().join("crates/cloze-model/tests/golden/masked_lm/bert");
    let (shown, _) = error(&masked, Pooling::Pooled);
    assert!(
        shown.contains("it is a BertForMaskedLM, and lacks bert.pooler.dense.weight"),
        "{shown}"
    );
    let options = EmbedderOptions::default();
    assert!(Embedder::open(&masked, &options, &Device::flex()).is_ok());
    // A dense layer takes what its own poolings give.
    let (_, cause) = error(&golden("dense"), Pooling::Mean);
    assert_eq!(
        cause,
        "dense layer 1 behind the pooling takes 48 numbers, and there are 24"
    );
    let embedder = open_golden("mean");
    let long = Prompt::Text("film ".repeat(30));
    let options = EmbedOptions {
        prompt: long,
        ..EmbedOptions::default()
    };
    let error = embedder.embed(&["film"], &options).unwrap_err().to_string();
    assert!(
        error.ends_with("has 31 tokens, and 24 are read of a text"),
        "{error}"
    );
}

#[test]
fn an_index_finds_the_text_itself_and_knows_its_model() {
    let expected: Expected = read_json(&golden("expected.json"));
    let (folder, model) = (tempfile::tempdir().unwrap(), open_golden("mean"));
    let options = EmbedderOptions::default();
    let settings = IndexSettings {
        model: "mean",
        options: &options,
        prompt: &Prompt::Document,
        similarity: Similarity::Cosine,
    };
    let mut writer = IndexWriter::create(folder.path(), &model, &settings).unwrap();
    let vectors = vectors(&model, &expected.texts, &EmbedOptions::default());
    for (text, vector) in expected.texts.iter().zip(&vectors) {
        let text = IndexedText {
            id: None,
            text: text.clone(),
        };
        writer.push(&text, vector.clone()).unwrap();
    }
    writer.finish(None, &mut |_| ()).unwrap();

    let index = VectorIndex::open(folder.path()).unwrap();
    index.check(&model).unwrap();
    assert_eq!(
        (index.texts(), index.model()),
        (expected.texts.len(), "mean")
    );
    for (row, hits) in index.search(&vectors, 2).unwrap().iter().enumerate() {
        assert_eq!((hits[0].row, hits.len()), (row, 2));
        assert!((hits[0].score - 1.0).abs() < 1e-6);
    }
    let text = index.texts_of(&[3]).unwrap();
    assert_eq!(text[0].text, expected.texts[3]);

    // Other weights, another pooling, another vocabulary.
    let other = open(
        &golden("mean"),
        &EmbedderOptions {
            pooling: Some(vec![Pooling::Max]),
            ..options
        },
    );
    for other in [&open_golden("plain"), &open_golden("normalized"), &other] {
        let error = index.check(other).unwrap_err().to_string();
        assert!(error.contains("was made with mean, whose files"), "{error}");
    }
    let changed = tempfile::tempdir().unwrap();
    copy(&golden("mean"), changed.path());
    index
        .check(&open(changed.path(), index.embedder_options()))
        .unwrap();
    let vocabulary = changed.path().join("vocab.txt");
    let text = fs::read_to_string(&vocabulary).unwrap();
    fs::write(vocabulary, text.replace("\ncat\n", "\ncar\n")).unwrap();
    let changed = open(changed.path(), index.embedder_options());
    assert!(index.check(&changed).is_err());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(path, target).unwrap();
        }
    }
}
