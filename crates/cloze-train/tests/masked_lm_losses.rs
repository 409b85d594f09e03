//! Ten training losses of masked language models beside those of `transformers`.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy exempts only functions marked as tests"
)]

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cloze_core::PackedBatch;
use cloze_model::checkpoint::Checkpoint;
use cloze_tasks::{MaskedLm, MaskedTarget, Task};
use cloze_train::config::{OptimizerConfig, ScheduleConfig};
use cloze_train::{Batch, Schedule, TrainingStep};
use serde::Deserialize;
use testkit::close::assert_relatively_close;
use testkit::golden::{Golden, read_json};

#[derive(Deserialize)]
struct Expected {
    training: Training,
}

#[derive(Deserialize)]
struct Training {
    losses: Vec<f32>,
    gradient_norms: Vec<f32>,
    learning_rate: f64,
    warmup_steps: u64,
    steps: u64,
}

fn folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../cloze-model/tests/golden/masked_lm")
        .join(case)
}

fn batch(expected: &Golden) -> Batch<MaskedTarget> {
    let integers = |name: &str| expected.integers(name).values;
    let padded = expected.integers("input_ids").shape[1];
    let rows = |name: &str| -> Vec<Vec<u32>> {
        let values: Vec<u32> = integers(name).iter().map(|&id| id as u32).collect();
        values.chunks(padded).map(<[u32]>::to_vec).collect()
    };
    let lengths = integers("lengths");
    let (ids, types) = (rows("input_ids"), rows("token_type_ids"));
    let sequences = ids.iter().zip(&types).zip(&lengths);
    let sequences = sequences.map(|((ids, types), &length)| {
        let length = length as usize;
        (&ids[..length], &types[..length])
    });
    let labels = expected
        .names()
        .iter()
        .any(|name| name == "next_sentence_labels");
    let labels = labels.then(|| integers("next_sentence_labels"));
    let mut targets: Vec<MaskedTarget> = (0..ids.len())
        .map(|row| MaskedTarget {
            masked: Vec::new(),
            follows: labels.as_ref().map(|labels| labels[row] == 0),
        })
        .collect();
    let places = integers("masked_positions");
    for (place, &id) in places.chunks(2).zip(&integers("targets")) {
        let row = &mut targets[place[0] as usize];
        row.masked.push((place[1] as usize, id as u32));
    }
    Batch {
        packed: PackedBatch::from_sequences(sequences).unwrap(),
        targets,
    }
}

#[test]
fn ten_losses_equal_those_of_transformers() {
    for (case, task) in [
        ("bert", MaskedLm::new(12)),
        ("distilbert", MaskedLm::new(12)),
        ("bert-pretraining", MaskedLm::pretraining(12)),
    ] {
        let Expected { training } = read_json(&folder(case).join("expected.json"));
        let batch = batch(&Golden::read(&folder(case).join("expected.safetensors")));
        let checkpoint = Checkpoint::open(&folder(case)).unwrap();
        let device = Device::flex().autodiff();
        let (model, _) = task.load(&checkpoint, 0, &device).unwrap();
        let warmup = ScheduleConfig {
            warmup: training.warmup_steps as f64,
            ..ScheduleConfig::default()
        };
        let schedule = Schedule::new(&warmup, training.learning_rate, &[training.steps]);
        let optimizer = OptimizerConfig::default();
        let rate = training.learning_rate;
        let mut step =
            TrainingStep::new(task, model, &optimizer, rate, schedule, 0).with_dropout(false);
        let take = |_| {
            let report = step.step(std::slice::from_ref(&batch)).unwrap();
            (report.loss as f32, report.gradient_norm as f32)
        };
        let (losses, norms): (Vec<f32>, Vec<f32>) = (0..training.steps).map(take).unzip();
        assert_relatively_close(case, &losses, &training.losses, 1e-4);
        assert_relatively_close(case, &norms, &training.gradient_norms, 1e-3);
    }
}
