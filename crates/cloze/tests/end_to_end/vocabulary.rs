//! `cloze vocab …`

use serde_json::{Value, json};

use crate::place::{MODEL_CONFIG, Place, json_lines};

#[test]
fn a_vocabulary_is_learnt_and_listed() {
    let place = Place::with_reviews();
    let said = place.stdout("vocab train reviews.csv --size 80 --output v");
    assert_eq!(said, "80 tokens in v\n");
    let list = place.stdout("vocab list v");
    assert!(
        list.starts_with("0\t[PAD]\n1\t[UNK]\n2\t[CLS]\n3\t[SEP]\n4\t[MASK]\n"),
        "{list}"
    );
    assert_eq!(list.lines().count(), 80);
    let entries = json_lines(&place.stdout("vocab list v --json"));
    assert_eq!(entries[2], json!({"id": 2, "token": "[CLS]"}));
    place.stdout("vocab train reviews.csv --size 80 --output again");
    assert!(place.read("v/vocab.txt") == place.read("again/vocab.txt"));
}

#[test]
fn tokens_are_looked_up() {
    let place = Place::with_reviews();
    let found: Value =
        serde_json::from_str(&place.stdout("vocab show fresh --json [CLS] 词")).unwrap();
    assert_eq!(found, json!({"[CLS]": 2, "词": null}));
    let table = place.stdout("vocab show fresh [SEP] 词");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(1)
        .map(|row| row.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows,
        [vec!["[SEP]", "3", "[SEP]"], vec!["词", "none", "[UNK]"]]
    );
    let overview: Value = serde_json::from_str(&place.stdout("vocab show fresh --json")).unwrap();
    assert_eq!(
        (&overview["tokens"], &overview["model_max_length"]),
        (&json!(120), &json!(64))
    );
    assert_eq!(
        overview["special_tokens"]["mask_token"],
        json!({"token": "[MASK]", "id": 4})
    );
}

#[test]
fn added_tokens_are_counted_and_the_embeddings_grow() {
    let place = Place::with_run();
    place.write("words.txt", "奥密克戎\nsinology\n奥密克戎\n");
    let said = place.stdout("vocab add run sinology [CLS] --file words.txt --output extended");
    assert_eq!(
        said,
        "2 tokens added, 122 in all, in extended\nthe word embeddings have 122 rows\n"
    );
    let shape = |model: &str| -> Value {
        let report: Value =
            serde_json::from_str(&place.stdout(&format!("inspect {model} --json --tensors")))
                .unwrap();
        report["parameters"]["tensors"][0]["shape"].clone()
    };
    assert_eq!(
        (shape("run"), shape("extended")),
        (json!([120, 32]), json!([122, 32]))
    );
    let tokens = place.stdout("tokenize extended 奥密克戎sinology --show tokens");
    assert_eq!(tokens, "[CLS] 奥密克戎 sinology [SEP]\n");
    // Texts without the new words get the same answers as before.
    let answer = |model: &str| place.stdout(&format!("predict {model} --json lovely"));
    assert_eq!(answer("run"), answer("extended"));
}

#[test]
fn a_tokenizer_without_a_model_is_extended_too() {
    let place = Place::with_reviews();
    place.stdout("vocab train reviews.csv --size 80 --output v");
    assert_eq!(
        place.stdout("vocab add v 核酸检测 --output w"),
        "1 token added, 81 in all, in w\n"
    );
    assert!(!place.exists("w/model.safetensors"));
}

#[test]
fn a_new_model_is_a_function_of_its_seed() {
    let place = Place::with_reviews();
    place.write("model.json", MODEL_CONFIG);
    let weights = |name: &str, seed: u64| {
        place.stdout(&format!(
            "init --config model.json --tokenizer fresh {name} --seed {seed}"
        ));
        place.read(&format!("{name}/model.safetensors"))
    };
    let (a, b, c) = (weights("a", 3), weights("b", 3), weights("c", 4));
    assert!(a == b && a != c);
    assert!(a == place.read("fresh/model.safetensors"));
    assert_eq!(place.json("a/config.json")["vocab_size"], 120);

    let small = MODEL_CONFIG.replacen('{', "{\"vocab_size\": 100,", 1);
    place.write("small.json", small);
    place.fails(
        "init --config small.json --tokenizer fresh d",
        1,
        "error: small.json, field `vocab_size`: found 100, wanted at least 120, as the tokenizer has \
         tokens",
    );
    assert!(!place.exists("d"));
}
