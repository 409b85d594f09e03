//! Runs whose rows have several labels, or a number: what validation decides beside the weights.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::{Fixture, traces};

/// Rows that are labelled with each of `good` and `bad` that stands in them, some with neither.
fn fixture() -> Fixture {
    let fixture = Fixture::new();
    const OTHERS: [&str; 5] = ["film", "story", "music", "light", "slow"];
    let row = |row: usize| {
        let labels: Vec<&str> = [("good", row % 2), ("bad", row % 3)]
            .into_iter()
            .filter(|(_, turn)| *turn == 1)
            .map(|(label, _)| label)
            .collect();
        let (first, last) = (OTHERS[row % 5], OTHERS[row / 5 % 5]);
        let text = format!("{first} {} {last}", labels.join(" "));
        json!({"text": text, "labels": labels, "stars": labels.len()}).to_string() + "\n"
    };
    let rows: String = (0..60).map(row).collect();
    fs::write(fixture.path("several.jsonl"), rows).unwrap();
    fixture
}

fn several(fixture: &Fixture) -> String {
    let train = fixture.path("several.jsonl");
    format!(
        "task=multi-label\ndata.train={train:?}\nmulti_label.threshold=tuned\n\
         loss.positive_weights=balanced\nmodel.feature_cache=false"
    )
}

#[test]
fn thresholds_are_those_of_the_best_epoch_also_after_a_stop() {
    let fixture = fixture();
    let more = several(&fixture);
    fixture.train("whole", &more).unwrap();
    // Three epochs of nine steps.
    assert_eq!(fixture.train_in_pieces("pieces", &more, 4), 6);
    let folders = ["whole", "pieces"].map(|name| fixture.path(name));
    assert_eq!(traces(&folders[0]), traces(&folders[1]));
    let [whole, pieces] = folders.map(|folder| fs::read(folder.join("model/thresholds.json")));
    let whole = whole.unwrap();
    assert_eq!(whole, pieces.unwrap());

    let thresholds: Value = serde_json::from_slice(&whole).unwrap();
    let metrics = fs::read(fixture.path("whole/metrics.json")).unwrap();
    let metrics: Value = serde_json::from_slice(&metrics).unwrap();
    for split in ["validation", "test"] {
        for label in ["good", "bad"] {
            let used = &metrics["per_class"][split][label]["threshold"];
            assert_eq!(*used, thresholds[label], "{split} {label}");
        }
    }
}

#[test]
fn kept_features_give_the_same_thresholds() {
    let fixture = fixture();
    let more = several(&fixture) + "\nmodel.freeze=encoder";
    fixture.train("computed", &more).unwrap();
    fixture
        .train("kept", &format!("{more}\nmodel.feature_cache=true"))
        .unwrap();
    let thresholds = |run: &str| -> Value {
        let path = fixture.path(run).join("model/thresholds.json");
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    let (computed, kept) = (thresholds("computed"), thresholds("kept"));
    for label in ["good", "bad"] {
        let [a, b] = [&computed, &kept].map(|values| values[label].as_f64().unwrap());
        assert!((a - b).abs() < 1e-5, "{label}: {a} {b}");
    }
}

#[test]
fn a_regression_goes_on_after_a_stop() {
    let fixture = fixture();
    let train = fixture.path("several.jsonl");
    let more = format!("task=regression\ndata.train={train:?}\ndata.label=stars");
    fixture.train("whole", &more).unwrap();
    assert!(fixture.train_in_pieces("pieces", &more, 5) >= 5);
    let [whole, pieces] = ["whole", "pieces"].map(|name| traces(&fixture.path(name)));
    assert_eq!(whole, pieces);
}
