use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use cloze_tasks::Task;
use cloze_train::config::OptimizerConfig;
use cloze_train::{Batch, Schedule, TrainingStep};
use serde::Serialize;

use crate::Memory;

/// What every program that times training steps is told.
#[derive(Debug, Args)]
pub struct StepArguments {
    /// Folder with a checkpoint, or with only a config.json for random weights
    #[arg(long)]
    pub model: PathBuf,

    /// JSON file of batches, as bench/batches.py writes them
    #[arg(long)]
    pub batches: PathBuf,

    /// Steps that are taken first, on the first batches, and not timed
    #[arg(long, default_value_t = 2)]
    warmup: usize,

    /// Learning rate, the same in every step
    #[arg(long, default_value_t = 5e-5)]
    learning_rate: f64,

    /// Worker threads [default: as many as the machine lends this process]
    #[arg(long)]
    pub threads: Option<NonZeroUsize>,
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

/// What new weights and dropout follow from.
pub const SEED: u64 = 1;

/// Takes a step for each batch, and prints how long they took as one line of JSON. `memory` was
/// read before the model was loaded.
///
/// # Errors
/// If a batch does not fit the model, or a loss is not finite.
pub fn time_steps<T: Task>(
    arguments: &StepArguments,
    task: T,
    model: T::Model,
    batches: &[Batch<T::Target>],
    memory: Memory,
) -> Result<()> {
    let mut training = TrainingStep::new(
        task,
        model,
        &OptimizerConfig::default(),
        arguments.learning_rate,
        Schedule::constant(),
        SEED,
    );
    let mut losses = Vec::new();
    for batch in batches.iter().take(arguments.warmup) {
        losses.push(training.step(std::slice::from_ref(batch))?.loss);
    }
    let mut seconds = Vec::new();
    for batch in batches {
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
