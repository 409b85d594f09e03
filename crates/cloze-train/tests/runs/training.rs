//! What a run learns, writes and tells.

use std::fs;

use cloze_train::{Environment, Event, Observer, Outcome, RunFolder, RunResults, StopFlag, train};
use safetensors::SafeTensors;
use serde_json::{Value, json};

use crate::fixture::{Fixture, StopAfter, checkpoints, log};

fn results(outcome: Outcome) -> RunResults {
    match outcome {
        Outcome::Finished(results) => *results,
        Outcome::Stopped { step, .. } => panic!("stopped at step {step}"),
    }
}

#[test]
fn a_tiny_model_learns_which_word_decides() {
    let fixture = Fixture::new();
    let results = results(fixture.train("run", "train.epochs=8").unwrap());
    let accuracy = results.test.unwrap().metrics.get("accuracy").unwrap();
    assert!(accuracy > 0.9, "accuracy {accuracy}");
    let losses: Vec<f64> = results
        .history
        .iter()
        .map(|epoch| epoch.train_loss)
        .collect();
    assert!(losses[7] < losses[0] / 2.0, "{losses:?}");
}

#[test]
fn the_run_folder_holds_what_the_design_says() {
    let fixture = Fixture::new();
    let results = results(fixture.train("run", "").unwrap());
    let folder = RunFolder::new(fixture.path("run"));
    let read = |path: std::path::PathBuf| -> Value {
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    };
    let metrics = read(folder.metrics());
    for split in ["validation", "test"] {
        let names: Vec<&String> = metrics[split].as_object().unwrap().keys().collect();
        assert_eq!(
            names,
            ["accuracy", "macro_f1", "micro_f1", "weighted_f1", "loss"]
        );
        let labels: Vec<&String> = metrics["per_class"][split]
            .as_object()
            .unwrap()
            .keys()
            .collect();
        assert_eq!(labels, ["bad", "good"]);
        let row = &metrics["confusion_matrix"][split]["bad"];
        let support = row["bad"].as_u64().unwrap() + row["good"].as_u64().unwrap();
        assert_eq!(metrics["per_class"][split]["bad"]["support"], support);
    }
    assert!(metrics["train_seconds"].as_f64().unwrap() > 0.0);
    assert!(metrics["tokens_per_second"].as_f64().unwrap() > 0.0);
    assert_eq!(metrics["best_epoch"], results.best_epoch);
    assert_eq!(metrics["epochs"].as_array().unwrap().len(), 3);
    let best = &metrics["epochs"][results.best_epoch as usize - 1]["validation"];
    assert_eq!(*best, metrics["validation"]);

    let splits = read(folder.splits());
    let rows = |name: &str| splits[name].as_array().unwrap().clone();
    let mut all: Vec<u64> = ["train", "validation", "test"]
        .iter()
        .flat_map(|name| rows(name))
        .map(|row| row.as_u64().unwrap())
        .collect();
    all.sort_unstable();
    assert_eq!(all, (0..60).collect::<Vec<u64>>());
    let predictions = fs::read_to_string(folder.test_predictions()).unwrap();
    let predictions: Vec<Value> = predictions
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let predicted_rows: Vec<Value> = predictions.iter().map(|line| line["row"].clone()).collect();
    assert_eq!(predicted_rows, rows("test"));
    let right = predictions
        .iter()
        .filter(|line| line["label"] == line["predicted"])
        .count();
    let accuracy = right as f64 / predictions.len() as f64;
    assert_eq!(metrics["test"]["accuracy"], json!(accuracy));
    let sum: f64 = predictions[0]["scores"]
        .as_object()
        .unwrap()
        .values()
        .map(|v| v.as_f64().unwrap())
        .sum();
    assert!((sum - 1.0).abs() < 1e-6);

    let run = read(folder.run());
    assert_eq!(run["seed"], 7);
    assert_eq!(run["fingerprints"].as_object().unwrap().len(), 2);
    for file in [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "vocab.txt",
    ] {
        assert!(folder.model().join(file).exists(), "{file}");
    }
    assert_eq!(checkpoints(folder.path()).len(), 2);
}

#[test]
fn the_written_configuration_trains_the_same_model() {
    let fixture = Fixture::new();
    fixture.train("run", "train.epochs=1").unwrap();
    let folder = RunFolder::new(fixture.path("run"));
    let again = [format!("output={:?}", fixture.path("again"))];
    let config = cloze_train::RunConfig::read(&folder.config(), &again).unwrap();
    assert_eq!(config.data.max_length, Some(24));
    assert_eq!(
        (config.data.text.as_deref(), config.data.label.as_deref()),
        (Some("text"), Some("label"))
    );
    train(config, &Environment::default(), &mut (), &StopFlag::new()).unwrap();
    let weights =
        |name: &str| fs::read(fixture.path(name).join("model/model.safetensors")).unwrap();
    assert!(weights("run") == weights("again"));
}

#[test]
fn the_log_tells_every_step_with_its_learning_rate() {
    let fixture = Fixture::new();
    fixture
        .train(
            "run",
            "train.epochs=1\ntrain.schedule={kind=\"linear\",warmup=3}",
        )
        .unwrap();
    let log = log(&fixture.path("run"));
    let rates: Vec<f64> = log[..9]
        .iter()
        .map(|line| line["learning_rate"].as_f64().unwrap())
        .collect();
    let wanted = [
        0.0,
        1.0 / 3.0,
        2.0 / 3.0,
        1.0,
        5.0 / 6.0,
        4.0 / 6.0,
        0.5,
        2.0 / 6.0,
        1.0 / 6.0,
    ];
    for (rate, wanted) in rates.iter().zip(wanted) {
        assert!((rate - 1e-2 * wanted).abs() < 1e-12, "{rates:?}");
    }
    assert_eq!(
        (&log[8]["step"], &log[8]["epoch"]),
        (&json!(9), &json!(1.0))
    );
    assert_eq!(
        (&log[9]["event"], &log[9]["epoch"]),
        (&json!("epoch"), &json!(1))
    );
    assert_eq!(log.len(), 10);
}

#[test]
fn the_best_epoch_is_kept_and_not_the_last() {
    let fixture = Fixture::new();
    // From the third epoch on the rate is far beyond what is good.
    let more = "train.epochs=4\ntrain.best=\"loss\"\n\
                train.schedule={kind=\"step\",step_size=2,gamma=500}";
    let results = results(fixture.train("run", more).unwrap());
    let losses: Vec<f64> = results
        .history
        .iter()
        .map(|epoch| epoch.validation.get("loss").unwrap())
        .collect();
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(results.validation.unwrap().metrics.get("loss"), Some(least));
    assert_ne!(results.best_epoch, 4, "{losses:?}");
}

#[test]
fn a_frozen_encoder_stays_as_it_was_and_has_no_optimizer_state() {
    let fixture = Fixture::new();
    fixture
        .train("run", "model.freeze=\"encoder\"\ntrain.epochs=1")
        .unwrap();
    let before = fs::read(fixture.path("model/model.safetensors")).unwrap();
    let after = fs::read(fixture.path("run/model/model.safetensors")).unwrap();
    let (before, after) = (
        SafeTensors::deserialize(&before).unwrap(),
        SafeTensors::deserialize(&after).unwrap(),
    );
    for (name, tensor) in before.tensors() {
        let trained = after.tensor(&format!("bert.{name}")).unwrap();
        assert!(trained.data() == tensor.data(), "{name}");
    }
    let last = checkpoints(&fixture.path("run")).pop().unwrap();
    let optimizer = fs::read(last.join("optimizer.safetensors")).unwrap();
    let mut names: Vec<String> = SafeTensors::deserialize(&optimizer)
        .unwrap()
        .names()
        .into_iter()
        .map(Into::into)
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "exp_avg.classifier.bias",
            "exp_avg.classifier.weight",
            "exp_avg_sq.classifier.bias",
            "exp_avg_sq.classifier.weight",
        ]
    );
}

#[test]
fn a_trained_model_is_trained_further_with_its_head_and_labels() {
    let fixture = Fixture::new();
    fixture
        .train(
            "first",
            "train.epochs=4\nhead.hidden=[8]\nhead.features=\"mean\"",
        )
        .unwrap();
    let more = format!(
        "model.path={:?}\ntrain.epochs=1\ntrain.learning_rate=0\noptimizer.weight_decay=0",
        fixture.path("first/model")
    );
    let mut report = Missing::default();
    let config = fixture.config("second", &more);
    train(
        config,
        &Environment::default(),
        &mut report,
        &StopFlag::new(),
    )
    .unwrap();
    assert_eq!(report.0, Vec::<String>::new());
    let weights =
        |name: &str| fs::read(fixture.path(name).join("model/model.safetensors")).unwrap();
    assert!(weights("first") == weights("second"));
}

/// Keeps the names of weights that the checkpoint lacked.
#[derive(Default)]
struct Missing(Vec<String>);

impl Observer for Missing {
    fn observe(&mut self, event: &Event<'_>) {
        if let Event::Model { report, .. } = event {
            self.0.extend(report.missing.iter().cloned());
        }
    }
}

#[test]
fn validation_and_test_rows_may_have_files_of_their_own() {
    let fixture = Fixture::new();
    let file = fixture.path("other.csv");
    let more =
        format!("data.split={{}}\ndata.validation={file:?}\ndata.test={file:?}\ntrain.epochs=1");
    let mut session = StopAfter::new(0);
    let config = fixture.config("run", &more);
    train(
        config,
        &Environment::default(),
        &mut session,
        &StopFlag::new(),
    )
    .unwrap();
    let splits = fs::read_to_string(RunFolder::new(fixture.path("run")).splits()).unwrap();
    let splits: Value = serde_json::from_str(&splits).unwrap();
    let rows = |name: &str| splits[name].as_array().unwrap().len();
    assert_eq!(
        (rows("train"), rows("validation"), rows("test")),
        (60, 12, 12)
    );
    assert_eq!(splits["files"]["test"], file.to_str().unwrap());
    let overlap = session
        .warnings
        .iter()
        .find(|text| text.contains("both validation and test"));
    assert!(overlap.is_some(), "{:?}", session.warnings);
}

#[test]
fn without_validation_the_last_epoch_is_kept() {
    let fixture = Fixture::new();
    let mut session = StopAfter::new(0);
    let config = fixture.config("run", "data.split={}\ntrain.epochs=2");
    let outcome = train(
        config,
        &Environment::default(),
        &mut session,
        &StopFlag::new(),
    )
    .unwrap();
    let results = results(outcome);
    assert_eq!(results.best_epoch, 2);
    assert!(results.validation.is_none() && results.test.is_none());
    assert!(session.warnings.contains(&"NoValidation".to_owned()));
}
