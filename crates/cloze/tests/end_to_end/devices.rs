//! `--device`.

use serde_json::Value;

use crate::place::{Place, json_lines, stderr, text};

const TEXTS: [&str; 3] = [
    "the plot was awful",
    "lovely soup , warm and quick",
    "a song",
];

fn scores(place: &Place, device: &str) -> Vec<(String, f64)> {
    let mut command = place.cloze(&format!("predict run --json --device {device}"));
    let output = command.args(TEXTS).assert().success();
    let score = |line: &Value| {
        let label = line["label"].as_str().unwrap().to_owned();
        (label, line["score"].as_f64().unwrap())
    };
    let lines = json_lines(&text(&output.get_output().stdout));
    lines.iter().map(score).collect()
}

/// The losses of a run's steps.
fn losses(place: &Place, run: &str) -> Vec<f64> {
    let log = json_lines(&text(&place.read(&format!("{run}/log.jsonl"))));
    let steps = log.iter().filter(|line| line["event"] == "step");
    steps.map(|line| line["loss"].as_f64().unwrap()).collect()
}

/// Predicts with the run of the CPU on another device, and trains there from the start.
fn agrees_with_the_processor(device: &str) {
    let place = Place::with_run();
    let (expected, found) = (scores(&place, "cpu"), scores(&place, device));
    assert_eq!(found.len(), TEXTS.len());
    for ((label, score), (expected_label, expected)) in found.iter().zip(&expected) {
        assert_eq!(label, expected_label);
        assert!((score - expected).abs() < 1e-3, "{score} {expected}");
    }
    let eval = |device: &str| -> Value {
        let columns = "--text review --label label --json";
        let line = format!("eval run --data reviews.csv {columns} --device {device}");
        serde_json::from_str(&place.stdout(&line)).unwrap()
    };
    assert_eq!(eval(device)["accuracy"], eval("cpu")["accuracy"]);

    let train = "train config.toml --set output=other --set train.epochs=1";
    place.stdout(&train.replace("other", "cpu"));
    let output = place.cloze(&format!("{train} --device {device}"));
    let output = output.assert_success();
    let told = format!("\ncomputing on {device}");
    assert!(output.contains(&told), "{output}");
    let recorded = place.json("other/run.json")["device"].clone();
    assert!(recorded.as_str().unwrap().starts_with(device), "{recorded}");
    let (expected, found) = (losses(&place, "cpu"), losses(&place, "other"));
    assert_eq!(found.len(), 18);
    for (step, (found, expected)) in found.iter().zip(&expected).take(5).enumerate() {
        assert!(
            (found - expected).abs() < 1e-3,
            "{step}: {found} {expected}"
        );
    }
}

trait Succeeds {
    /// Runs to the end and gives what stands on standard error.
    fn assert_success(self) -> String;
}

impl Succeeds for assert_cmd::Command {
    fn assert_success(mut self) -> String {
        stderr(&self.assert().success())
    }
}

#[test]
fn composed_layers_on_the_processor_agree_with_the_fused_ones() {
    agrees_with_the_processor("cpu-composed");
}

/// Wants a Vulkan driver; Mesa's, which computes on the processor, will do.
#[test]
#[cfg_attr(not(feature = "vulkan"), ignore = "this build has no Vulkan")]
fn vulkan_agrees_with_the_processor() {
    agrees_with_the_processor("vulkan");
}

#[test]
fn a_run_that_goes_on_elsewhere_says_that_it_is_no_longer_the_same() {
    let place = Place::with_run();
    assert_eq!(place.json("run/run.json")["device"], "cpu");
    let resume = place.cloze("train --resume run --device cpu-composed");
    let told = resume.assert_success();
    assert!(
        told.contains(
            "warning: the run was computed on cpu so far and goes on on cpu-composed: it ends \
             close to what it would have been, and not bit for bit the same\n"
        ),
        "{told}"
    );
    let again = place.cloze("train --resume run").assert_success();
    assert!(!again.contains("bit for bit"), "{again}");
}

#[test]
fn a_device_without_a_name_that_we_know_is_wrong_usage() {
    let place = Place::empty();
    for command in [
        "predict run text",
        "eval run --data x.csv",
        "train config.toml",
    ] {
        let message = place.failure(&format!("{command} --device gpu"), 2);
        assert!(
            message.contains("found \"gpu\", wanted cpu, cpu-composed, vulkan,"),
            "{message}"
        );
    }
    let message = place.failure("predict run text --device cuda:first", 2);
    assert!(message.contains("as in `cuda:0`"), "{message}");
}

#[test]
fn a_device_that_is_not_there_is_an_error_before_anything_is_read() {
    let place = Place::empty();
    place.fails(
        "predict nowhere text --device cpu:1",
        1,
        "error: there is no device `cpu:1`: found one device for cpu, number 0",
    );
    if cfg!(not(feature = "metal")) {
        let message = place.failure("predict nowhere text --device metal", 2);
        assert!(
            message
                .starts_with("error: this build has no device `metal`: it has cpu, cpu-composed")
                && message.contains("`cargo build --release --features metal`"),
            "{message}"
        );
    }
}

/// A machine without a driver: the loader is told of none.
#[test]
#[cfg_attr(not(feature = "vulkan"), ignore = "this build has no Vulkan")]
fn without_a_driver_nothing_panics() {
    let place = Place::empty();
    let mut command = place.cloze("predict nowhere text --device vulkan");
    let no_driver = place.path("none.json");
    for variable in ["VK_ICD_FILENAMES", "VK_DRIVER_FILES"] {
        command.env(variable, &no_driver);
    }
    assert_eq!(
        stderr(&command.assert().code(1)),
        "error: there is no device `vulkan:0`: found no device for vulkan on this machine; is its \
         driver installed?\n"
    );
}

#[test]
fn help_and_completions_list_the_names() {
    let place = Place::empty();
    for command in ["train", "eval", "predict"] {
        let help = place.stdout(&format!("{command} --help"));
        for name in ["cpu-composed", "vulkan", "webgpu", "cuda", "rocm", "metal"] {
            assert!(help.contains(name), "{command}: {name}\n{help}");
        }
        for shell in ["bash", "zsh", "fish"] {
            assert!(
                place
                    .stdout(&format!("completions {shell}"))
                    .contains("cpu-composed")
            );
        }
    }
}
