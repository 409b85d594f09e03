//! Question answering: trained, measured, predicted, shown, converted.

use serde_json::{Value, json};

use crate::place::{Place, json_lines};

const CONFIG: &str = r#"
task = "question-answering"
output = "asked"
seed = 7
[model]
path = "fresh"
[data]
train = "squad.json"
split = { validation = 0.2, test = 0.2, seed = 1 }
max_length = 32
[train]
epochs = 20
batch_size = 8
learning_rate = 5e-3
"#;

/// What is lovely; nothing is in every third context.
fn squad(count: usize) -> String {
    const THINGS: [&str; 4] = ["plot", "soup", "service", "song"];
    let article = |row: usize| {
        let thing = THINGS[row % 4];
        let word = ["awful", "lovely", "lovely"][row % 3];
        let before = format!("🦀 number {row} was the ");
        let context = format!("{before}{word} {thing}");
        let answers = match word {
            "awful" => json!([]),
            _ => {
                json!([{"text": format!("{word} {thing}"), "answer_start": before.chars().count()}])
            }
        };
        let is_impossible = word == "awful";
        let question = json!({"id": format!("q{row}"), "question": "the song", "answers": answers,
                              "is_impossible": is_impossible});
        json!({"paragraphs": [{"context": context, "qas": [question]}]})
    };
    let articles: Vec<Value> = (0..count).map(article).collect();
    json!({"version": "v2.0", "data": articles}).to_string()
}

fn trained() -> Place {
    let place = Place::with_reviews();
    place.write("squad.json", squad(90));
    place.write("asked.toml", CONFIG);
    place.stdout("train asked.toml");
    place
}

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap();
    object.keys().map(String::as_str).collect()
}

#[test]
fn a_model_is_trained_measured_and_answers_questions() {
    let place = trained();
    let metrics = place.json("asked/metrics.json");
    assert!(metrics["test"]["f1"].as_f64().unwrap() > 0.8, "{metrics}");
    assert!(metrics["per_kind"]["test"]["without one"]["number"].is_number());

    let shown = place.stdout("eval asked --data squad.json");
    assert!(
        shown.contains("best_f1_threshold") && shown.contains("without one"),
        "{shown}"
    );
    let line = "eval asked --data squad.json --json --metric cmrc --null-threshold -1000";
    let json: Value = serde_json::from_str(&place.stdout(line)).unwrap();
    // Where nothing is good enough, the questions without an answer are right.
    assert!(
        (json["f1"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-9,
        "{json}"
    );
    assert_eq!(json["per_kind"]["without one"]["number"], 30);

    let mut command = place.cloze("predict asked --json --question");
    command.args(["the song", "--context", "🦀 number 7 was the lovely soup"]);
    let output = command.assert().success().get_output().stdout.clone();
    let found: Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(keys(&found), ["score", "start", "end", "answer"]);
    // Offsets count characters, not bytes.
    assert_eq!(
        (&found["answer"], &found["start"], &found["end"]),
        (&"lovely soup".into(), &19.into(), &30.into()),
        "{found}"
    );

    let whole = json_lines(&place.stdout("predict asked --file squad.json --json"));
    assert_eq!((whole.len(), keys(&whole[0])[0]), (90, "id"));
    assert_eq!(whole[0]["id"], "q0");
    place.write(
        "rows.jsonl",
        "{\"id\": 1, \"question\": \"the song\", \"context\": \"the lovely plot was number 2\"}\n\
         {\"id\": 2, \"question\": \"the song\", \"context\": \"the awful plot was number 2\"}\n",
    );
    let rows = json_lines(&place.stdout("predict asked --file rows.jsonl --json --top-k 3"));
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].as_array().unwrap().len(), 3);
    assert_eq!(keys(&rows[1][0]), ["id", "score", "start", "end", "answer"]);
    let shown = place.stdout("predict asked --file rows.jsonl --null-threshold -1000");
    assert_eq!(shown.matches("no answer").count(), 2, "{shown}");

    let shown = place.stdout("inspect asked");
    assert!(shown.contains("question-answering"), "{shown}");
    place.stdout("convert asked half --dtype float16");
    assert!(place.exists("half/question_answering.json"));
    place.stdout("vocab add asked zebra --output grown");
    assert!(place.stdout("inspect grown").contains("question-answering"));
    assert!(place.exists("grown/question_answering.json"));
}

#[test]
fn examples_are_shown_with_their_answers() {
    let place = Place::with_reviews();
    place.write("squad.json", squad(90));
    place.write("asked.toml", CONFIG);
    let shown = place.stdout("data asked.toml --show 3");
    assert!(
        shown.contains("lovely soup") || shown.contains("lovely song"),
        "{shown}"
    );
    let example = &json_lines(&place.stdout("data asked.toml --show 1 --json"))[0];
    assert_eq!(
        keys(example),
        [
            "tokens",
            "input_ids",
            "token_type_ids",
            "start_position",
            "end_position",
            "answer"
        ]
    );
}

#[test]
fn what_makes_no_sense_for_questions_is_refused() {
    let place = trained();
    for (line, message) in [
        ("predict asked --question a", "--context <TEXT>"),
        ("predict asked a", "question 1 has no context"),
        ("predict asked a --context b --all", "--all is for labels"),
        (
            "predict asked a --context b --targets c",
            "--targets is for masks",
        ),
        (
            "predict asked a --context b --aggregation simple",
            "models that label words",
        ),
        (
            "eval asked --data squad.json --text a",
            "the columns of questions are `question`, `context` and `answers`",
        ),
    ] {
        let status = if message.starts_with("question 1") {
            1
        } else {
            2
        };
        let said = place.failure(line, status);
        assert!(said.contains(message), "{said}");
    }
    let place = Place::with_run();
    place.write("squad.json", squad(2));
    for line in [
        "predict run --question a --context b",
        "predict run a --max-answer-length 3",
        "predict run --file squad.json",
    ] {
        let said = place.failure(line, 2);
        assert!(
            said.contains("are for models that answer questions"),
            "{said}"
        );
    }
    let said = place.failure("eval run --data reviews.csv --metric cmrc", 2);
    assert!(
        said.contains("--metric is for models that answer questions"),
        "{said}"
    );
}

#[test]
fn what_is_wrong_with_questions_is_placed() {
    let place = trained();
    let bad = squad(3).replace("\"answer_start\":19", "\"answer_start\":20");
    place.write("bad.json", bad);
    let said = place.failure("eval asked --data bad.json", 1);
    let wanted = "bad.json, line 1, field `data[1].paragraphs[0].qas[0].answers[0].answer_start`: \
                  found 20, where the context has \"ovely soup\", wanted where \"lovely soup\" \
                  starts, as at 19";
    assert!(
        said.contains(wanted) && said.contains("--bad-rows skip"),
        "{said}"
    );
    place.stdout("eval asked --data bad.json --bad-rows skip");
    place.write(
        "rows.jsonl",
        "{\"question\": \"the song\", \"context\": \"\"}\n",
    );
    let said = place.failure("predict asked --file rows.jsonl", 1);
    assert!(
        said.contains("rows.jsonl, line 1, field `context`"),
        "{said}"
    );
}
