//! Token classification: trained, measured, predicted, shown, converted.

use serde_json::Value;

use crate::place::{Place, json_lines};

const CONFIG: &str = r#"
task = "token-classification"
output = "names"
seed = 7
[model]
path = "fresh"
[data]
train = "names.conll"
split = { validation = 0.2, test = 0.2, seed = 1 }
max_length = 24
[train]
epochs = 12
batch_size = 8
learning_rate = 5e-3
"#;

/// Sentences in columns with a part of speech and a name for every word.
fn sentences(count: usize) -> String {
    const THINGS: [&str; 4] = ["plot", "soup", "service", "song"];
    let mut text = String::from("-DOCSTART- -X- O\n\n");
    for row in 0..count {
        let thing = THINGS[row % 4];
        text += "the DT O\n";
        text += match row % 3 {
            0 => "lovely JJ B-DISH\n",
            _ => "awful JJ O\n",
        };
        let inside = if row % 3 == 0 { "I-DISH" } else { "B-DISH" };
        text += &format!("{thing} NN {inside}\nwas VB O\n");
        text += &format!("number NN O\n{row} CD O\n\n");
    }
    text
}

fn trained() -> Place {
    let place = Place::with_reviews();
    place.write("names.conll", sentences(90));
    place.write("names.toml", CONFIG);
    place.stdout("train names.toml");
    place
}

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap();
    object.keys().map(String::as_str).collect()
}

#[test]
fn a_model_is_trained_measured_and_finds_entities() {
    let place = trained();
    let metrics = place.json("names/metrics.json");
    assert!(metrics["test"]["f1"].as_f64().unwrap() > 0.9, "{metrics}");
    assert!(metrics["per_entity"]["test"]["DISH"]["precision"].is_number());

    place.write("new.conll", sentences(12));
    let shown = place.stdout("eval names --data new.conll");
    assert!(
        shown.contains("strict_f1") && shown.contains("micro avg"),
        "{shown}"
    );
    let json: Value =
        serde_json::from_str(&place.stdout("eval names --data new.conll --json")).unwrap();
    assert_eq!(json["per_entity"]["DISH"]["support"], 12);

    place.write(
        "texts.txt",
        "The lovely soup was number 3\n\n🦀 the awful song was\n",
    );
    let found = json_lines(
        &place.stdout("predict names --file texts.txt --json --aggregation first --bad-rows skip"),
    );
    assert_eq!(found.len(), 2);
    let dish = &found[0][0];
    assert_eq!(
        keys(dish),
        ["entity_group", "score", "word", "start", "end"]
    );
    assert_eq!(
        (&dish["entity_group"], &dish["start"], &dish["end"]),
        (&"DISH".into(), &4.into(), &15.into())
    );
    // Offsets count characters, not bytes.
    assert_eq!(found[1][0]["start"], 12);
    let alone = json_lines(&place.stdout("predict names --file texts.txt --json --bad-rows skip"));
    assert_eq!(
        keys(&alone[0][0]),
        ["entity", "score", "index", "word", "start", "end"]
    );
    assert_eq!(alone[0][0]["entity"], "B-DISH");

    let shown = place.stdout("inspect names");
    assert!(
        shown.contains("token-classification") && shown.contains("B-DISH"),
        "{shown}"
    );
    place.stdout("convert names half --dtype float16");
    place.stdout("predict half the");
    place.stdout("vocab add names zebra --output grown");
    assert!(
        place
            .stdout("inspect grown")
            .contains("token-classification")
    );
}

#[test]
fn parts_of_speech_and_examples_as_the_model_sees_them() {
    let place = trained();
    let shown = place.stdout("data names.toml --show 1");
    assert!(
        shown.contains("(O)") && shown.contains("(B-DISH)"),
        "{shown}"
    );
    let line = "data names.toml --show 1 --json --set data.label=\"1\" --set tags.sub_words=first";
    let example = &json_lines(&place.stdout(line))[0];
    assert_eq!(
        keys(example),
        ["tokens", "input_ids", "token_type_ids", "tags", "labels"]
    );
    assert_eq!(example["labels"][0], -100);
    assert_eq!(example["tags"][1], "DT");
}

#[test]
fn what_makes_no_sense_for_words_is_refused() {
    let place = trained();
    for (line, message) in [
        (
            "predict names a --top-k 2",
            "--top-k and --all are for labels of whole texts",
        ),
        (
            "predict names a --pair b",
            "the model labels the words of single texts",
        ),
        ("predict names a --targets b", "--targets is for masks"),
        (
            "eval names --data names.conll --format csv",
            "--text-pair and --format are for tables",
        ),
    ] {
        let said = place.failure(line, 2);
        assert!(said.contains(message), "{said}");
    }
    let place = Place::with_run();
    let said = place.failure("predict run a --aggregation simple", 2);
    assert!(
        said.contains("--aggregation is for models that label words"),
        "{said}"
    );
}

#[test]
fn what_is_wrong_with_tags_is_placed() {
    let place = trained();
    place.write("bad.conll", "the\tB-DISH\nwas\tO\nsoup\tI-DISH\n");
    let said = place.failure("eval names --data bad.conll", 1);
    let wanted = "bad.conll, line 3, field `tags`: found \"I-DISH\" after \"O\", at word 3, \"soup\", \
                  wanted \"B-DISH\"";
    assert!(
        said.contains(wanted) && said.contains("--bad-rows skip"),
        "{said}"
    );
    place.write("other.conll", "the\tB-DRINK\n");
    let said = place.failure("eval names --data other.conll", 1);
    assert!(
        said.contains("wanted one of the labels O, B-DISH, I-DISH"),
        "{said}"
    );
}
