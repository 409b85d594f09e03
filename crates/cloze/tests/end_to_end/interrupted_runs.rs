//! Runs that are stopped, killed and resumed end as if nothing had happened.

use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::place::{Place, json_lines, text};

/// Starts `cloze train` in the background.
pub(crate) fn start(place: &Place, line: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_cloze"))
        .args(line.split_whitespace())
        .current_dir(place.path("."))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

pub(crate) fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args([name, &pid])
            .status()
            .unwrap()
            .success()
    );
}

/// Waits until a run has taken some steps.
pub(crate) fn wait_for_steps(place: &Place, child: &mut Child, steps: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if steps_taken(place) >= steps {
            return;
        }
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended too early"
        );
        assert!(Instant::now() < deadline, "the run takes no steps");
        sleep(Duration::from_millis(1));
    }
}

/// Everything that is not a time: weights, metrics, losses of every step.
fn essence(place: &Place, run: &str) -> (Vec<u8>, serde_json::Value, Vec<String>) {
    let mut metrics = place.json(&format!("{run}/metrics.json"));
    let object = metrics.as_object_mut().unwrap();
    for timing in [
        "train_seconds",
        "data_wait_seconds",
        "tokens_per_second",
        "peak_memory_bytes",
        "run_seconds",
    ] {
        object.remove(timing).unwrap();
    }
    for epoch in object["epochs"].as_array_mut().unwrap() {
        for timing in ["seconds", "data_wait_seconds"] {
            epoch.as_object_mut().unwrap().remove(timing).unwrap();
        }
    }
    let log = json_lines(&text(&place.read(&format!("{run}/log.jsonl"))));
    let steps = log
        .into_iter()
        .filter(|line| line["event"] == "step")
        .map(|mut line| {
            line.as_object_mut().unwrap().remove("seconds");
            line.to_string()
        });
    (
        place.read(&format!("{run}/model/model.safetensors")),
        metrics,
        steps.collect(),
    )
}

fn assert_same_run(place: &Place) {
    let uninterrupted = Place::with_run();
    let (weights, metrics, steps) = essence(place, "run");
    let (wanted_weights, wanted_metrics, wanted_steps) = essence(&uninterrupted, "run");
    assert_eq!(steps, wanted_steps);
    assert_eq!(metrics, wanted_metrics);
    assert!(weights == wanted_weights, "the weights differ");
    let leftovers = |folder: &str| {
        place
            .names(folder)
            .into_iter()
            .filter(|name| name.starts_with('.'))
            .collect::<Vec<_>>()
    };
    for folder in [".", "run", "run/checkpoints", "run/model"] {
        assert_eq!(leftovers(folder), Vec::<String>::new(), "{folder}");
    }
}

#[test]
fn ctrl_c_saves_and_a_resumed_run_is_the_run() {
    let place = Place::with_reviews();
    for (line, name, steps) in [
        ("train config.toml", "-INT", 5),
        ("train --resume run", "-TERM", 13),
    ] {
        let mut child = start(&place, line);
        wait_for_steps(&place, &mut child, steps);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        let said = text(&output.stderr);
        assert!(
            said.contains("saving a checkpoint; press Ctrl-C again to stop at once"),
            "{said}"
        );
        let last = said.lines().last().unwrap();
        assert!(last.starts_with("stopped: after step "), "{said}");
        assert!(
            last.ends_with("; go on with `cloze train --resume run`"),
            "{said}"
        );
        assert!(!place.exists("run/metrics.json"));
    }
    place.stdout("train --resume run");
    assert_same_run(&place);
}

/// Steps that the log of a run has.
fn steps_taken(place: &Place) -> usize {
    let log = std::fs::read_to_string(place.path("run/log.jsonl")).unwrap_or_default();
    log.matches("\"event\":\"step\"").count()
}

/// Starts the run of `config.toml`, or goes on with it, until it is over or has been killed so many
/// times, and then lets it end. Returns how often it was killed.
///
/// The moments of death differ from call to call. They are counted in steps, so that a fast machine
/// dies as often as a slow one, and fall anywhere within a step.
pub(crate) fn die_at_random_moments(place: &Place, deaths: usize) -> usize {
    let seed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let mut random = seed.subsec_nanos() | 1;
    let mut kills = 0;
    while kills < deaths {
        // Xorshift.
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        let line = match place.exists("run/config.toml") {
            false => "train config.toml",
            true => "train --resume run",
        };
        let death = steps_taken(place) + random as usize % 5;
        let mut child = start(place, line);
        // The first process lives until there is a run to go on with.
        while !place.exists("run/config.toml") || steps_taken(place) < death {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            sleep(Duration::from_micros(200));
        }
        sleep(Duration::from_micros(u64::from(random % 4000)));
        if let Some(status) = child.try_wait().unwrap() {
            let said = text(&child.wait_with_output().unwrap().stderr);
            assert!(status.success(), "after {kills} kills: {said}");
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    if !place.exists("run/metrics.json") {
        place.stdout("train --resume run");
    }
    kills
}

#[test]
fn kill_9_at_any_moment_loses_nothing_but_time() {
    let place = Place::with_reviews();
    let kills = die_at_random_moments(&place, 8);
    assert!(kills > 1, "the run was over before it could be killed");
    assert_same_run(&place);
}

#[test]
fn a_damaged_checkpoint_is_passed_over() {
    let place = Place::with_reviews();
    let mut child = start(&place, "train config.toml");
    wait_for_steps(&place, &mut child, 7);
    signal(&child, "-INT");
    child.wait().unwrap();
    let newest = place.names("run/checkpoints").pop().unwrap();
    let file = format!("run/checkpoints/{newest}/model.safetensors");
    let mut bytes = place.read(&file);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    place.write(&file, bytes);
    let output = place.cloze("train --resume run").assert().success();
    let said = crate::place::stderr(&output);
    assert!(
        said.contains(&format!("warning: run/checkpoints/{newest} is damaged")),
        "{said}"
    );
    assert_same_run(&place);
}

#[test]
fn data_that_changed_meanwhile_are_refused() {
    let place = Place::with_reviews();
    let mut child = start(&place, "train config.toml");
    wait_for_steps(&place, &mut child, 3);
    signal(&child, "-INT");
    child.wait().unwrap();
    let table = text(&place.read("reviews.csv"));
    place.write("reviews.csv", table.replace("number 1 ", "number 11 "));
    let said = place.failure("train --resume run", 1);
    assert_eq!(
        said.lines().last().unwrap(),
        "error: the run in run cannot go on: data.train (reviews.csv) changed since it began; put \
         back what it was, or start a new run"
    );
}

#[test]
fn only_a_run_can_be_resumed() {
    let place = Place::with_reviews();
    place.fails(
        "train --resume fresh",
        1,
        "error: fresh is not the folder of a run: it has no config.toml\n\
         hint: `cloze train CONFIG.toml` starts a run",
    );
}
