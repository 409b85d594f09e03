//! Every task on ELECTRA, RoBERTa and XLM-RoBERTa, from a `config.json` on.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::place::{Place, json_lines};

/// An architecture, what `config.json` says besides the sizes, the first part of its class names,
/// and the token that hides others.
struct Case {
    model_type: &'static str,
    more: &'static str,
    class: &'static str,
    mask: &'static str,
    longest: u64,
}

const CASES: [Case; 3] = [
    Case {
        model_type: "electra",
        more: r#""embedding_size": 24, "type_vocab_size": 2"#,
        class: "Electra",
        mask: "[MASK]",
        longest: 64,
    },
    Case {
        model_type: "roberta",
        more: r#""type_vocab_size": 1, "layer_norm_eps": 1e-5"#,
        class: "Roberta",
        mask: "<mask>",
        longest: 62,
    },
    Case {
        model_type: "xlm-roberta",
        more: r#""type_vocab_size": 1, "layer_norm_eps": 1e-5"#,
        class: "XLMRoberta",
        mask: "<mask>",
        longest: 62,
    },
];

impl Case {
    /// A folder with the random model `fresh` of this architecture, and reviews.
    fn place(&self) -> Place {
        let place = Place::with_reviews();
        std::fs::remove_dir_all(place.path("fresh")).unwrap();
        let config = format!(
            r#"{{"model_type": "{}", "hidden_size": 32, "num_hidden_layers": 2,
                "num_attention_heads": 2, "intermediate_size": 64,
                "max_position_embeddings": 64, "initializer_range": 0.1, {}}}"#,
            self.model_type, self.more
        );
        place.write("model.json", config);
        let tokenizer = match self.model_type {
            "electra" => {
                place.stdout("vocab train reviews.csv --size 120 --output vocabulary");
                place.path("vocabulary")
            }
            "roberta" => fixture("byte-level"),
            _ => fixture("unigram"),
        };
        place
            .cloze("init --config model.json --seed 3 fresh --tokenizer")
            .arg(tokenizer)
            .assert()
            .success();
        place
    }

    /// Trains, and holds the saved model to its class.
    fn train(&self, place: &Place, config: &str, class: &str) -> Value {
        place.write("task.toml", config);
        place.stdout("train task.toml");
        let saved = place.json("done/model/config.json");
        let wanted = format!("{}For{class}", self.class);
        assert_eq!(saved["architectures"], serde_json::json!([wanted]));
        assert_eq!(saved["model_type"], self.model_type);
        assert!(saved["cloze"].get("head").is_none(), "{saved}");
        place.json("done/metrics.json")
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../cloze-data/tests/fixtures")
        .join(name)
}

/// A configuration of a task with these keys of its data, and this many epochs.
fn config(task: &str, data: &str, epochs: usize) -> String {
    format!(
        "task = \"{task}\"\noutput = \"done\"\nseed = 7\n[model]\npath = \"fresh\"\n\
         [data]\n{data}\nsplit = {{ validation = 0.2, test = 0.2, seed = 1 }}\n\
         [train]\nepochs = {epochs}\nbatch_size = 4\nlearning_rate = 3e-3\n"
    )
}

const REVIEWS: &str = "train = \"reviews.csv\"\ntext = \"review\"\nlabel = \"label\"";

#[test]
fn a_fresh_model_says_what_it_is() {
    for case in CASES {
        let place = case.place();
        let shown: Value = serde_json::from_str(&place.stdout("inspect fresh --json")).unwrap();
        assert_eq!(shown["architecture"], case.model_type);
        assert_eq!(shown["max_length"], case.longest);
        let parts = shown["parameters"]["parts"].as_array().unwrap();
        let has_pooler = parts.iter().any(|part| part["part"] == "pooler");
        assert_eq!(has_pooler, case.class != "Electra");
        let saved = place.json("fresh/tokenizer_config.json");
        let class = saved["tokenizer_class"].as_str().unwrap();
        assert_eq!(class, format!("{}Tokenizer", case.class));
    }
}

#[test]
fn whole_texts_are_labelled() {
    for case in CASES {
        let place = case.place();
        let metrics = case.train(
            &place,
            &config("text-classification", REVIEWS, 10),
            "SequenceClassification",
        );
        let accuracy = metrics["test"]["accuracy"].as_f64().unwrap();
        assert!(accuracy > 0.8, "{}: {metrics}", case.model_type);
        let predicted = place.stdout("predict done --file reviews.csv --text review --json");
        let predicted = json_lines(&predicted);
        // Every second review is positive, the first is not.
        let right =
            |(row, line): &(usize, Value)| line["label"] == ["negative", "positive"][row % 2];
        let right = predicted.into_iter().enumerate().filter(right).count();
        assert!(right > 86, "{}: {right} of 96", case.model_type);
    }
}

#[test]
fn pairs_several_labels_and_numbers_are_learnt() {
    const ROWS: [(&str, &str, &str); 3] = [
        ("text-classification", "label", "yes"),
        ("multi-label", "labels", "a, b"),
        ("regression", "score", "1.5"),
    ];
    for case in CASES {
        let place = case.place();
        for (task, column, other) in ROWS {
            let first = match task {
                "regression" => "0.25",
                "multi-label" => "a",
                _ => "no",
            };
            let mut table = format!("text,second,{column}\n");
            for row in 0..60 {
                let (word, value) = [("awful", first), ("lovely", other)][row % 2];
                table += &format!("the soup {row},it was {word},\"{value}\"\n");
            }
            place.write("rows.csv", table);
            let data = format!(
                "train = \"rows.csv\"\ntext = \"text\"\ntext_pair = \"second\"\nlabel = \"{column}\""
            );
            case.train(&place, &config(task, &data, 2), "SequenceClassification");
            let predicted = place.stdout("predict done --file rows.csv --json --text-pair second");
            assert_eq!(predicted.lines().count(), 60);
            std::fs::remove_dir_all(place.path("done")).unwrap();
        }
    }
}

#[test]
fn words_are_labelled() {
    for case in CASES {
        let place = case.place();
        let mut table = String::new();
        for row in 0..90 {
            let (word, tag) = [("lovely", "B-DISH"), ("awful", "O")][row % 2];
            let inside = ["I-DISH", "O"][row % 2];
            table += &format!("the O\n{word} {tag}\nsoup {inside}\nwas O\n{row} O\n\n");
        }
        place.write("names.conll", table);
        let data = "train = \"names.conll\"";
        let metrics = case.train(
            &place,
            &config("token-classification", data, 8),
            "TokenClassification",
        );
        let f1 = metrics["test"]["f1"].as_f64().unwrap();
        assert!(f1 > 0.9, "{}: {metrics}", case.model_type);
        let found = place
            .cloze("predict done --json --aggregation first")
            .arg("the lovely soup was 3")
            .assert();
        let found = crate::place::text(&found.success().get_output().stdout);
        let entities = json_lines(&found).remove(0);
        let places = [&entities[0]["start"], &entities[0]["end"]];
        assert_eq!(places, [4, 15], "{}: {entities}", case.model_type);
        // Words of the file had a space before them; so have those of a text.
        if case.model_type == "roberta" {
            let saved = place.json("done/model/tokenizer_config.json");
            assert_eq!(saved["add_prefix_space"], true);
        }
    }
}

#[test]
fn masked_words_are_learnt_and_next_sentences_are_refused() {
    for case in CASES {
        let place = case.place();
        let data = "train = \"reviews.csv\"\ntext = \"review\"\nchunk_size = 32";
        let text = config("masked-lm", data, 3).replace(", test = 0.2", "");
        let metrics = case.train(
            &place,
            &format!("{text}[masking]\nwhole_word = true\n"),
            "MaskedLM",
        );
        let perplexity = |of: &str| metrics[of]["perplexity"].as_f64().unwrap();
        assert!(perplexity("validation") < perplexity("before"), "{metrics}");
        let filled = place
            .cloze("predict done --json --top-k 2")
            .arg(format!("the soup was {}", case.mask))
            .assert();
        let filled = crate::place::text(&filled.success().get_output().stdout);
        assert_eq!(json_lines(&filled)[0].as_array().unwrap().len(), 2);

        // The task that it is adapted for starts from it.
        place.write("task.toml", config("text-classification", REVIEWS, 1));
        place.stdout("train task.toml --set model.path=done/model --set output=classifier");
        let inspected = place.stdout("inspect classifier --json");
        let inspected: Value = serde_json::from_str(&inspected).unwrap();
        assert_eq!(inspected["task"], "text-classification");

        let essay = "The soup was cold. It was awful.\nThe plot was quick. It was lovely.\n\n";
        place.write("essay.txt", essay.repeat(60));
        let data = "train = \"essay.txt\"";
        let text = config("pretraining", data, 1).replace(", test = 0.2", "");
        place.write("task.toml", text);
        // Before the corpus is looked at.
        for train in ["essay.txt", "missing.txt"] {
            let line = format!("train task.toml --set output=pretrained --set data.train={train}");
            let refused = place.failure(&line, 1);
            assert!(refused.contains("alone (`masked-lm`)"), "{refused}");
        }
    }
}
