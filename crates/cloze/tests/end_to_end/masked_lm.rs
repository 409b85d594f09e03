//! Masked language models: trained, filled, adapted, converted.

use serde_json::Value;

use crate::place::{Place, json_lines};

const CONFIG: &str = r#"
task = "masked-lm"
output = "adapted"
seed = 7
[model]
path = "fresh"
[data]
train = "reviews.csv"
text = "review"
split = { validation = 0.2 }
chunk_size = 16
[train]
epochs = 2
batch_size = 8
learning_rate = 5e-3
"#;

fn adapted() -> Place {
    let place = Place::with_reviews();
    place.write("adapt.toml", CONFIG);
    place.stdout("train adapt.toml");
    place
}

#[test]
fn a_model_is_adapted_and_fills_masks_and_becomes_a_classifier() {
    let place = adapted();
    let metrics = place.json("adapted/metrics.json");
    let perplexity = |of: &str| metrics[of]["perplexity"].as_f64().unwrap();
    assert!(perplexity("validation") < perplexity("before"));

    place.write("texts.txt", "the plot was [MASK]\n[MASK] [MASK] was warm\n");
    let lines = json_lines(&place.stdout("predict adapted --file texts.txt --json --top-k 2"));
    let fields = |value: &Value| {
        let names: Vec<&String> = value.as_object().unwrap().keys().collect();
        names
            .iter()
            .map(|name| name.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0].as_array().unwrap().len(), 2);
    assert_eq!(fields(&lines[0][0]), "score token token_str sequence");
    assert_eq!(lines[1].as_array().unwrap().len(), 2);
    assert_eq!(lines[1][0].as_array().unwrap().len(), 2);
    let sequence = lines[1][0][0]["sequence"].as_str().unwrap();
    assert!(
        sequence.starts_with("[CLS] ") && sequence.contains("[MASK]"),
        "{sequence}"
    );

    let shown = place
        .cloze("predict adapted --top-k 1")
        .arg("the plot was [MASK]")
        .assert();
    let shown = crate::place::text(&shown.success().get_output().stdout);
    assert_eq!(shown.lines().count(), 2, "{shown}");

    // The task that it is adapted for.
    place.stdout("train config.toml --set model.path=adapted/model --set train.epochs=1");
    assert!(place.exists("run/model/model.safetensors"));
}

#[test]
fn pretraining_tells_whether_one_sentence_follows_another() {
    let place = Place::with_reviews();
    let text: String = (0..40)
        .map(|row| format!("the plot was lovely {row}. the song was slow.\n"))
        .collect();
    place.write("essay.txt", text);
    place.write(
        "pretrain.toml",
        "task = \"pretraining\"\noutput = \"pretrained\"\n[model]\npath = \"fresh\"\n\
         [data]\ntrain = \"essay.txt\"\nmax_length = 24\n[train]\nepochs = 1\n",
    );
    place.stdout("train pretrain.toml");
    let pair = "predict pretrained --task next-sentence --json --all song --pair plot";
    let lines = json_lines(&place.stdout(pair));
    let labels = lines[0].as_array().unwrap().iter();
    let mut labels: Vec<&str> = labels.map(|one| one["label"].as_str().unwrap()).collect();
    labels.sort_unstable();
    assert_eq!(labels, ["IsNext", "NotNext"]);
    let lines = json_lines(&place.stdout("predict pretrained [MASK] --json"));
    assert_eq!(lines[0].as_array().unwrap().len(), 5);
}

#[test]
fn what_makes_no_sense_is_told() {
    let place = adapted();
    place.write("texts.txt", "the plot was [MASK]\nthe plot was slow\n");
    place.fails(
        "predict adapted --file texts.txt",
        1,
        "error: texts.txt, line 2: found no [MASK], wanted a text with [MASK]",
    );
    let said = place.failure("predict adapted [MASK] --targets zzzzzz", 2);
    assert!(
        said.contains("\"zzzzzz\" is no token of the model's vocabulary"),
        "{said}"
    );
    let said = place.failure("predict adapted [MASK] --task next-sentence", 2);
    let fits = "what fits it is fill-mask, embedding";
    assert!(said.contains(fits), "{said}");
    let said = place.failure(
        "train adapt.toml --set data.label=label --set output=other",
        2,
    );
    assert!(said.contains("field `data.label`"), "{said}");
    let said = place.failure(
        "train adapt.toml --set train.best=accuracy --set output=other",
        2,
    );
    assert!(said.contains("perplexity"), "{said}");
    let said = place.failure(
        "train adapt.toml --set masking.shares=[1,1,0] --set output=other",
        2,
    );
    assert!(said.contains("field `masking.shares`"), "{said}");
}

#[test]
fn weights_are_stored_as_another_type() {
    let place = adapted();
    place.stdout("convert adapted half --dtype float16");
    let size = |name: &str| place.read(&format!("{name}/model.safetensors")).len();
    assert!(size("half") < size("adapted/model") * 3 / 5);
    let top = |model: &str| {
        let lines = json_lines(&place.stdout(&format!("predict {model} [MASK] --json --top-k 1")));
        lines[0][0]["token"].clone()
    };
    assert_eq!(top("half"), top("adapted"));
    let said = place.failure("convert adapted half --dtype float16", 1);
    assert!(said.starts_with("error: half exists already"), "{said}");
}

#[test]
fn a_file_is_split_as_a_run_splits_it() {
    let place = Place::with_reviews();
    let said =
        place.stdout("split reviews.csv --test 0.125 --validation 0.125 --seed 1 --output parts");
    assert_eq!(
        said,
        "72 rows in parts/train.csv\n12 rows in parts/validation.csv\n12 rows in parts/test.csv\n"
    );
    place.stdout("train config.toml --set train.epochs=1");
    let splits = place.json("run/splits.json");
    let table = place.read("reviews.csv");
    let rows: Vec<&[u8]> = table.split(|&byte| byte == b'\n').skip(1).collect();
    for part in ["train", "validation", "test"] {
        let wanted: Vec<Vec<u8>> = splits[part]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| rows[row.as_u64().unwrap() as usize].to_vec())
            .collect();
        let found = place.read(&format!("parts/{part}.csv"));
        let found: Vec<Vec<u8>> = found
            .split(|&byte| byte == b'\n')
            .skip(1)
            .filter(|row| !row.is_empty())
            .map(<[u8]>::to_vec)
            .collect();
        let plain = |rows: Vec<Vec<u8>>| -> Vec<String> {
            rows.into_iter()
                .map(|row| String::from_utf8(row).unwrap().replace('"', ""))
                .collect()
        };
        assert_eq!(plain(found), plain(wanted), "{part}");
    }
    place.fails(
        "split reviews.csv --output other",
        2,
        "error: give --validation or --test a share, or both",
    );
}

#[test]
fn examples_are_shown_as_the_model_sees_them() {
    let place = Place::with_reviews();
    place.write("adapt.toml", CONFIG);
    let lines = json_lines(&place.stdout("data adapt.toml --split validation --json"));
    let numbers = |line: &Value, name: &str| -> Vec<u64> {
        let values = line[name].as_array().unwrap().iter();
        values.map(|value| value.as_u64().unwrap()).collect()
    };
    assert!(lines.len() > 5);
    for line in &lines {
        assert_eq!(numbers(line, "input_ids").len(), 16);
        assert_eq!(line["tokens"].as_array().unwrap().len(), 16);
        let positions = numbers(line, "positions");
        assert!(!positions.is_empty() && positions.iter().all(|&position| position < 16));
        assert_eq!(numbers(line, "targets").len(), positions.len());
    }
    let again = json_lines(&place.stdout("data adapt.toml --split validation --json --show 2"));
    assert_eq!(again, lines[..2]);
    let other = json_lines(&place.stdout("data adapt.toml --split validation --json --epoch 2"));
    assert_ne!(other, lines);
    let labelled = json_lines(&place.stdout("data config.toml --json --show 1"));
    assert!(labelled[0]["label"].is_string());
    assert!(place.stdout("data config.toml --show 1").contains("label "));
    assert!(!place.exists("adapted") && !place.exists("run"));
}

#[test]
fn perplexity_is_measured_on_any_texts() {
    let place = adapted();
    place.write("new.txt", "the plot was lovely\nthe soup was cold\n");
    let measure = |model: &str, more: &str| -> Value {
        let line = format!("eval {model} --data new.txt --json {more}");
        serde_json::from_str(&place.stdout(&line)).unwrap()
    };
    let found = measure("adapted", "");
    let loss = found["loss"].as_f64().unwrap();
    assert!((found["perplexity"].as_f64().unwrap() - loss.exp()).abs() < 1e-9);
    assert_eq!(found, measure("adapted", "--seed 42 --batch-size 1"));
    let said = place.failure("eval adapted --data new.txt --label label", 2);
    assert!(said.contains("are for classifiers"), "{said}");
}

#[test]
fn a_grown_vocabulary_keeps_the_head() {
    let place = adapted();
    place.stdout("vocab add adapted --output grown zzgrown");
    let lines = json_lines(&place.stdout("predict grown [MASK] --json --targets zzgrown"));
    assert_eq!(lines[0][0]["token_str"], "zzgrown");
    let inspected: Value = serde_json::from_str(&place.stdout("inspect grown --json")).unwrap();
    assert_eq!(inspected["task"], "masked-lm");
}
