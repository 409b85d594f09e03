//! Training steps of cloze, timed one by one: the peer of `bench/peers/transformers_steps.py`.

use std::path::Path;

use anyhow::Result;
use burn::tensor::Device;
use clap::Parser;
use cloze_bench::{Memory, SEED, StepArguments, StoredBatch, labels, read_batches, time_steps};
use cloze_core::{ConfigJson, LabelSet};
use cloze_model::SequenceClassifier;
use cloze_model::checkpoint::{Checkpoint, ClassifierOptions, init_classifier, load_classifier};
use cloze_platform::allocator::{self, Allocator};
use cloze_tasks::TextClassification;
use cloze_train::Batch;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Time training steps on given batches, and print one line of JSON
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    steps: StepArguments,
}

fn main() -> Result<()> {
    allocator::keep_freed_pages();
    let Arguments { steps } = Arguments::parse();
    cloze_platform::threads::start(steps.threads)?;
    let stored: Vec<StoredBatch> = read_batches(&steps.batches)?;
    let labels = labels(&stored)?;
    let batches = stored.iter().map(batch).collect::<Result<Vec<_>>>()?;
    let memory = Memory::before_loading()?;
    let model = load(&steps.model, labels)?;
    let names = (0..labels).map(|label| label.to_string()).collect();
    let max_length = model.encoder.config().max_position_embeddings;
    let task = TextClassification::new(LabelSet::from_names(names)?, max_length);
    time_steps(&steps, task, model, &batches, memory)
}

fn batch(stored: &StoredBatch) -> Result<Batch<usize>> {
    Ok(Batch {
        packed: stored.packed()?,
        targets: stored.labels.clone(),
    })
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
