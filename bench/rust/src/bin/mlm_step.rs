//! Training steps of a masked language model, timed one by one: the peer of
//! `bench/peers/transformers_mlm_steps.py`.

use std::path::Path;

use anyhow::Result;
use burn::tensor::Device;
use clap::Parser;
use cloze_bench::{MaskedBatch, Memory, SEED, StepArguments, read_batches, time_steps};
use cloze_core::ConfigJson;
use cloze_model::MaskedLanguageModel;
use cloze_model::checkpoint::{Checkpoint, init_masked_language_model, load_masked_language_model};
use cloze_platform::allocator::{self, Allocator};
use cloze_tasks::{MaskedLm, MaskedTarget};
use cloze_train::Batch;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Time masked-language training steps on given batches, and print one line of JSON
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    steps: StepArguments,
}

fn main() -> Result<()> {
    allocator::keep_freed_pages();
    let Arguments { steps } = Arguments::parse();
    cloze_platform::threads::start(steps.threads)?;
    let batches: Vec<MaskedBatch> = read_batches(&steps.batches)?;
    let batches = batches.iter().map(batch).collect::<Result<Vec<_>>>()?;
    let memory = Memory::before_loading()?;
    let model = load(&steps.model)?;
    let task = MaskedLm::new(model.encoder.config().max_position_embeddings);
    time_steps(&steps, task, model, &batches, memory)
}

fn batch(stored: &MaskedBatch) -> Result<Batch<MaskedTarget>> {
    let rows = stored.positions.iter().zip(&stored.targets);
    let target = |(positions, ids): (&Vec<usize>, &Vec<u32>)| MaskedTarget {
        masked: positions.iter().copied().zip(ids.iter().copied()).collect(),
        follows: None,
    };
    Ok(Batch {
        packed: cloze_bench::packed(&stored.input_ids)?,
        targets: rows.map(target).collect(),
    })
}

/// The checkpoint, or random weights where the folder has none.
fn load(folder: &Path) -> Result<MaskedLanguageModel> {
    let device = Device::flex().autodiff();
    if folder.join("model.safetensors").exists() {
        let checkpoint = Checkpoint::open(folder)?;
        return Ok(load_masked_language_model(&checkpoint, false, SEED, &device)?.0);
    }
    let config = ConfigJson::read(&folder.join("config.json"))?;
    Ok(init_masked_language_model(&config, false, SEED, &device)?)
}
