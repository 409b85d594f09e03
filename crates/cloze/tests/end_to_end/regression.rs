//! A number for a text, or for a pair.

use serde_json::{Value, json};

use crate::place::{Place, json_lines};

const CONFIG: &str = r#"
task = "regression"
output = "stars"
seed = 7
[model]
path = "fresh"
[data]
train = "stars.csv"
split = { validation = 0.2, test = 0.2, seed = 1 }
max_length = 24
[train]
epochs = 6
batch_size = 4
learning_rate = 5e-3
"#;

/// Each of the two words adds its own share.
fn stars(rows: usize) -> String {
    const WORDS: [(&str, f64); 4] = [
        ("awful", 0.0),
        ("slow", 0.75),
        ("quick", 1.5),
        ("lovely", 2.25),
    ];
    let mut table = String::from("text,score\n");
    for row in 0..rows {
        let (first, second) = (WORDS[row % 4], WORDS[row / 4 % 4]);
        let score = first.1 + second.1;
        table += &format!("the soup was {} and {} {row},{score}\n", first.0, second.0);
    }
    table
}

#[test]
fn a_model_learns_a_number() {
    let place = Place::with_reviews();
    place.write("stars.csv", stars(160));
    place.write("stars.toml", CONFIG);
    place.stdout("train stars.toml");
    let metrics = place.json("stars/metrics.json");
    for name in ["pearson", "spearman"] {
        assert!(metrics["test"][name].as_f64().unwrap() > 0.8, "{metrics}");
    }
    let test = &metrics["test"];
    assert_eq!(test["mean_squared_error"], test["loss"]);
    assert!(test["loss"].as_f64().unwrap() < 0.8, "{metrics}");

    let config = place.json("stars/model/config.json");
    assert_eq!(config["problem_type"], "regression");
    assert_eq!(config["id2label"], json!({"0": "LABEL_0"}));
    let predictions = String::from_utf8(place.read("stars/predictions-test.jsonl")).unwrap();
    let line = &json_lines(&predictions)[0];
    assert!(
        line["label"].is_f64() && line["predicted"].is_f64(),
        "{line}"
    );

    place.write(
        "new.txt",
        "the soup was awful and awful\nthe soup was lovely and lovely\n",
    );
    let lines = json_lines(&place.stdout("predict stars --file new.txt --json"));
    let score = |line: &Value| line["score"].as_f64().unwrap();
    assert_eq!(lines[0]["label"], "LABEL_0");
    assert!(score(&lines[0]) + 1.0 < score(&lines[1]), "{lines:?}");
    let shown = place.stdout("predict stars --file new.txt");
    let line = shown.lines().next().unwrap();
    let (number, text) = line.split_once("  ").unwrap();
    assert_eq!(text, "the soup was awful and awful");
    assert!((number.parse::<f64>().unwrap() - score(&lines[0])).abs() < 1e-3);

    let evaluated = place.stdout("eval stars --data stars.csv --json");
    let evaluated: Value = serde_json::from_str(&evaluated).unwrap();
    assert!(evaluated["pearson"].as_f64().unwrap() > 0.8, "{evaluated}");
    let shown = place.stdout("data stars.toml --show 1");
    assert!(shown.contains("number "), "{shown}");
}

#[test]
fn pairs_have_numbers_too() {
    let place = Place::with_reviews();
    let rows = (0..16).map(|row| format!("the plot {row}\tthe song {row}\t{}\n", row % 6));
    let table = format!("sentence1\tsentence2\tscore\n{}", rows.collect::<String>());
    place.write("sts.tsv", table);
    place.write("sts.toml", CONFIG.replace("stars.csv", "sts.tsv"));
    place.stdout("train sts.toml --set train.epochs=1");
    let lines = json_lines(&place.stdout("predict stars --json plot --pair song"));
    assert!(lines[0]["score"].is_f64());
}

#[test]
fn what_is_no_number_is_named() {
    let place = Place::with_reviews();
    place.write("stars.csv", "text,score\na,1.5\nb,good\nc,\n");
    place.write("stars.toml", CONFIG);
    let said = place.failure("train stars.toml", 1);
    assert!(
        said.contains("stars.csv, line 3, field `score`: found \"good\", wanted a number")
            && said
                .contains("stars.csv, line 4, field `score`: found an empty cell, wanted a number"),
        "{said}"
    );
    let said = place.failure("train stars.toml --set train.best=accuracy", 2);
    assert!(
        said.contains("wanted a metric of regression: pearson, spearman, mean_squared_error, loss"),
        "{said}"
    );
}
