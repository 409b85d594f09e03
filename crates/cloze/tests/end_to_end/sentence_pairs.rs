//! Pairs of texts as AFQMC has them: `sentence1`, `sentence2`, `label`.

use serde_json::{Value, json};

use crate::place::{Place, json_lines};

const CONFIG: &str = r#"
task = "text-classification"
output = "pairs"
seed = 7
[model]
path = "fresh"
[data]
train = "train.json"
validation = "dev.json"
max_length = 40
[train]
epochs = 4
batch_size = 4
learning_rate = 5e-3
"#;

/// The label follows from the second text alone: a model that does not read it learns nothing.
fn pairs(rows: std::ops::Range<usize>) -> String {
    const WORDS: [[&str; 2]; 2] = [["awful", "boring"], ["lovely", "clever"]];
    let line = |row: usize| {
        let label = row / 3 % 2;
        let other = row % 2;
        json!({
            "sentence1": format!("the plot was {}", WORDS[other][row % 2]),
            "sentence2": format!("the song was {} {row}", WORDS[label][row / 2 % 2]),
            "label": label.to_string(),
        })
        .to_string()
    };
    rows.map(line).collect::<Vec<_>>().join("\n")
}

fn place() -> Place {
    let place = Place::with_reviews();
    place.write("train.json", pairs(0..96));
    place.write("dev.json", pairs(96..120));
    place.write("pairs.toml", CONFIG);
    place
}

#[test]
fn pairs_are_trained_measured_and_predicted() {
    let place = place();
    place.stdout("train pairs.toml");
    let metrics = place.json("pairs/metrics.json");
    assert!(
        metrics["validation"]["accuracy"].as_f64().unwrap() > 0.9,
        "{metrics}"
    );
    let config = String::from_utf8(place.read("pairs/config.toml")).unwrap();
    assert!(
        config.contains("text = \"sentence1\"") && config.contains("text_pair = \"sentence2\""),
        "{config}"
    );
    let evaluated: Value =
        serde_json::from_str(&place.stdout("eval pairs --data dev.json --json")).unwrap();
    assert_eq!(evaluated["accuracy"], metrics["validation"]["accuracy"]);

    let label = |first: &str, second: &str| {
        let mut command = place.cloze("predict pairs --json");
        let output = command.args([first, "--pair", second]).assert().success();
        let lines = json_lines(&crate::place::text(&output.get_output().stdout));
        lines[0]["label"].clone()
    };
    assert_eq!(label("the plot was awful", "the song was lovely"), "1");
    assert_eq!(label("the plot was lovely", "the song was awful"), "0");

    // As CLUE's test files are: ids, and no labels.
    place.write(
        "test.json",
        "{\"id\": 0, \"sentence1\": \"the plot was awful\", \"sentence2\": \"the song was clever\"}\n\
         {\"id\": 1, \"sentence1\": \"the plot was awful\", \"sentence2\": \"the song was boring\"}\n",
    );
    let lines = json_lines(&place.stdout("predict pairs --file test.json --json"));
    let found: Vec<_> = lines
        .iter()
        .map(|line| (&line["id"], &line["label"]))
        .collect();
    assert_eq!(found, [(&json!(0), &json!("1")), (&json!(1), &json!("0"))]);
}

#[test]
fn the_second_text_has_its_own_token_type() {
    let place = place();
    let lines = json_lines(&place.stdout("data pairs.toml --json --show 1"));
    let tokens: Vec<&str> = lines[0]["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| token.as_str().unwrap())
        .collect();
    let first = tokens.iter().position(|token| *token == "[SEP]").unwrap();
    assert_eq!(tokens.last(), Some(&"[SEP]"));
    let types = lines[0]["token_type_ids"].as_array().unwrap().iter();
    let types: Vec<usize> = types.map(|kind| kind.as_u64().unwrap() as usize).collect();
    let expected = (0..tokens.len()).map(|place| usize::from(place > first));
    assert_eq!(types, expected.collect::<Vec<_>>());
    assert!(types.contains(&1));
}

#[test]
fn a_pair_that_lacks_a_text_is_a_bad_row() {
    let place = place();
    place.write(
        "train.json",
        "{\"sentence1\": \"a\", \"sentence2\": \"b\", \"label\": \"0\"}\n\
         {\"sentence1\": \"a\", \"sentence2\": \"\", \"label\": \"1\"}\n\
         {\"sentence1\": \"a\", \"label\": \"1\"}\n",
    );
    let said = place.failure("train pairs.toml", 1);
    assert!(
        said.contains("train.json, line 2, field `sentence2`: found an empty text, wanted a text")
            && said.contains("train.json, line 3, field `sentence2`: found nothing, wanted a text"),
        "{said}"
    );
}

#[test]
fn pairs_may_have_several_labels() {
    let place = place();
    place.stdout(
        "train pairs.toml --set task=multi-label --set train.epochs=1 --set output=several",
    );
    let config = place.json("several/model/config.json");
    assert_eq!(config["id2label"], json!({"0": "0", "1": "1"}));
    let lines = place.stdout("predict several --json --all plot --pair song");
    assert_eq!(json_lines(&lines)[0].as_array().unwrap().len(), 2);
}
