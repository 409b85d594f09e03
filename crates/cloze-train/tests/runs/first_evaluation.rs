//! An evaluation before the first step.

use std::fs;
use std::path::Path;

use cloze_train::{Environment, Event, Observer, Outcome, RunFolder, StopFlag, train};
use serde_json::{Value, json};

use crate::fixture::{Fixture, log, traces};

const FIRST: &str = "train.evaluate_first=true";

fn metrics(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(RunFolder::new(folder).metrics()).unwrap()).unwrap()
}

#[test]
fn it_says_what_the_model_can_do_that_training_starts_from() {
    let fixture = Fixture::new();
    let still = format!("{FIRST}\ntrain.learning_rate=0");
    fixture.train("run", &still).unwrap();
    let metrics = metrics(&fixture.path("run"));
    assert!(metrics["before"]["loss"].as_f64().unwrap() > 0.0);
    assert_eq!(metrics["before"], metrics["epochs"][0]["validation"]);
    let log = log(&fixture.path("run"));
    let line = json!({"event": "start", "validation": metrics["before"]});
    assert_eq!(log[0], line);
}

#[test]
fn it_changes_nothing_of_the_run() {
    let fixture = Fixture::new();
    fixture.train("with", FIRST).unwrap();
    fixture.train("without", "").unwrap();
    let [mut with, without] = ["with", "without"].map(|name| traces(&fixture.path(name)));
    assert_eq!(with.log.remove(0)["event"], "start");
    assert_eq!(with.log, without.log);
    let weights =
        |name: &str| fs::read(fixture.path(name).join("model/model.safetensors")).unwrap();
    assert!(weights("with") == weights("without"));
    let metrics = metrics(&fixture.path("without"));
    assert!(metrics.get("before").is_none());
    let config = fs::read_to_string(RunFolder::new(fixture.path("without")).config()).unwrap();
    assert!(config.contains("evaluate_first = false"), "{config}");
}

#[test]
fn without_validation_rows_there_is_none() {
    let fixture = Fixture::new();
    let more = format!("{FIRST}\ndata.split={{}}\ntrain.epochs=1");
    fixture.train("run", &more).unwrap();
    assert!(metrics(&fixture.path("run")).get("before").is_none());
}

/// Asks a run to stop at its first report of this kind.
struct StopAt {
    stop: StopFlag,
    during: bool,
}

impl Observer for StopAt {
    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Evaluating { .. } if self.during => self.stop.request(),
            Event::FirstEvaluation { evaluation } if !self.during => {
                assert!(evaluation.metrics.get("accuracy").is_some());
                self.stop.request();
            }
            _ => (),
        }
    }
}

#[test]
fn a_run_stopped_in_it_or_after_it_goes_on_there() {
    let fixture = Fixture::new();
    let settings = format!("{FIRST}\ntrain.evaluation_batch_size=5");
    fixture.train("whole", &settings).unwrap();
    let whole = traces(&fixture.path("whole"));
    for (name, during) in [("in", true), ("after", false)] {
        let stop = StopFlag::new();
        let mut observer = StopAt {
            stop: stop.clone(),
            during,
        };
        let config = fixture.config(name, &settings);
        let outcome = train(config, &Environment::default(), &mut observer, &stop).unwrap();
        assert!(matches!(outcome, Outcome::Stopped { step: 0, .. }));
        let lines = log(&fixture.path(name)).len();
        assert_eq!(lines, if during { 0 } else { 1 });
        fixture.resume(name).unwrap();
        let resumed = traces(&fixture.path(name));
        assert_eq!(resumed.log, whole.log);
        assert!(resumed == whole, "stopped {name} the evaluation");
    }
    fixture.train_in_pieces("pieces", &settings, 4);
    assert!(traces(&fixture.path("pieces")) == whole);
}
