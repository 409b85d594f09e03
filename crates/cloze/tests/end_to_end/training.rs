//! `cloze train` from a table and a checkpoint to a model that predicts.

use safetensors::SafeTensors;
use serde_json::json;

use crate::place::{CONFIG, Place, stderr};

#[test]
fn a_run_folder_holds_what_is_promised() {
    let place = Place::with_run();
    assert_eq!(
        place.names("run"),
        [
            "checkpoints",
            "config.toml",
            "curves.png",
            "curves.svg",
            "log.jsonl",
            "metrics.json",
            "model",
            "predictions-test.jsonl",
            "run.json",
            "splits.json"
        ]
    );
    let metrics = place.json("run/metrics.json");
    for split in ["validation", "test"] {
        for name in ["accuracy", "macro_f1", "micro_f1", "weighted_f1", "loss"] {
            assert!(metrics[split][name].is_f64(), "{split} {name}");
        }
    }
    assert!(
        metrics["test"]["accuracy"].as_f64().unwrap() > 0.9,
        "{metrics}"
    );
    for name in ["train_seconds", "tokens_per_second"] {
        assert!(metrics[name].as_f64().unwrap() > 0.0, "{name}");
    }
    let log = String::from_utf8(place.read("run/log.jsonl")).unwrap();
    let events: Vec<String> = crate::place::json_lines(&log)
        .iter()
        .map(|line| line["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(events.iter().filter(|event| *event == "epoch").count(), 3);
    assert_eq!(events.iter().filter(|event| *event == "step").count(), 54);
}

#[test]
fn the_model_is_a_hugging_face_folder_with_its_labels() {
    let place = Place::with_run();
    let config = place.json("run/model/config.json");
    assert_eq!(
        config["architectures"],
        json!(["BertForSequenceClassification"])
    );
    assert_eq!(
        config["id2label"],
        json!({"0": "negative", "1": "positive"})
    );
    assert_eq!(config["label2id"], json!({"negative": 0, "positive": 1}));
    assert_eq!(config["problem_type"], "single_label_classification");
    for file in [
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    ] {
        assert!(place.exists(&format!("run/model/{file}")), "{file}");
    }
}

#[test]
fn without_a_terminal_an_epoch_is_a_plain_line() {
    let place = Place::with_reviews();
    let output = place
        .cloze("train config.toml --set train.epochs=2")
        .assert()
        .success();
    let stderr = stderr(&output);
    let epochs: Vec<&str> = stderr
        .lines()
        .filter(|line| line.starts_with("epoch "))
        .collect();
    assert_eq!(epochs.len(), 2, "{stderr}");
    assert!(
        epochs[1].starts_with("epoch 2 of 2: 36 steps, train loss 0."),
        "{stderr}"
    );
    assert!(
        !stderr.contains('\u{1b}') && !stderr.contains('\r'),
        "{stderr:?}"
    );
    let stdout = crate::place::text(&output.get_output().stdout);
    assert!(
        stdout.contains("accuracy") && stdout.contains("true label \\ predicted"),
        "{stdout}"
    );
    assert!(stdout.ends_with("the model is run/model\n"), "{stdout}");
}

#[test]
fn a_value_of_the_configuration_is_replaced_on_the_command_line() {
    let place = Place::with_reviews();
    place
        .stdout("train config.toml --set train.epochs=1 --set output=other --set data.label=label");
    let config = String::from_utf8(place.read("other/config.toml")).unwrap();
    assert!(
        config.contains("epochs = 1") && !place.exists("run"),
        "{config}"
    );
}

#[test]
fn the_same_configuration_gives_the_same_model() {
    let place = Place::with_run();
    place.stdout("train config.toml --set output=again");
    assert!(
        place.read("run/model/model.safetensors") == place.read("again/model/model.safetensors")
    );
    place.stdout("train config.toml --set output=other --set seed=8");
    assert!(
        place.read("run/model/model.safetensors") != place.read("other/model/model.safetensors")
    );
}

#[test]
fn a_trained_model_is_the_start_of_another_run() {
    let place = Place::with_run();
    place.stdout("train config.toml --set model.path=run --set output=more --set train.epochs=1");
    let accuracy = &place.json("more/metrics.json")["test"]["accuracy"];
    assert!(accuracy.as_f64().unwrap() > 0.9);
}

/// What training adds to a model that was trained already.
#[test]
fn a_model_can_be_evaluated_before_its_first_step() {
    let place = Place::with_run();
    let line = "train config.toml --set model.path=run --set output=more --set train.epochs=1 \
                --set train.evaluate_first=true --set train.best=accuracy";
    let told = stderr(&place.cloze(line).assert().success());
    let before = &place.json("more/metrics.json")["before"];
    let [loss, accuracy] = ["loss", "accuracy"].map(|name| before[name].as_f64().unwrap());
    assert!(accuracy > 0.9, "{accuracy}");
    let wanted =
        format!("\nbefore the first step, validation loss {loss:.4}, accuracy {accuracy:.4}\n");
    assert!(told.contains(&wanted), "{told}");
}

#[test]
fn a_run_is_never_overwritten() {
    let place = Place::with_run();
    let before = place.read("run/model/model.safetensors");
    place.fails(
        "train config.toml",
        1,
        "error: run holds a run already: choose another `output`, or go on with it by `cloze train \
         --resume run`",
    );
    assert!(before == place.read("run/model/model.safetensors"));
}

#[test]
fn one_text_in_two_splits_is_warned_of() {
    let place = Place::with_reviews();
    let table = String::from_utf8(place.read("reviews.csv")).unwrap();
    let rows: String = table
        .lines()
        .skip(1)
        .map(|line| format!("{line}\n"))
        .collect();
    place.write("reviews.csv", format!("{table}{rows}"));
    let output = place
        .cloze("train config.toml --set train.epochs=1")
        .assert()
        .success();
    let stderr = stderr(&output);
    assert!(
        stderr.contains(" stand in both train and test: "),
        "{stderr}"
    );
}

#[test]
fn heads_of_other_forms_are_trained_saved_and_loaded() {
    let place = Place::with_reviews();
    let head = "[head]\nfeatures = \"mean\"\nhidden = [16]\nactivation = \"relu\"\ndropout = 0.1\n";
    place.write("config.toml", format!("{CONFIG}{head}"));
    place.stdout("train config.toml");
    assert!(place.exists("run/model/modeling_cloze.py"));
    let stdout = place.stdout("predict run --json lovely");
    assert!(stdout.contains("positive"), "{stdout}");
}

#[test]
fn a_frozen_encoder_stays_as_it_was() {
    let place = Place::with_reviews();
    place.stdout("train config.toml --set model.freeze=encoder --set train.epochs=1");
    let (before, after) = (
        place.read("fresh/model.safetensors"),
        place.read("run/model/model.safetensors"),
    );
    let before = SafeTensors::deserialize(&before).unwrap();
    let after = SafeTensors::deserialize(&after).unwrap();
    assert!(before.len() > 30);
    for (name, tensor) in before.tensors() {
        let trained = after.tensor(&format!("bert.{name}")).unwrap();
        assert!(tensor.data() == trained.data(), "{name} has changed");
    }
    place.stdout("train config.toml --set output=free --set train.epochs=1");
    let free = place.read("free/model/model.safetensors");
    let free = SafeTensors::deserialize(&free).unwrap();
    let changed = |name: &str| {
        free.tensor(&format!("bert.{name}")).unwrap().data() != before.tensor(name).unwrap().data()
    };
    assert!(changed("embeddings.word_embeddings.weight") && changed("pooler.dense.bias"));
}

#[test]
fn a_frozen_encoder_runs_once_and_another_run_finds_its_features() {
    let place = Place::with_reviews();
    let cache = place.path("cache/features").display().to_string();
    let train = |name: &str| {
        let line = format!("train config.toml --set model.freeze=encoder --set output={name}");
        let output = place.cloze(&line).assert().success();
        let said = crate::place::text(&output.get_output().stdout);
        (stderr(&output), said)
    };
    let (told, said) = train("first");
    let line = format!("features of 96 texts: computed once in 0 s, kept in {cache}\n");
    assert!(told.contains(&line), "{told}");
    assert!(said.contains(" tokens a second; the model is "), "{said}");
    let (told, said) = train("second");
    let line = format!("features of 96 texts: read from {cache}\n");
    assert!(told.contains(&line), "{told}");
    assert!(
        said.ends_with(" s on features from the cache; the model is second/model\n"),
        "{said}"
    );
    let weights = |name: &str| place.read(&format!("{name}/model/model.safetensors"));
    assert!(weights("first") == weights("second"));
    assert_eq!(place.names("cache/features").len(), 1);

    let file = format!("cache/features/{}", place.names("cache/features")[0]);
    place.write(&file, "not what cloze wrote");
    let (told, _) = train("third");
    assert!(
        told.contains("cannot be used (") && told.contains("); they are computed again\n"),
        "{told}"
    );
    assert!(weights("first") == weights("third"));
}
