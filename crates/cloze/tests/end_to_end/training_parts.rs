//! Averaged weights, early stopping, learning rates by layer, pictures and events: what the program
//! says and leaves, and that none of it is lost when a run dies.

use std::thread::sleep;
use std::time::Duration;

use crate::interrupted_runs::{die_at_random_moments, signal, start, wait_for_steps};
use crate::place::{CONFIG, Place, json_lines, stderr, text};

/// Every part at once; the run of the other tests otherwise.
const EVERYTHING: &str = r#"
keep_checkpoints = 3
evaluate_first = true
tensorboard = true
gradient_checkpointing = true
gradient_accumulation = 2
ema = { decay = 0.9, start = 0.1 }
early_stopping = { patience = 2, min_delta = 0.0001 }
[optimizer]
layer_decay = 0.8
head_learning_rate = 1e-2
[loss]
class_weights = "balanced"
label_smoothing = 0.05
"#;

fn with_everything() -> Place {
    let place = Place::with_reviews();
    let config = CONFIG.replace("\"linear\"", "\"cosine-with-restarts\", cycles = 2");
    place.write("config.toml", config + EVERYTHING);
    place
}

/// What a run leaves, without times: weights, averages, the optimizer, losses and metrics, pictures.
fn traces(place: &Place) -> Vec<(String, Vec<u8>)> {
    let newest = place.names("run/checkpoints").pop().unwrap();
    let mut traces: Vec<(String, Vec<u8>)> = [
        "run/model/model.safetensors".to_owned(),
        format!("run/checkpoints/{newest}/model.safetensors"),
        format!("run/checkpoints/{newest}/optimizer.safetensors"),
        format!("run/checkpoints/{newest}/ema.safetensors"),
        "run/curves.svg".to_owned(),
        "run/curves.png".to_owned(),
        "run/predictions-test.jsonl".to_owned(),
    ]
    .map(|name| (name.clone(), place.read(&name)))
    .into();
    for mut line in json_lines(&text(&place.read("run/log.jsonl"))) {
        if line["event"] != "resume" {
            let fields = line.as_object_mut().unwrap();
            fields.retain(|name, _| !name.ends_with("seconds"));
            traces.push(("log.jsonl".into(), line.to_string().into_bytes()));
        }
    }
    let events = place.read("run/tensorboard/events.out.tfevents.cloze");
    traces.push(("events".into(), events.len().to_le_bytes().into()));
    traces
}

#[test]
fn a_run_with_everything_that_dies_again_and_again_ends_the_same() {
    let uninterrupted = with_everything();
    let said = stderr(&uninterrupted.cloze("train config.toml").assert().success());
    assert!(
        said.contains("\nlearning rates: embeddings 3.20e-3, layer 0 4.00e-3, layer 1 5.00e-3, pooler 5.00e-3, head 1.00e-2\n"),
        "{said}"
    );
    let place = with_everything();
    // First a signal, then deaths.
    let mut child = start(&place, "train config.toml");
    wait_for_steps(&place, &mut child, 4);
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    sleep(Duration::from_millis(1));
    die_at_random_moments(&place, 5);
    let (found, wanted) = (traces(&place), traces(&uninterrupted));
    assert_eq!(found.len(), wanted.len());
    for ((name, found), (_, wanted)) in found.iter().zip(&wanted) {
        assert!(found == wanted, "{name} differs");
    }
}

#[test]
fn a_run_that_stops_early_says_why() {
    let place = Place::with_reviews();
    let line = "train config.toml --set train.learning_rate=0.0 --set train.epochs=9 \
                --set train.early_stopping.patience=1";
    let said = stderr(&place.cloze(line).assert().success());
    let wanted = "\nstopped early: loss has not got better than ";
    assert!(
        said.contains(wanted) && said.contains(" for 1 evaluation\n"),
        "{said}"
    );
    assert_eq!(
        place.json("run/metrics.json")["epochs"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn what_a_device_cannot_do_is_refused_before_anything_is_read() {
    let place = Place::with_reviews();
    place.fails(
        "train config.toml --set train.gradient_checkpointing=true --device cpu-composed",
        1,
        "error: field `train.gradient_checkpointing`: found true on the device cpu-composed, wanted \
         false: the layers of the device `cpu` alone are computed again",
    );
    place.fails(
        "train config.toml --set train.precision=bf16",
        1,
        "error: field `train.precision`: found \"bf16\" on the device cpu, wanted \"f32\": the \
         processor computes with 16 bits no faster",
    );
    assert!(!place.exists("run"));
}

/// Eight layers on 1,500 tokens: what they keep is many times the weights.
#[test]
#[cfg(target_os = "linux")]
fn layers_that_are_computed_again_are_not_kept_in_memory() {
    let place = Place::empty();
    let sentence = "lovely warm clever quick soup song plot service ".repeat(12);
    let rows: Vec<String> = (0..32)
        .map(|row| format!("{sentence},{}", ["a", "b"][row % 2]))
        .collect();
    place.write("long.csv", format!("text,label\n{}\n", rows.join("\n")));
    place.write(
        "model.json",
        r#"{"model_type": "bert", "hidden_size": 64, "num_hidden_layers": 8,
            "num_attention_heads": 4, "intermediate_size": 256, "max_position_embeddings": 128}"#,
    );
    place.stdout("vocab train long.csv --size 60 --output vocabulary");
    place.stdout("init --config model.json --tokenizer vocabulary fresh");
    let peak = |run: &str, checkpointing: bool| {
        let config = format!(
            "task = \"text-classification\"\noutput = \"{run}\"\n[model]\npath = \"fresh\"\n\
             [data]\ntrain = \"long.csv\"\n[train]\nepochs = 1\nbatch_size = 32\n\
             gradient_checkpointing = {checkpointing}\n"
        );
        place.write("config.toml", config);
        place.stdout("train config.toml");
        let metrics = place.json(&format!("{run}/metrics.json"));
        metrics["peak_memory_bytes"].as_f64().unwrap()
    };
    let (kept, again) = (peak("kept", false), peak("again", true));
    assert!(again < 0.75 * kept, "{again} bytes instead of {kept}");
    let weights = |run: &str| place.read(&format!("{run}/model/model.safetensors"));
    assert!(weights("kept") == weights("again"));
}
