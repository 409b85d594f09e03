//! Models that say which token comes next: trained, measured, shown, inspected.

use crate::place::{Place, json_lines};

const CONFIG: &str = r#"
task = "continuation"
output = "novel"
seed = 7
[model]
path = "fresh"
[data]
train = "novel.txt"
split = { validation = 0.1, test = 0.1 }
[continuation]
length = 8
head = "lstm"
hidden_size = 24
[train]
epochs = 12
batch_size = 16
learning_rate = 1e-2
"#;

fn trained() -> Place {
    let place = Place::with_reviews();
    let line = "the plot was lovely and the song was slow\n";
    place.write("novel.txt", line.repeat(40));
    place.write("novel.toml", CONFIG);
    place.stdout("train novel.toml");
    place
}

#[test]
fn a_model_learns_a_text_and_is_measured_on_it() {
    let place = trained();
    let metrics = place.json("novel/metrics.json");
    let test = &metrics["test"];
    assert!(
        test["next_token_accuracy"].as_f64().unwrap() > 0.6,
        "{test}"
    );
    let perplexity = test["perplexity"].as_f64().unwrap();
    assert!((test["loss"].as_f64().unwrap().exp() - perplexity).abs() < 1e-6);

    place.write(
        "more.txt",
        "the plot was lovely and the song was slow\n".repeat(3),
    );
    let found = json_lines(&place.stdout("eval novel --data more.txt --json")).remove(0);
    assert!(
        found["next_token_accuracy"].as_f64().unwrap() > 0.6,
        "{found}"
    );

    let inspected = place.stdout("inspect novel --json");
    assert_eq!(json_lines(&inspected)[0]["task"], "continuation");
    assert!(place.exists("novel/model/modeling_cloze.py"));
}

#[test]
fn a_model_that_is_not_whole_writes_nothing() {
    let place = trained();
    let config = place.read("novel/model/config.json");
    let config = String::from_utf8(config).unwrap();
    place.write(
        "novel/model/config.json",
        config.replace("\"kind\": \"lstm\"", "\"kind\": \"linear\""),
    );
    for command in [
        "generate novel --prompt plot",
        "eval novel --data novel.txt",
    ] {
        let said = place.failure(command, 1);
        assert!(
            said.contains("novel/model: the weights lack head."),
            "{said}"
        );
    }
}

#[test]
fn samples_are_shown_with_what_comes_next() {
    let place = trained();
    let shown = json_lines(&place.stdout("data novel.toml --show 2 --json"));
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[0]["input_ids"].as_array().unwrap().len(), 10);
    assert_eq!(shown[0]["next_id"], shown[1]["input_ids"][8]);
    let prefixes = "data novel.toml --show 1 --set continuation.samples=\"prefixes\"";
    let text = place.stdout(prefixes);
    assert!(
        text.contains("[MASK] [SEP]") && text.contains("next "),
        "{text}"
    );
}

#[test]
fn what_makes_no_sense_is_told() {
    let place = trained();
    place.write("short.txt", "the plot\n");
    let said = place.failure("eval novel --data short.txt", 1);
    assert!(
        said.contains("short.txt, test split: found 4 tokens, wanted 9 at least"),
        "{said}"
    );
    let said = place.failure("predict novel plot", 2);
    assert!(said.contains("the model continues texts"), "{said}");
    let said = place.failure("train novel.toml --set continuation.attention_heads=0", 2);
    assert!(said.contains("continuation.attention_heads"), "{said}");
    let uneven = "train novel.toml --set output=x --set continuation.head=\"lstm-attention\" \
                  --set continuation.attention_heads=5";
    assert_eq!(
        place.failure(uneven, 2),
        "error: novel.toml, field `continuation.attention_heads`: found 5, wanted a number that \
         divides the width, 24, evenly\n"
    );
    let long = "train novel.toml --set output=x --set continuation.length=600";
    let said = place.failure(long, 2);
    assert!(
        said.starts_with(
            "error: novel.toml, field `continuation.length`: found 600, wanted at most"
        ),
        "{said}"
    );
    place.write("blank.txt", "\n\n");
    let said = place.failure("eval novel --data blank.txt", 1);
    assert!(
        said.starts_with("error: blank.txt: found none among 2 texts"),
        "{said}"
    );
}
