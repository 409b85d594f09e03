//! `cloze eval`: the numbers of the run again, and tables.

use serde_json::{Value, json};

use crate::place::Place;

fn evaluate(place: &Place, line: &str) -> Value {
    serde_json::from_str(&place.stdout(line)).unwrap()
}

#[test]
fn evaluation_gives_the_numbers_of_the_run() {
    let place = Place::with_run();
    let predictions = String::from_utf8(place.read("run/predictions-test.jsonl")).unwrap();
    let rows: Vec<usize> = crate::place::json_lines(&predictions)
        .iter()
        .map(|line| line["row"].as_u64().unwrap() as usize)
        .collect();
    let table = String::from_utf8(place.read("reviews.csv")).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    let test: Vec<&str> = rows.iter().map(|row| lines[row + 1]).collect();
    place.write("test.csv", format!("{}\n{}\n", lines[0], test.join("\n")));

    let found = evaluate(&place, "eval run --data test.csv --text review --json");
    let expected = &place.json("run/metrics.json")["test"];
    for name in ["accuracy", "macro_f1", "micro_f1", "weighted_f1"] {
        assert_eq!(found[name], expected[name], "{name}");
    }
    let difference = found["loss"].as_f64().unwrap() - expected["loss"].as_f64().unwrap();
    assert!(difference.abs() < 1e-5, "{difference}");
    let supports: u64 = ["negative", "positive"]
        .map(|label| found["per_class"][label]["support"].as_u64().unwrap())
        .iter()
        .sum();
    assert_eq!(supports as usize, rows.len());
}

#[test]
fn the_confusion_matrix_counts_mistakes() {
    let place = Place::with_run();
    place.write(
        "wrong.csv",
        "text,label\nlovely and warm,negative\nawful,negative\nclever,positive\n",
    );
    let found = evaluate(&place, "eval run --data wrong.csv --json");
    assert_eq!(
        found["confusion_matrix"],
        json!({"negative": {"negative": 1, "positive": 1}, "positive": {"negative": 0, "positive": 1}})
    );
    assert!((found["accuracy"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-12);
    let tables = place.stdout("eval run --data wrong.csv");
    assert!(tables.contains("accuracy     0.6667"), "{tables}");
    assert!(
        tables.contains("true label \\ predicted  negative  positive"),
        "{tables}"
    );
}

#[test]
fn columns_are_named_on_the_command_line() {
    let place = Place::with_run();
    place.write("odd.csv", "stars,what,verdict\n5,warm,positive\n");
    let found = evaluate(
        &place,
        "eval run --data odd.csv --text what --label verdict --json",
    );
    assert_eq!(found["accuracy"], 1.0);
}
