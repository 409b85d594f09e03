//! What a run can do besides steps: averaged weights, early stopping, learning rates by layer,
//! records for TensorBoard, pictures; and all of it at once, stopped and resumed.

use std::fs;

use cloze_train::{Environment, RunFolder, resume, train};
use serde_json::Value;
use testkit::golden::Golden;

use crate::fixture::{Fixture, StopAfter, checkpoints, log, traces};

fn json(fixture: &Fixture, path: &str) -> Value {
    serde_json::from_slice(&fs::read(fixture.path(path)).unwrap()).unwrap()
}

/// A tensor of a file in the newest checkpoint.
fn of_checkpoint(fixture: &Fixture, run: &str, file: &str, tensor: &str) -> Vec<f32> {
    let newest = checkpoints(&fixture.path(run)).pop().unwrap();
    Golden::read(&newest.join(file)).floats(tensor).values
}

#[test]
fn averaged_weights_are_evaluated_and_kept_and_change_no_step() {
    let fixture = Fixture::new();
    fixture.train("plain", "train.epochs=1").unwrap();
    fixture
        .train("averaged", "train.epochs=1\ntrain.ema={decay=0.5}")
        .unwrap();
    let trained = |run| of_checkpoint(&fixture, run, "model.safetensors", "classifier.weight");
    assert_eq!(trained("plain"), trained("averaged"));
    let model = fixture.path("averaged/model/model.safetensors");
    let kept = Golden::read(&model).floats("classifier.weight").values;
    let averaged = of_checkpoint(&fixture, "averaged", "ema.safetensors", "classifier.weight");
    assert_eq!(kept, averaged);
    assert_ne!(kept, trained("averaged"));
    let loss = |run| json(&fixture, &format!("{run}/metrics.json"))["validation"]["loss"].clone();
    assert_ne!(loss("plain"), loss("averaged"));
}

#[test]
fn an_average_that_would_begin_behind_the_end_is_refused() {
    let fixture = Fixture::new();
    let error = fixture.train("run", "train.epochs=1\ntrain.ema={start=9.0}");
    assert!(
        error.unwrap_err().to_string().ends_with(
            "found an average that begins behind step 9 (its `start`, or the end of the warm-up), wanted \
             one that begins before the last step, 9"
        )
    );
}

#[test]
fn frozen_weights_are_not_averaged() {
    let fixture = Fixture::new();
    let settings = "train.epochs=1\ntrain.ema={}\nmodel.freeze=\"encoder\"";
    fixture.train("run", settings).unwrap();
    let newest = checkpoints(&fixture.path("run")).pop().unwrap();
    let names = Golden::read(&newest.join("ema.safetensors")).names();
    assert_eq!(names, ["classifier.bias", "classifier.weight"]);
}

/// With a learning rate of 0 the first evaluation is the best.
const HOPELESS: &str = "train.epochs=9\ntrain.learning_rate=0.0\n\
                        train.early_stopping={patience=2,metric=\"loss\"}";

#[test]
fn a_run_ends_when_validation_no_longer_gets_better() {
    let fixture = Fixture::new();
    fixture.train("run", HOPELESS).unwrap();
    let metrics = json(&fixture, "run/metrics.json");
    assert_eq!(metrics["epochs"].as_array().unwrap().len(), 3);
    assert_eq!(metrics["best_epoch"], 1);
    let last = log(&fixture.path("run")).pop().unwrap();
    assert_eq!(
        (&last["event"], &last["metric"], &last["evaluations"]),
        (&"early_stop".into(), &"loss".into(), &2.into())
    );
    assert_eq!(last["best"], metrics["validation"]["loss"]);
    // A run that ended so has ended.
    let before = traces(&fixture.path("run"));
    fixture.resume("run").unwrap();
    assert!(traces(&fixture.path("run")) == before);
    // Patience goes on counting in a run that was stopped.
    fixture.train_in_pieces("pieces", HOPELESS, 4);
    assert!(traces(&fixture.path("pieces")) == before);
}

#[test]
fn the_groups_of_weights_are_in_run_json() {
    let fixture = Fixture::new();
    let settings = "train.epochs=1\noptimizer.layer_decay=0.5\noptimizer.head_learning_rate=0.1";
    fixture.train("run", settings).unwrap();
    let groups = json(&fixture, "run/run.json")["parameter_groups"].clone();
    let rates: Vec<(&str, f64)> = groups
        .as_array()
        .unwrap()
        .iter()
        .filter(|group| group["weight_decay"] != 0.0)
        .map(|group| {
            let rate = group["learning_rate"].as_f64().unwrap();
            (group["name"].as_str().unwrap(), rate)
        })
        .collect();
    let wanted = [
        ("embeddings", 2.5e-3),
        ("layer 0", 5e-3),
        ("layer 1", 1e-2),
        ("pooler", 1e-2),
        ("head", 0.1),
    ];
    assert_eq!(rates, wanted);
}

#[test]
fn lower_layers_step_less() {
    let fixture = Fixture::new();
    let steps = |name: &str, more: &str| {
        let settings = format!("train.epochs=1\noptimizer.weight_decay=0.0\n{more}");
        fixture.train(name, &settings).unwrap();
        let step = |tensor: &str| {
            let trained = of_checkpoint(&fixture, name, "model.safetensors", tensor);
            let start = fixture.path("model/model.safetensors");
            // An encoder by itself has no prefix.
            let alone = tensor.trim_start_matches("bert.");
            let start = Golden::read(&start).floats(alone).values;
            let pairs = trained.iter().zip(&start);
            pairs.map(|(a, b)| f64::from((a - b).abs())).sum::<f64>()
        };
        [0, 1].map(|layer| step(&format!("bert.encoder.layer.{layer}.output.dense.weight")))
    };
    let (plain, decayed) = (
        steps("plain", ""),
        steps("decayed", "optimizer.layer_decay=0.1"),
    );
    assert!(decayed[0] < 0.3 * plain[0], "{plain:?} {decayed:?}");
    assert!(decayed[1] > 0.5 * plain[1], "{plain:?} {decayed:?}");
}

#[test]
fn smoothing_is_in_the_loss() {
    let fixture = Fixture::new();
    let first_loss = |name: &str, more: &str| {
        fixture
            .train(name, &format!("train.epochs=1\n{more}"))
            .unwrap();
        log(&fixture.path(name))[0]["loss"].as_f64().unwrap()
    };
    let (plain, smooth) = (
        first_loss("plain", ""),
        first_loss("smooth", "loss.label_smoothing=0.2"),
    );
    assert!((plain - smooth).abs() > 1e-4, "{plain} {smooth}");
}

/// The loss gets better in every epoch, by less than is asked for.
#[test]
fn a_crumb_of_improvement_does_not_count() {
    let fixture = Fixture::new();
    let epochs = |name: &str, min_delta: f64| {
        let settings = format!(
            "train.epochs=6\ntrain.best=\"loss\"\ntrain.learning_rate=1e-5\n\
             train.early_stopping={{patience=2,min_delta={min_delta:?}}}"
        );
        fixture.train(name, &settings).unwrap();
        let metrics = json(&fixture, &format!("{name}/metrics.json"));
        metrics["epochs"].as_array().unwrap().len()
    };
    assert_eq!((epochs("all", 0.0), epochs("crumbs", 10.0)), (6, 3));
}

#[test]
fn a_run_that_is_stopped_or_fails_has_its_pictures() {
    let fixture = Fixture::new();
    let has_pictures = |name: &str| RunFolder::new(fixture.path(name)).curves("svg").exists();
    fixture.train_in_pieces_with("stopped", "train.epochs=2", 3, || {
        assert!(has_pictures("stopped"));
    });
    let hopeless = "train.learning_rate=1e30\noptimizer.clip=0.0";
    fixture.train("failed", hopeless).unwrap_err();
    assert!(has_pictures("failed"));
}

#[test]
fn a_picture_that_cannot_be_written_costs_no_step() {
    let fixture = Fixture::new();
    let config = fixture.config("run", "train.epochs=1");
    let mut session = StopAfter::new(3);
    let stop = session.stop.clone();
    train(config, &Environment::default(), &mut session, &stop).unwrap();
    // A folder stands in its place.
    let svg = RunFolder::new(fixture.path("run")).curves("svg");
    fs::remove_file(&svg).unwrap();
    fs::create_dir_all(svg.join("full")).unwrap();

    let mut session = StopAfter::new(3);
    let stop = session.stop.clone();
    let run = fixture.path("run");
    let stopped = resume(&run, &Environment::default(), &mut session, &stop);
    let error = stopped.unwrap_err().to_string();
    assert!(error.contains("curves.svg"), "{error}");
    let newest = checkpoints(&run).pop().unwrap();
    assert!(newest.ends_with("step-00000006"), "{}", newest.display());
}

#[test]
fn event_file_and_pictures_hold_what_the_log_says() {
    let fixture = Fixture::new();
    fixture
        .train("run", "train.epochs=2\ntrain.tensorboard=true")
        .unwrap();
    let run = fixture.path("run");
    let (lines, points) = (log(&run), traces(&run).tensorboard);
    let value = |tag: &str, step: u64| {
        let mut found = points
            .iter()
            .filter(|(other, at, _)| other == tag && *at == step);
        let (_, _, value) = found.next().unwrap();
        assert!(found.next().is_none(), "{tag} at {step} is there twice");
        f64::from(*value)
    };
    let close = |found: f64, wanted: &Value| {
        assert!(
            (found / wanted.as_f64().unwrap() - 1.0).abs() < 1e-6,
            "{found} {wanted}"
        );
    };
    for line in &lines {
        let step = line["step"].as_u64().unwrap();
        if line["event"] == "step" {
            close(value("train/loss", step), &line["loss"]);
            close(value("train/gradient_norm", step), &line["gradient_norm"]);
        } else {
            close(value("validation/loss", step), &line["validation"]["loss"]);
        }
    }
    let run = RunFolder::new(run);
    let svg = fs::read_to_string(run.curves("svg")).unwrap();
    assert!(svg.contains(">accuracy</text>") && run.curves("png").exists());

    fixture
        .train("without", "train.epochs=1\ntrain.curves=false")
        .unwrap();
    let without = RunFolder::new(fixture.path("without"));
    assert!(!without.curves("svg").exists() && !without.tensorboard().exists());
}

#[test]
fn an_event_file_that_was_removed_is_made_again() {
    let fixture = Fixture::new();
    let settings = "train.epochs=2\ntrain.tensorboard=true";
    fixture.train("whole", settings).unwrap();
    let folder = RunFolder::new(fixture.path("pieces")).tensorboard();
    fixture.train_in_pieces_with("pieces", settings, 7, || {
        fs::remove_dir_all(&folder).unwrap();
    });
    let [whole, pieces] = ["whole", "pieces"].map(|run| traces(&fixture.path(run)).tensorboard);
    assert!(!whole.is_empty());
    assert_eq!(pieces, whole);
}

/// Every part at once.
const EVERYTHING: &str = "train.epochs=5\ntrain.gradient_accumulation=2\n\
    train.schedule={kind=\"cosine-with-restarts\",warmup=0.1,cycles=2}\n\
    train.ema={decay=0.9,start=0.2}\ntrain.early_stopping={patience=2,min_delta=0.001}\n\
    train.best=\"loss\"\ntrain.keep_checkpoints=3\ntrain.checkpoint_every=2\n\
    train.tensorboard=true\ntrain.gradient_checkpointing=true\ntrain.evaluate_first=true\n\
    optimizer.layer_decay=0.7\noptimizer.head_learning_rate=2e-2\noptimizer.weight_decay=0.1\n\
    loss.class_weights=\"balanced\"\nloss.label_smoothing=0.1\n\
    head.dropout=0.3\nhead.hidden=[8]\nmodel.freeze=\"embeddings\"";

#[test]
fn a_run_with_everything_that_is_stopped_ends_like_one_that_never_was() {
    let fixture = Fixture::new();
    fixture.train("whole", EVERYTHING).unwrap();
    let whole = traces(&fixture.path("whole"));
    assert!(whole.tensorboard.len() > 40);
    assert_eq!(checkpoints(&fixture.path("whole")).len(), 3);
    for every in [1, 3, 7] {
        let name = format!("every-{every}");
        assert!(fixture.train_in_pieces(&name, EVERYTHING, every) > 1);
        let pieces = traces(&fixture.path(&name));
        assert_eq!(pieces.log, whole.log, "stopped after every {every} steps");
        assert_eq!(pieces.tensorboard, whole.tensorboard);
        assert!(pieces == whole, "stopped after every {every} steps");
    }
}
