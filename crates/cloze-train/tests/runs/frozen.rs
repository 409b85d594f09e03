//! Runs whose encoder is frozen: it runs once, and what it says is kept.

use std::fs;
use std::path::{Path, PathBuf};

use cloze_train::{
    Environment, Event, FeatureRecord, Observer, Outcome, RunFolder, RunResults, StopFlag, Warning,
    resume, train,
};
use serde_json::{Value, json};

use crate::fixture::{Fixture, Traces, log, traces};

/// Dropout in the head, and in the encoder too, which must not notice.
const SETTINGS: &str = "head.dropout=0.3\nhead.hidden=[8]\ntrain.gradient_accumulation=2\n\
                        optimizer.head_learning_rate=2e-2";

fn settings(freeze: &str, features: &str, cache: &str) -> String {
    format!(
        "{SETTINGS}\nmodel.freeze={freeze}\nhead.features={features}\nmodel.feature_cache={cache}"
    )
}

/// Settings with features in the folder `cache` of the fixture.
fn kept(fixture: &Fixture) -> String {
    let cache = fixture.path("cache");
    settings("encoder", "mean", &cache.display().to_string())
}

/// What a run tells about features.
#[derive(Default)]
struct Told {
    /// Tokens that were done at every report of progress, and all of them.
    progress: Vec<(usize, usize)>,
    records: Vec<FeatureRecord>,
    checkpoints: usize,
    warnings: Vec<String>,
    /// Asked to stop as soon as some features are computed.
    stop: Option<StopFlag>,
}

impl Observer for Told {
    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::ComputingFeatures { done, total } => {
                self.progress.push((*done, *total));
                if let Some(stop) = &self.stop {
                    stop.request();
                }
            }
            Event::Checkpoint { .. } => self.checkpoints += 1,
            Event::Features { record, .. } => self.records.push((*record).clone()),
            Event::Warning(
                warning @ (Warning::DamagedFeatures { .. } | Warning::FeaturesNotKept { .. }),
            ) => self.warnings.push(format!("{warning:?}")),
            _ => (),
        }
    }
}

fn run(fixture: &Fixture, name: &str, settings: &str) -> (RunResults, Told) {
    let mut told = Told::default();
    let config = fixture.config(name, settings);
    let stop = StopFlag::new();
    match train(config, &Environment::default(), &mut told, &stop).unwrap() {
        Outcome::Finished(results) => (*results, told),
        Outcome::Stopped { step, .. } => panic!("stopped at step {step}"),
    }
}

/// What a run leaves, whether its features were computed or found.
fn same_however_found(folder: &Path) -> Traces {
    let mut traces = traces(folder);
    for line in &mut traces.log {
        line.as_object_mut().unwrap().remove("cached");
    }
    traces
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn numbers(folder: &Path, field: &str) -> Vec<f64> {
    let lines = log(folder);
    lines
        .iter()
        .filter_map(|line| line[field].as_f64())
        .collect()
}

fn predictions(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(RunFolder::new(folder).test_predictions()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

#[test]
fn a_run_on_kept_features_is_the_run_of_an_encoder_that_runs_in_every_epoch() {
    let fixture = Fixture::new();
    for (freeze, features) in [
        ("encoder", "cls"),
        ("encoder", "mean"),
        ("encoder", "pooled"),
        ("all-but-pooler", "pooled"),
    ] {
        let name = |cache: &str| format!("{freeze}-{features}-{cache}");
        for cache in ["false", "true"] {
            let settings = settings(freeze, features, cache);
            fixture.train(&name(cache), &settings).unwrap();
        }
        let [running, kept] = ["false", "true"].map(|cache| fixture.path(&name(cache)));
        for field in ["loss", "train_loss"] {
            let [running, kept] = [&running, &kept].map(|run| numbers(run, field));
            assert!(running.len() >= 3 && running.len() == kept.len());
            for (running, kept) in running.iter().zip(&kept) {
                assert!((running - kept).abs() < 1e-5, "{running} {kept}");
            }
        }
        let [running, kept] = [&running, &kept].map(|run| predictions(run));
        assert_eq!(running.len(), 12);
        for (running, kept) in running.iter().zip(&kept) {
            assert_eq!(
                running["predicted"], kept["predicted"],
                "{freeze} {features}"
            );
            let [a, b] = [running, kept].map(|line| line["scores"]["good"].as_f64().unwrap());
            assert!((a - b).abs() < 1e-5);
        }
    }
}

#[test]
fn nothing_is_kept_of_an_encoder_that_trains() {
    let fixture = Fixture::new();
    for freeze in ["none", "embeddings", "[\"embeddings\",\"layers:1\"]"] {
        let (results, told) = run(&fixture, freeze, &settings(freeze, "cls", "true"));
        assert!(told.records.is_empty() && told.progress.is_empty());
        assert_eq!(results.feature_seconds, None);
        assert!(results.tokens_per_second.unwrap() > 0.0);
    }
}

/// An epoch takes milliseconds then, writing the model may take seconds.
#[test]
fn a_run_on_kept_features_writes_the_model_at_its_end() {
    let fixture = Fixture::new();
    let (results, told) = run(&fixture, "kept", &settings("encoder", "cls", "true"));
    assert!(results.history.len() > 1);
    assert_eq!(told.checkpoints, 1);
    let (results, told) = run(&fixture, "running", &settings("encoder", "cls", "false"));
    assert_eq!(told.checkpoints, results.history.len());
}

#[test]
fn the_best_model_is_there_if_a_later_epoch_fails() {
    let fixture = Fixture::new();
    let broken = "train.schedule={kind=\"step\",step_size=1,gamma=1e36}";
    let settings = format!("{}\n{broken}", settings("encoder", "cls", "true"));
    let config = fixture.config("broken", &settings);
    let stop = StopFlag::new();
    let outcome = train(config, &Environment::default(), &mut Told::default(), &stop);
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("learning rate"), "{error}");
    assert!(fixture.path("broken/model/model.safetensors").exists());
    assert!(!fixture.path("broken/checkpoints").exists());
}

#[test]
fn a_second_run_finds_the_features_and_never_runs_the_encoder() {
    let fixture = Fixture::new();
    let (first, told) = run(&fixture, "first", &kept(&fixture));
    let record = &told.records[0];
    assert_eq!((record.texts, record.cached), (60, false));
    assert_eq!(record.features, "mean");
    let (done, total) = *told.progress.last().unwrap();
    assert!(done == total && total > 200, "{done} of {total}");
    assert!(first.tokens_per_second.unwrap() > 0.0);
    assert!(first.train_seconds >= first.feature_seconds.unwrap());

    let (second, told) = run(&fixture, "second", &kept(&fixture));
    assert!(told.progress.is_empty() && told.records[0].cached);
    assert_eq!(second.tokens_per_second, None);
    let metrics = fs::read(RunFolder::new(fixture.path("second")).metrics()).unwrap();
    let metrics: Value = serde_json::from_slice(&metrics).unwrap();
    assert_eq!(metrics["tokens_per_second"], json!(null));
    assert!(metrics["feature_seconds"].as_f64().unwrap() > 0.0);
    let [first, second] = ["first", "second"].map(|name| same_however_found(&fixture.path(name)));
    assert_eq!(first.log, second.log);
    assert!(first == second);
    assert_eq!(first.log[0]["event"], "features");
    assert_eq!(first.log[1]["tokens"], 0);
}

#[test]
fn features_are_found_by_what_they_depend_on_and_nothing_else() {
    let fixture = Fixture::new();
    let finds = |name: &str, more: &str| {
        let settings = format!("{}\ntrain.epochs=1\n{more}", kept(&fixture));
        run(&fixture, name, &settings).1.records[0].cached
    };
    assert!(!finds("first", ""));
    // Another seed splits the same rows otherwise; the head, its dropout and the optimizer do not
    // come into it.
    assert!(finds("seed", "seed=8\nhead.dropout=0\nhead.hidden=[]"));
    assert!(finds(
        "batches",
        "train.batch_size=7\ntrain.learning_rate=1"
    ));
    let trained = format!("model.path={:?}", fixture.path("first/model"));
    assert!(finds("trained-head", &trained));

    assert!(!finds("cls", "head.features=\"cls\""));
    assert!(!finds("pooled", "head.features=\"pooled\""));
    assert!(finds(
        "pooler",
        "head.features=\"pooled\"\nmodel.freeze=\"all-but-pooler\""
    ));
    assert!(!finds("shorter", "data.max_length=5"));
    assert!(!finds(
        "fewer",
        "data.split={}\ndata.train=\"other\""
            .replace("\"other\"", &format!("{:?}", fixture.path("other.csv")),)
            .as_str()
    ));
    fixture.train("other-model", "train.epochs=1").unwrap();
    let other = format!("model.path={:?}", fixture.path("other-model/model"));
    assert!(!finds("weights", &other));
}

#[test]
fn a_damaged_file_is_computed_again() {
    let fixture = Fixture::new();
    run(&fixture, "whole", &kept(&fixture));
    let whole = same_however_found(&fixture.path("whole"));
    let file = files(&fixture.path("cache")).remove(0);
    let good = fs::read(&file).unwrap();
    let mut changed = good.clone();
    *changed.last_mut().unwrap() ^= 1;
    let damages = [
        (changed, "hash differs"),
        (good[..good.len() - 4].to_vec(), ""),
        (b"something else".to_vec(), ""),
        (Vec::new(), ""),
    ];
    for (index, (bytes, reason)) in damages.into_iter().enumerate() {
        fs::write(&file, bytes).unwrap();
        let name = format!("damaged-{index}");
        let (_, told) = run(&fixture, &name, &kept(&fixture));
        assert!(
            matches!(&told.warnings[..], [told] if told.starts_with("DamagedFeatures") && told.contains(reason)),
            "{:?}",
            told.warnings
        );
        assert!(!told.records[0].cached);
        assert!(same_however_found(&fixture.path(&name)) == whole);
        assert!(fs::read(&file).unwrap() == good);
    }
}

#[test]
fn features_that_cannot_be_written_stay_in_memory() {
    let fixture = Fixture::new();
    fs::write(fixture.path("cache"), "a file, no folder").unwrap();
    let (_, told) = run(&fixture, "run", &kept(&fixture));
    let last = told.warnings.last().unwrap();
    assert!(last.starts_with("FeaturesNotKept"), "{last}");
    let in_memory = settings("encoder", "mean", "true");
    let (_, told) = run(&fixture, "memory", &in_memory);
    assert_eq!(told.warnings, Vec::<String>::new());
    assert!(traces(&fixture.path("run")) == traces(&fixture.path("memory")));
}

#[test]
fn a_frozen_run_stopped_after_every_few_steps_ends_like_one_that_never_was() {
    let fixture = Fixture::new();
    for (freeze, features) in [("encoder", "mean"), ("all-but-pooler", "pooled")] {
        for deleted in [false, true] {
            let cache = |part: &str| fixture.path(&format!("{freeze}-{deleted}-{part}-cache"));
            let settings = |part: &str| {
                let folder = cache(part);
                settings(freeze, features, &folder.display().to_string())
            };
            let [whole, pieces] =
                ["whole", "pieces"].map(|part| format!("{freeze}-{deleted}-{part}"));
            fixture.train(&whole, &settings("whole")).unwrap();
            let between = || {
                assert_eq!(files(&cache("pieces")).len(), 1);
                if deleted {
                    fs::remove_dir_all(cache("pieces")).unwrap();
                }
            };
            let stops = fixture.train_in_pieces_with(&pieces, &settings("pieces"), 2, between);
            assert!(stops > 5);
            let [whole, pieces] = [whole, pieces].map(|name| traces(&fixture.path(&name)));
            assert_eq!(whole.log, pieces.log);
            assert!(whole == pieces, "{freeze}, deleted: {deleted}");
        }
    }
}

/// Many different rows, so that the encoder reads them in several batches.
fn many_rows() -> String {
    const WORDS: [&str; 8] = [
        "film", "story", "music", "light", "slow", "loud", "green", "quiet",
    ];
    let mut table = String::from("text,label\n");
    for row in 0..512_usize {
        let words = [row / 64, row / 8 % 8, row % 8].map(|word| WORDS[word]);
        let label = if row % 3 == 0 { "good" } else { "bad" };
        table += &format!(
            "{} road {label} table {},{label}\n",
            words.join(" "),
            words.join(" ")
        );
    }
    table
}

#[test]
fn a_computation_that_is_stopped_goes_on_where_it_was() {
    let fixture = Fixture::new();
    fs::write(fixture.path("train.csv"), many_rows()).unwrap();
    let settings = |cache: &str| {
        let cache = fixture.path(cache).display().to_string();
        format!("{}\ntrain.epochs=1", settings("encoder", "cls", &cache))
    };
    let (_, uninterrupted) = run(&fixture, "whole", &settings("whole-cache"));
    assert!(
        uninterrupted.progress.len() > 2,
        "{:?}",
        uninterrupted.progress
    );
    for deleted in [false, true] {
        let (name, cache) = (format!("run-{deleted}"), format!("cache-{deleted}"));
        let mut told = Told {
            stop: Some(StopFlag::new()),
            ..Told::default()
        };
        let stop = told.stop.clone().unwrap();
        let config = fixture.config(&name, &settings(&cache));
        let outcome = train(config, &Environment::default(), &mut told, &stop).unwrap();
        assert!(matches!(outcome, Outcome::Stopped { step: 0, .. }));
        assert_eq!(told.progress, uninterrupted.progress[..1]);
        if deleted {
            fs::remove_dir_all(fixture.path(&cache)).unwrap();
        }
        let mut told = Told::default();
        let folder = fixture.path(&name);
        resume(
            &folder,
            &Environment::default(),
            &mut told,
            &StopFlag::new(),
        )
        .unwrap();
        let left = if deleted { 0 } else { 1 };
        assert_eq!(told.progress, uninterrupted.progress[left..]);
        let [whole, resumed] = [&fixture.path("whole"), &folder].map(|run| traces(run));
        assert_eq!(whole.log, resumed.log);
        assert!(whole == resumed);
    }
}
