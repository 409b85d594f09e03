//! Any number of labels a text: trained, measured, predicted.

use serde_json::{Value, json};

use crate::place::{Place, json_lines, stderr};

const CONFIG: &str = r#"
task = "multi-label"
output = "topics"
seed = 7
[model]
path = "fresh"
[data]
train = "topics.jsonl"
split = { validation = 0.2, test = 0.2, seed = 1 }
max_length = 32
coverage = 0.8
[train]
epochs = 14
batch_size = 4
learning_rate = 5e-3
[loss]
positive_weights = "balanced"
[multi_label]
threshold = "tuned"
"#;

/// Texts about two things each, and what these belong to.
fn rows() -> impl Iterator<Item = (String, Vec<&'static str>)> {
    const THINGS: [(&str, &str); 5] = [
        ("plot", "film"),
        ("soup", "food"),
        ("song", "music"),
        ("acting", "film"),
        ("service", ""),
    ];
    (0..120).map(|row| {
        let (first, second) = (THINGS[row % 5], THINGS[(row / 5 + 2 * row) % 5]);
        let text = format!("the {} was warm , the {} was slow {row}", first.0, second.0);
        let mut labels: Vec<&str> = [first.1, second.1]
            .into_iter()
            .filter(|label| !label.is_empty())
            .collect();
        labels.sort_unstable();
        labels.dedup();
        (text, labels)
    })
}

fn place() -> Place {
    let place = Place::with_reviews();
    let lines = rows().map(|(text, labels)| json!({"text": text, "labels": labels}).to_string());
    place.write("topics.jsonl", lines.collect::<Vec<_>>().join("\n"));
    let labels = ["film", "food", "music"];
    let mut columns = String::from("text,film,food,music\n");
    let mut cells = String::from("words\ttopics\n");
    for (text, row) in rows() {
        let flags = labels.map(|label| usize::from(row.contains(&label)).to_string());
        columns += &format!("\"{text}\",{}\n", flags.join(","));
        cells += &format!("{text}\t{}\n", row.join(" ; "));
    }
    place.write("columns.csv", columns);
    place.write("cells.tsv", cells);
    place.write("topics.toml", CONFIG);
    place
}

fn trained() -> Place {
    let place = place();
    place.stdout("train topics.toml");
    place
}

fn labels(prediction: &Value) -> Vec<&str> {
    let scores = prediction.as_array().unwrap().iter();
    let mut labels: Vec<&str> = scores.map(|one| one["label"].as_str().unwrap()).collect();
    labels.sort_unstable();
    labels
}

#[test]
fn a_model_learns_several_labels_and_gives_those_over_their_thresholds() {
    let place = place();
    let output = place.cloze("train topics.toml").assert().success();
    let told = stderr(&output);
    assert!(told.contains("80% have up to"), "{told}");
    assert!(told.contains("without label"), "{told}");
    let metrics = place.json("topics/metrics.json");
    for name in ["subset_accuracy", "micro_f1", "macro_f1"] {
        assert!(metrics["test"][name].as_f64().unwrap() > 0.8, "{metrics}");
    }
    let precision = &metrics["test"]["mean_average_precision"];
    assert!(precision.as_f64().unwrap() > 0.9, "{metrics}");
    assert!(metrics["per_class"]["test"]["food"]["threshold"].is_f64());

    let config = place.json("topics/model/config.json");
    assert_eq!(config["problem_type"], "multi_label_classification");
    assert_eq!(
        config["label2id"],
        json!({"film": 0, "food": 1, "music": 2})
    );
    let thresholds = place.json("topics/model/thresholds.json");
    let names: Vec<&String> = thresholds.as_object().unwrap().keys().collect();
    assert_eq!(names, ["film", "food", "music"]);
    for name in ["film", "food", "music"] {
        // What was saved decides the test rows.
        assert_eq!(
            metrics["per_class"]["test"][name]["threshold"], thresholds[name],
            "{name}"
        );
    }
    let predictions = String::from_utf8(place.read("topics/predictions-test.jsonl")).unwrap();
    let predictions = json_lines(&predictions);
    let exact = |line: &&Value| line["labels"] == line["predicted"];
    let exact = predictions.iter().filter(exact).count() as f64 / predictions.len() as f64;
    assert_eq!(metrics["test"]["subset_accuracy"], json!(exact));

    place.write(
        "new.txt",
        "the plot was warm , the song was slow\nthe service was slow , the service was warm\n",
    );
    let lines = json_lines(&place.stdout("predict topics --file new.txt --json"));
    assert_eq!(labels(&lines[0]), ["film", "music"]);
    assert_eq!(lines[1], json!([]));
    let shown = place.stdout("predict topics --file new.txt");
    assert_eq!(shown.lines().count(), 4, "{shown}");
}

#[test]
fn thresholds_and_numbers_of_labels_are_chosen_at_prediction() {
    let place = trained();
    let text = "the soup was warm , the song was slow";
    let predict = |line: &str| {
        let output = place.cloze(line).arg(text).assert().success();
        json_lines(&crate::place::text(&output.get_output().stdout)).remove(0)
    };
    assert_eq!(
        labels(&predict("predict topics --json --all")),
        ["film", "food", "music"]
    );
    assert_eq!(predict("predict topics --json --threshold 1"), json!([]));
    let all = predict("predict topics --json --threshold 0");
    assert_eq!(all, predict("predict topics --json --all"));
    let best = predict("predict topics --json --top-k 1");
    assert_eq!(best[0], all[0]);
    assert_eq!(best.as_array().unwrap().len(), 1);
}

#[test]
fn lists_divided_cells_and_columns_are_the_same_rows() {
    let place = trained();
    let evaluate = |line: &str| -> Value {
        serde_json::from_str(&place.stdout(&format!("eval topics --json --data {line}"))).unwrap()
    };
    let lists = evaluate("topics.jsonl");
    assert!(lists["micro_f1"].as_f64().unwrap() > 0.8);
    let columns = "columns.csv --label-columns film,food,music";
    assert_eq!(evaluate(columns), lists);
    let cells = "cells.tsv --text words --label topics --label-separator ;";
    assert_eq!(evaluate(cells), lists);
    let strict = evaluate("topics.jsonl --threshold 1");
    assert_eq!(
        (&strict["micro_f1"], &strict["loss"]),
        (&json!(0.0), &lists["loss"])
    );
    let table = place.stdout("eval topics --data topics.jsonl");
    assert!(table.contains("average_precision"), "{table}");

    // And they train the same model.
    place.write("again.toml", CONFIG);
    place.stdout(
        "train again.toml --set output=again --set data.train=columns.csv \
         --set data.label_columns=[\"film\",\"food\",\"music\"]",
    );
    let weights = |run: &str| place.read(&format!("{run}/model/model.safetensors"));
    assert!(weights("again") == weights("topics"));
}

#[test]
fn examples_are_shown_with_their_labels() {
    let place = place();
    let lines = json_lines(&place.stdout("data topics.toml --json --split test"));
    assert_eq!(lines.len(), 24);
    assert!(
        lines
            .iter()
            .any(|line| line["labels"] == json!(["film", "food"]))
    );
    assert!(lines.iter().any(|line| line["labels"] == json!([])));
    let shown = place.stdout("data topics.toml --show 24 --split test");
    assert!(shown.contains("labels film, food") && shown.contains("no label"));
}

#[test]
fn a_file_is_divided_as_a_run_divides_it() {
    let place = trained();
    place.stdout("split topics.jsonl --validation 0.2 --test 0.2 --seed 1 --output lists");
    place.stdout(
        "split cells.tsv --validation 0.2 --test 0.2 --seed 1 --output cells --label topics \
         --label-separator ;",
    );
    let lines: Vec<String> = String::from_utf8(place.read("topics.jsonl"))
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    let test = &place.json("topics/splits.json")["test"];
    let expected = test.as_array().unwrap().iter();
    let expected: Vec<&String> = expected
        .map(|row| &lines[row.as_u64().unwrap() as usize])
        .collect();
    let found = String::from_utf8(place.read("lists/test.jsonl")).unwrap();
    let (found, expected) = (json_lines(&found), json_lines(&join(&expected)));
    assert_eq!(found, expected);
    let cells = String::from_utf8(place.read("cells/test.tsv")).unwrap();
    let texts = cells.lines().skip(1).map(|line| line.split('\t').next());
    let expected = expected.iter().map(|line| line["text"].as_str());
    assert_eq!(texts.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

fn join(lines: &[&String]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.as_str()).collect();
    lines.join("\n")
}

#[test]
fn thresholds_go_where_the_model_goes() {
    let place = trained();
    place.stdout("convert topics half --dtype float16");
    place.stdout("vocab add topics 皿 --output grown");
    for folder in ["half", "grown"] {
        let path = format!("{folder}/thresholds.json");
        assert_eq!(
            place.json(&path),
            place.json("topics/model/thresholds.json")
        );
        let config = place.json(&format!("{folder}/config.json"));
        assert_eq!(config["problem_type"], "multi_label_classification");
    }
}

#[test]
fn bad_rows_and_labels_are_named() {
    let place = trained();
    place.write(
        "other.jsonl",
        "{\"text\": \"a\", \"labels\": [\"film\", \"sport\"]}\n",
    );
    place.fails(
        "eval topics --data other.jsonl",
        1,
        "error: other.jsonl, line 1, field `labels`: found the label \"sport\", wanted one of the \
         training rows' labels: \"film\", \"food\", \"music\"",
    );
    place.write("bad.csv", "text,film,food,music\na,1,0,0\nb,1,yes,0\n");
    let said = place.failure(
        "eval topics --data bad.csv --label-columns film,food,music",
        1,
    );
    assert!(
        said.contains(
            "bad.csv, line 3, field `food`: found \"yes\", wanted 1 where the label applies, or 0"
        ),
        "{said}"
    );
    place.write("bad.jsonl", "{\"text\": \"a\", \"labels\": null}\n");
    let said = place.failure("eval topics --data bad.jsonl", 1);
    assert!(
        said.contains("found nothing, wanted a list of labels"),
        "{said}"
    );
    place.write("topics/model/thresholds.json", "{\"film\": 0.5}");
    let said = place.failure("predict topics text", 1);
    assert!(
        said.contains("thresholds.json, field `food`: found nothing"),
        "{said}"
    );
}

#[test]
fn what_makes_no_sense_is_told() {
    let place = Place::with_run();
    for line in [
        "predict run text --threshold 0.5",
        "eval run --data reviews.csv --threshold 0.5",
        "eval run --data reviews.csv --label-columns a,b",
    ] {
        let said = place.failure(line, 2);
        assert!(
            said.contains("is for models that give any number of labels"),
            "{said}"
        );
    }
    let said = place.failure("predict run text --threshold 2", 2);
    assert!(said.contains("wanted a number from 0 to 1"), "{said}");
}
