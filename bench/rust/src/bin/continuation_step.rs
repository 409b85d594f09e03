//! Training steps of a model that says which token comes next, timed one by one: the peer of
//! `bench/peers/torch_continuation_steps.py`.

use anyhow::Result;
use burn::tensor::Device;
use clap::Parser;
use cloze_bench::{Memory, SEED, StepArguments, StoredBatch, read_batches, time_steps};
use cloze_model::checkpoint::Checkpoint;
use cloze_platform::allocator::{self, Allocator};
use cloze_tasks::{Continuation, Task};
use cloze_train::Batch;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Time training steps on given windows and the tokens behind them, and print one line of JSON
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
    let batches = stored.iter().map(batch).collect::<Result<Vec<_>>>()?;
    let memory = Memory::before_loading()?;
    let checkpoint = Checkpoint::open(&steps.model)?;
    let task = Continuation::new(checkpoint.wanted_continuation()?.clone());
    let device = Device::flex().autodiff();
    let (model, _) = task.load(&checkpoint, SEED, &device)?;
    time_steps(&steps, task, model, &batches, memory)
}

fn batch(stored: &StoredBatch) -> Result<Batch<u32>> {
    Ok(Batch {
        packed: stored.packed()?,
        // Of a window the label is the token that comes next.
        targets: stored.labels.iter().map(|&id| id as u32).collect(),
    })
}
