//! Tasks that were not those the model was made for.

use serde_json::Value;

use crate::place::{Place, json_lines};

fn scores(line: &Value) -> Vec<(String, f64)> {
    let score = |one: &Value| {
        let label = one["label"].as_str().unwrap().to_owned();
        (label, one["score"].as_f64().unwrap())
    };
    line.as_array().unwrap().iter().map(score).collect()
}

#[test]
fn a_classifier_judges_labels_together_or_one_by_one() {
    let place = Place::with_run();
    let predict = |more: &str| {
        let line = format!("predict run --json lovely {more}");
        scores(&json_lines(&place.stdout(&line))[0])
    };
    let one = predict("--all");
    assert_eq!(one, predict("--all --task text-classification"));
    assert_eq!(one, predict("--all --task sentiment-analysis"));
    let sum: f64 = one.iter().map(|(_, score)| score).sum();
    assert!((sum - 1.0).abs() < 1e-6, "{one:?}");
    let several = predict("--all --task multi-label");
    // Of two logits the softmax is the sigmoid of their difference.
    let logit = |(_, score): &(String, f64)| (score / (1.0 - score)).ln();
    let difference = logit(&several[0]) - logit(&several[1]);
    assert!(
        (1.0 / (1.0 + (-difference).exp()) - one[0].1).abs() < 1e-4,
        "{several:?}"
    );
    let given = predict("--task multi-label --threshold 0");
    assert_eq!(given.len(), 2);
    assert!(predict("--task multi-label --threshold 1").is_empty());
    let said = place.failure("predict run lovely --threshold 0.2", 2);
    assert!(
        said.contains("--task multi-label makes a classifier one"),
        "{said}"
    );

    // And the other way round, with a model that was made for several labels.
    let config = String::from_utf8(place.read("run/model/config.json")).unwrap();
    let config = config
        .replace("single_label_classification", "multi_label_classification")
        .replace("\"text-classification\"", "\"multi-label\"");
    place.write("run/model/config.json", config);
    assert_eq!(predict("--all"), several);
    assert_eq!(predict("--all --task text-classification"), one);
    let best = place.stdout("predict run --json lovely --task text-classification");
    assert_eq!(json_lines(&best)[0]["label"], Value::from(one[0].0.clone()));
}

#[test]
fn every_model_gives_vectors_and_what_does_not_fit_is_listed() {
    let place = Place::with_run();
    place.write(
        "texts.jsonl",
        "{\"id\": 7, \"text\": \"lovely\"}\n{\"id\": 8, \"text\": \"slow\"}\n",
    );
    let vectors = place.stdout("predict run --file texts.jsonl --task feature-extraction");
    assert_eq!(vectors, place.stdout("embed run --file texts.jsonl"));
    assert_eq!(
        vectors,
        place.stdout("predict run --file texts.jsonl --task embedding")
    );
    place.fails(
        "predict run lovely --task ner",
        2,
        "error: --task token-classification: the model has no head for it; what fits it is \
         text-classification, multi-label, embedding",
    );
    for (more, expected) in [
        ("--task embedding --all", "a text has one vector"),
        (
            "--task embedding --pair slow",
            "vectors are of single texts",
        ),
        (
            "--task embedding --long-texts cut",
            "for models that label whole texts",
        ),
        ("--task embedding --targets slow", "--targets is for masks"),
    ] {
        let said = place.failure(&format!("predict run lovely {more}"), 2);
        assert!(said.contains(expected), "{said}");
    }
}
