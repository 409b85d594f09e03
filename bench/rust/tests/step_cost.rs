//! What a training step costs besides arithmetic, counted and not timed, so that it does not
//! depend on how busy the machine is: allocations and page faults, which only Linux tells.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails like a test")]

use std::fs;

use burn::tensor::Device;
use cloze_core::{ConfigJson, LabelSet, PackedBatch};
use cloze_model::checkpoint::{ClassifierOptions, init_classifier};
use cloze_platform::CountingAllocator;
use cloze_platform::allocator;
use cloze_tasks::TextClassification;
use cloze_train::config::OptimizerConfig;
use cloze_train::{Batch, Schedule, TrainingStep};

// What was counted when these were set, and a tenth: lower them where a step gets cheaper.

/// Most allocations of a step.
const ALLOCATIONS: u64 = 3_200;
/// Most bytes that a step asks for, given back or not.
const ALLOCATED_BYTES: u64 = 25_500_000;
/// Most pages that a step touches for the first time; none, but for a new extreme of lengths.
const PAGE_FAULTS: u64 = 20;

const WARMUP: usize = 5;
const STEPS: u64 = 10;
const THREADS: usize = 2;
const SEQUENCES: usize = 16;

const CONFIG: &str = r#"{
    "model_type": "bert", "vocab_size": 2000, "hidden_size": 256, "num_hidden_layers": 2,
    "num_attention_heads": 4, "intermediate_size": 2048, "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 128, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
    "initializer_range": 0.02, "pad_token_id": 0
}"#;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new();

#[test]
fn a_step_reuses_what_the_step_before_it_left() {
    allocator::keep_freed_pages();
    cloze_platform::threads::start(THREADS.try_into().ok()).unwrap();
    let mut training = training();
    // Lengths from 9 to 128: the sizes of the buffers change from step to step.
    let batches: Vec<Batch<usize>> = (0..WARMUP + STEPS as usize).map(batch).collect();
    for batch in &batches[..WARMUP] {
        training.step(std::slice::from_ref(batch)).unwrap();
    }
    let (before, faults_before) = (ALLOCATOR.total(), page_faults());
    for batch in &batches[WARMUP..] {
        training.step(std::slice::from_ref(batch)).unwrap();
    }
    let (after, faults_after) = (ALLOCATOR.total(), page_faults());
    let found = [
        ("allocations", after.count - before.count, ALLOCATIONS),
        ("bytes", after.bytes - before.bytes, ALLOCATED_BYTES),
        ("page faults", faults_after - faults_before, PAGE_FAULTS),
    ];
    let mean = |total: u64| total.div_ceil(STEPS);
    for (what, total, limit) in found {
        println!("{} {what} a step, at most {limit}", mean(total));
    }
    for (what, total, limit) in found {
        let a_step = mean(total);
        assert!(
            a_step <= limit,
            "{a_step} {what} a step, wanted at most {limit}"
        );
    }
}

fn training() -> TrainingStep<TextClassification> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    fs::write(&file, CONFIG).unwrap();
    let config = ConfigJson::read(&file).unwrap();
    let options = ClassifierOptions::default();
    let model = init_classifier(&config, &options, &Device::flex().autodiff()).unwrap();
    let labels = LabelSet::from_observed(["bad", "good"]).unwrap();
    TrainingStep::new(
        TextClassification::new(labels, 128),
        model,
        &OptimizerConfig::default(),
        5e-5,
        Schedule::constant(),
        1,
    )
}

/// A batch whose longest sequence depends on its number.
fn batch(number: usize) -> Batch<usize> {
    let sequences: Vec<Vec<u32>> = (0..SEQUENCES)
        .map(|row| {
            let length = 9 + (row * 17 + number * 11) % 120;
            (0..length)
                .map(|place| ((place * 31 + row * 17 + number) % 2000) as u32)
                .collect()
        })
        .collect();
    let types = [0; 128];
    let pairs = sequences
        .iter()
        .map(|ids| (ids.as_slice(), &types[..ids.len()]));
    Batch {
        packed: PackedBatch::from_sequences(pairs).unwrap(),
        targets: (0..SEQUENCES).map(|row| row % 2).collect(),
    }
}

/// Pages that this process, with all its threads, has touched for the first time so far.
fn page_faults() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The name in parentheses may hold spaces; `minflt` is the eighth field after it.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().nth(7).unwrap().parse().unwrap()
}
