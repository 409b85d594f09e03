//! `cloze inspect`.

use serde_json::{Value, json};

use crate::place::Place;

fn inspect(place: &Place, line: &str) -> Value {
    serde_json::from_str(&place.stdout(&format!("inspect {line} --json"))).unwrap()
}

/// Parameters of the tiny BERT: 120 words, width 32, feed-forward 64, two layers.
#[test]
fn parameters_are_counted_by_part() {
    let place = Place::with_run();
    let report = inspect(&place, "run");
    let parts: Vec<(String, u64)> = report["parameters"]["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| {
            (
                part["part"].as_str().unwrap().into(),
                part["parameters"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("embeddings", (120 + 64 + 2) * 32),
        ("attention", 2 * 4 * (32 * 32 + 32)),
        ("feed_forward", 2 * (2 * 32 * 64 + 64 + 32)),
        ("layer_norm", 5 * 2 * 32),
        ("pooler", 32 * 32 + 32),
        ("head", 2 * 32 + 2),
    ]
    .map(|(name, count)| (name.to_owned(), count));
    assert_eq!(parts, expected);
    let all: u64 = expected.iter().map(|(_, count)| count).sum();
    assert_eq!(report["parameters"]["parameters"], all);
    assert_eq!(report["parameters"]["bytes"], 4 * all);
    assert_eq!(report["task"], "text-classification");
    assert_eq!(report["labels"], json!(["negative", "positive"]));
    assert_eq!(report["max_length"], 24);
    let table = place.stdout("inspect run");
    assert!(
        table.contains("2: negative, positive") && table.contains("24 tokens"),
        "{table}"
    );
}

#[test]
fn an_encoder_has_neither_head_nor_labels() {
    let place = Place::with_reviews();
    let report = inspect(&place, "fresh");
    assert_eq!(
        (&report["labels"], &report["head"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(report["task"], "BertModel");
    assert_eq!(report["max_length"], 64);
    let parts = report["parameters"]["parts"].as_array().unwrap();
    assert!(parts.iter().all(|part| part["part"] != "head"));
}

#[test]
fn freezing_shows_what_would_be_trained() {
    let place = Place::with_run();
    let trainable = |freeze: &str| {
        inspect(&place, &format!("run --freeze {freeze}"))["parameters"]["trainable"]
            .as_u64()
            .unwrap()
    };
    let (pooler, head) = (32 * 32 + 32, 2 * 32 + 2);
    assert_eq!(trainable("encoder"), head);
    assert_eq!(trainable("all-but-pooler"), pooler + head);
    let all = inspect(&place, "run")["parameters"]["parameters"]
        .as_u64()
        .unwrap();
    assert_eq!(trainable("none"), all);
    let layer = 4 * (32 * 32 + 32) + 2 * 32 * 64 + 64 + 32 + 4 * 32;
    assert_eq!(trainable("layers:1"), all - layer);
    assert_eq!(trainable("embeddings,layers:2"), pooler + head);
    let tensors = place.stdout("inspect run --tensors --freeze embeddings");
    let row = tensors
        .lines()
        .find(|line| line.contains("word_embeddings"))
        .unwrap();
    assert!(row.contains("120 × 32") && row.ends_with("frozen"), "{row}");
    let said = place.failure("inspect run --freeze no_such_part", 2);
    assert!(
        said.starts_with("error: freeze = \"no_such_part\" matches no parameter"),
        "{said}"
    );
}
