//! Texts that are longer than the model reads at once, in windows that overlap.

use serde_json::{Value, json};

use crate::place::{Place, json_lines, stderr};

const CONFIG: &str = r#"
task = "text-classification"
output = "run"
seed = 7
[model]
path = "fresh"
[data]
train = "long.csv"
split = { validation = 0.2, test = 0.2, seed = 1 }
max_length = 16
long_texts = "windows"
[train]
epochs = 5
batch_size = 4
learning_rate = 5e-3
"#;

/// What a text is like stands at its end, far behind the first 16 tokens. Every fourth text is
/// short.
fn rows() -> impl Iterator<Item = (String, &'static str)> {
    const WORDS: [[&str; 4]; 2] = [
        ["awful", "cold", "boring", "slow"],
        ["lovely", "warm", "clever", "quick"],
    ];
    (0..120).map(|row| {
        let word = |turn: usize| WORDS[row % 2][(row / 2 + turn) % 4];
        let filling = match row % 4 {
            3 => "",
            _ => "the plot was the soup , the service was the song , number the acting ",
        };
        let text = format!("{filling}{} {} {}", word(0), word(1), word(row / 8));
        (text, ["negative", "positive"][row % 2])
    })
}

fn place() -> Place {
    let place = Place::with_reviews();
    let line = |(text, label)| format!("\"{text}\",{label}\n");
    let table: String = rows().map(line).collect();
    place.write("long.csv", format!("text,label\n{table}"));
    place.write("long.toml", CONFIG);
    place
}

fn accuracy(place: &Place, line: &str) -> f64 {
    let metrics: Value = serde_json::from_str(&place.stdout(line)).unwrap();
    metrics["accuracy"].as_f64().unwrap()
}

#[test]
fn what_stands_at_the_end_of_a_long_text_is_learnt_measured_and_predicted() {
    let place = place();
    let told = stderr(&place.cloze("train long.toml").assert().success());
    assert!(told.contains("in windows of 16"), "{told}");
    let warning =
        "90 of 120 texts are longer than 16 tokens and are read in 270 windows that overlap";
    assert!(told.contains(warning), "{told}");
    let config = place.json("run/model/config.json");
    let saved = json!({"task": "text-classification", "max_length": 16, "stride": 4});
    assert_eq!(config["cloze"], saved);
    let resolved = String::from_utf8(place.read("run/config.toml")).unwrap();
    assert!(
        resolved.contains("long_texts = \"windows\"\nstride = 4"),
        "{resolved}"
    );
    let metrics = place.json("run/metrics.json");
    assert!(
        metrics["test"]["accuracy"].as_f64().unwrap() > 0.9,
        "{metrics}"
    );

    assert!(accuracy(&place, "eval run --data long.csv --json") > 0.9);
    let cut = accuracy(&place, "eval run --data long.csv --json --long-texts cut");
    assert!(cut < 0.8, "{cut}");

    let texts: Vec<String> = rows().map(|(text, _)| text).collect();
    place.write("new.txt", texts.join("\n"));
    let predict = |more: &str| {
        json_lines(&place.stdout(&format!("predict run --file new.txt --json {more}")))
    };
    let (windows, cut) = (predict(""), predict("--long-texts cut"));
    assert_eq!(windows, predict("--stride 4 --batch-size 3"));
    for (row, (windows, cut)) in windows.iter().zip(&cut).enumerate() {
        assert_eq!(windows == cut, row % 4 == 3, "{row}: {windows} {cut}");
    }
    assert_ne!(windows, predict("--stride 9"));
    let told = stderr(&place.cloze("predict run --file new.txt").assert().success());
    assert_eq!(
        told,
        "90 of 120 texts longer than the 16 tokens that the model reads at once: read in windows \
         that overlap\n"
    );
    // What is written of a model keeps how it reads.
    place.stdout("vocab add run fizz --output grown");
    assert_eq!(place.json("grown/config.json")["cloze"], saved);
}

#[test]
fn a_model_that_cuts_reads_windows_when_asked() {
    let place = Place::with_run();
    let text = "the plot was slow , ".repeat(12);
    place.write("long.txt", &text);
    let predict =
        |more: &str| place.stdout(&format!("predict run --file long.txt --all --json {more}"));
    assert_eq!(predict(""), predict("--long-texts cut"));
    assert_ne!(predict(""), predict("--long-texts windows"));
    // A quarter of the 24 tokens that the model reads.
    assert_eq!(predict("--stride 6"), predict("--long-texts windows"));
}

#[test]
fn examples_are_shown_window_by_window() {
    let place = place();
    let shown = json_lines(&place.stdout("data long.toml --json"));
    let long = shown.iter().find(|example| example["windows"].is_array());
    let long = long.unwrap();
    assert_eq!(long["windows"][0], 16);
    let lengths = long["windows"].as_array().unwrap().iter();
    let total: u64 = lengths.map(|length| length.as_u64().unwrap()).sum();
    assert_eq!(total as usize, long["tokens"].as_array().unwrap().len());
    let shown = place.stdout("data long.toml --show 9");
    let ends = shown
        .lines()
        .filter(|line| line.starts_with("[CLS]") && line.ends_with("[SEP]"));
    assert!(ends.count() > 9, "{shown}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let place = place();
    place.fails(
        "train long.toml --set data.stride=14",
        2,
        "error: windows of 14 tokens cannot overlap by 14: the stride must be smaller",
    );
    let message = place.failure("predict fresh good --long-texts cut --stride 3", 2);
    assert!(message.contains("--stride is for long texts"), "{message}");
    place.copy_folder(&place.path("fresh"), "tags");
    let config = String::from_utf8(place.read("tags/config.json")).unwrap();
    let class = config.replace("\"BertModel\"", "\"BertForTokenClassification\"");
    assert_ne!(class, config);
    place.write("tags/config.json", class);
    for line in [
        "predict tags good --stride 3",
        "eval tags --data long.csv --long-texts cut",
    ] {
        let message = place.failure(line, 2);
        assert!(
            message.contains("are for models that label whole texts"),
            "{message}"
        );
    }
}
