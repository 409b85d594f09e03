//! Ten training losses of models that say which token comes next beside those of PyTorch.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy exempts only functions marked as tests"
)]

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cloze_core::PackedBatch;
use cloze_model::checkpoint::Checkpoint;
use cloze_tasks::{Continuation, Task};
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
        .join("../cloze-model/tests/golden/continuation")
        .join(case)
}

fn batch(expected: &Golden) -> Batch<u32> {
    let ids = |name: &str| -> Vec<u32> {
        let values = expected.integers(name).values;
        values.iter().map(|&id| id as u32).collect()
    };
    let padded = expected.integers("input_ids").shape[1];
    let (rows, lengths, types) = (ids("input_ids"), ids("lengths"), vec![0; padded]);
    let sequences = rows.chunks(padded).zip(&lengths).map(|(ids, &length)| {
        let length = length as usize;
        (&ids[..length], &types[..length])
    });
    Batch {
        packed: PackedBatch::from_sequences(sequences).unwrap(),
        targets: ids("targets"),
    }
}

#[test]
fn ten_losses_equal_those_of_torch() {
    for case in ["linear", "lstm", "lstm-attention"] {
        let Expected { training } = read_json(&folder(case).join("expected.json"));
        let batch = batch(&Golden::read(&folder(case).join("expected.safetensors")));
        let checkpoint = Checkpoint::open(&folder(case)).unwrap();
        let task = Continuation::new(checkpoint.wanted_continuation().unwrap().clone());
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
