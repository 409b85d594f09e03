//! Training steps of cloze, timed one by one: the peer of `bench/transformers_steps.py`, started by
//! `bench/train.py`.

use std::fs::File;
use std::io::BufReader;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use burn::tensor::Device;
use clap::Parser;
use cloze_core::{ConfigJson, LabelSet, PackedBatch};
use cloze_model::SequenceClassifier;
use cloze_model::checkpoint::{Checkpoint, ClassifierOptions, init_classifier, load_classifier};
use cloze_platform::allocator::{self, Allocator};
use cloze_tasks::TextClassification;
use cloze_train::config::OptimizerConfig;
use cloze_train::{Batch, Schedule, TrainingStep};
use serde::{Deserialize, Serialize};

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

    /// Steps that are taken first and not timed
    #[arg(long, default_value_t = 2)]
    warmup: usize,

    /// Learning rate, the same in every step
    #[arg(long, default_value_t = 5e-5)]
    learning_rate: f64,

    /// Worker threads [default: as many as the machine lends this process]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// What `bench/batches.py` writes.
#[derive(Debug, Deserialize)]
struct BatchFile {
    batches: Vec<StoredBatch>,
}

/// Token ids and labels of the sequences of a batch.
#[derive(Debug, Deserialize)]
struct StoredBatch {
    input_ids: Vec<Vec<u32>>,
    labels: Vec<usize>,
}

/// What is printed.
#[derive(Debug, Default, Serialize)]
struct Timings {
    seconds: Vec<f64>,
    losses: Vec<f64>,
}

fn main() -> Result<()> {
    allocator::keep_freed_pages();
    let arguments = Arguments::parse();
    cloze_platform::threads::start(arguments.threads)?;
    let (batches, labels) = read_batches(&arguments.batches)?;
    let mut training = start_training(&arguments, labels)?;
    let mut timings = Timings::default();
    for batch in batches.iter().take(arguments.warmup) {
        training.step(std::slice::from_ref(batch))?;
    }
    for batch in &batches {
        let start = Instant::now();
        let report = training.step(std::slice::from_ref(batch))?;
        timings.seconds.push(start.elapsed().as_secs_f64());
        timings.losses.push(report.loss);
    }
    println!("{}", serde_json::to_string(&timings)?);
    Ok(())
}

/// The batches of a file and the number of labels in them.
fn read_batches(file: &Path) -> Result<(Vec<Batch<usize>>, usize)> {
    let reader = BufReader::new(File::open(file).with_context(|| file.display().to_string())?);
    let stored: BatchFile = serde_json::from_reader(reader)?;
    let labels = stored.batches.iter().flat_map(|batch| &batch.labels).max();
    let labels = labels.context("there are no labels")? + 1;
    let batches = stored
        .batches
        .into_iter()
        .map(packed)
        .collect::<Result<_>>()?;
    Ok((batches, labels))
}

/// A batch without padding; all tokens are of type 0.
fn packed(stored: StoredBatch) -> Result<Batch<usize>> {
    let longest = stored.input_ids.iter().map(Vec::len).max().unwrap_or(0);
    let type_ids = vec![0; longest];
    let sequences = stored
        .input_ids
        .iter()
        .map(|ids| (ids.as_slice(), &type_ids[..ids.len()]));
    Ok(Batch {
        packed: PackedBatch::from_sequences(sequences)?,
        targets: stored.labels,
    })
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

/// The checkpoint with a new classification head, or random weights where the folder has none.
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
