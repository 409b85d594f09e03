//! Training steps of cloze, timed one by one: the peer of `bench/peers/transformers_steps.py`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use burn::tensor::Device;
use clap::Parser;
use cloze_bench::{BatchFile, Memory};
use cloze_core::{ConfigJson, LabelSet};
use cloze_model::SequenceClassifier;
use cloze_model::checkpoint::{Checkpoint, ClassifierOptions, init_classifier, load_classifier};
use cloze_platform::allocator::{self, Allocator};
use cloze_tasks::TextClassification;
use cloze_train::config::OptimizerConfig;
use cloze_train::{Batch, Schedule, TrainingStep};
use serde::Serialize;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

const SEED: u64 = 1;

/// Time training steps on given batches, and print one line of JSON
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder with a checkpoint, or with only a config.json for random weights
    #[arg(long)]
    model: PathBuf,

    /// JSON file of batches, as bench/batches.py writes them
    #[arg(long)]
    batches: PathBuf,

    /// Steps that are taken first, on the first batches, and not timed
    #[arg(long, default_value_t = 2)]
    warmup: usize,

    /// Learning rate, the same in every step
    #[arg(long, default_value_t = 5e-5)]
    learning_rate: f64,

    /// Worker threads [default: as many as the machine lends this process]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    /// Of each timed step.
    seconds: Vec<f64>,
    /// Of each step, those of the warm-up first.
    losses: Vec<f64>,
    memory: Memory,
}

fn main() -> Result<()> {
    allocator::keep_freed_pages();
    let arguments = Arguments::parse();
    cloze_platform::threads::start(arguments.threads)?;
    let file = BatchFile::read(&arguments.batches)?;
    let batches = batches(&file)?;
    let memory = Memory::before_loading()?;
    let mut training = start_training(&arguments, file.labels()?)?;
    let mut losses = Vec::new();
    for batch in batches.iter().take(arguments.warmup) {
        losses.push(training.step(std::slice::from_ref(batch))?.loss);
    }
    let mut seconds = Vec::new();
    for batch in &batches {
        let start = Instant::now();
        let report = training.step(std::slice::from_ref(batch))?;
        seconds.push(start.elapsed().as_secs_f64());
        losses.push(report.loss);
    }
    let report = Report {
        seconds,
        losses,
        memory: memory.with_peak()?,
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

fn batches(file: &BatchFile) -> Result<Vec<Batch<usize>>> {
    let batch = |stored: &cloze_bench::StoredBatch| -> Result<_> {
        Ok(Batch {
            packed: stored.packed()?,
            targets: stored.labels.clone(),
        })
    };
    file.batches.iter().map(batch).collect()
}

fn start_training(
    arguments: &Arguments,
    labels: usize,
) -> Result<TrainingStep<TextClassification>> {
    let model = load(&arguments.model, labels)?;
    let names = (0..labels).map(|label| label.to_string()).collect();
    let max_length = model.encoder.config().max_position_embeddings;
    let task = TextClassification::new(LabelSet::from_names(names)?, max_length);
    let optimizer = OptimizerConfig::default();
    let schedule = Schedule::constant();
    Ok(TrainingStep::new(
        task,
        model,
        &optimizer,
        arguments.learning_rate,
        schedule,
        SEED,
    ))
}

/// The checkpoint with its classification head or a new one, or random weights where the folder
/// has none.
fn load(folder: &Path, labels: usize) -> Result<SequenceClassifier> {
    let device = Device::flex().autodiff();
    let options = ClassifierOptions {
        num_labels: Some(labels),
        seed: SEED,
        ..ClassifierOptions::default()
    };
    if folder.join("model.safetensors").exists() {
        let checkpoint = Checkpoint::open(folder)?;
        return Ok(load_classifier(&checkpoint, &options, &device)?.0);
    }
    let config = ConfigJson::read(&folder.join("config.json"))?;
    Ok(init_classifier(&config, &options, &device)?)
}
