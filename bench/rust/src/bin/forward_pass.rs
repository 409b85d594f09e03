//! Forward passes of a classifier, timed one by one: the peer of `bench/peers/onnx_forward.py` and
//! `bench/peers/torch_forward.py`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use burn::tensor::Device;
use clap::Parser;
use cloze_bench::{Memory, StoredBatch, read_batches};
use cloze_core::PackedBatch;
use cloze_model::checkpoint::{Checkpoint, ClassifierOptions, load_classifier};
use cloze_model::{ForwardOptions, SequenceClassifier};
use cloze_platform::allocator::{self, Allocator};
use serde::Serialize;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Time forward passes on given batches, and print one line of JSON
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder with a classifier
    #[arg(long)]
    model: PathBuf,

    /// JSON file of batches, as bench/batches.py writes them
    #[arg(long)]
    batches: PathBuf,

    /// Times that all batches are computed first, and not timed
    #[arg(long, default_value_t = 1)]
    warmup: usize,

    /// Times that all batches are computed and timed
    #[arg(long, default_value_t = 1)]
    passes: usize,

    /// Worker threads [default: as many as the machine lends this process]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    /// Of each timed batch.
    seconds: Vec<f64>,
    /// `[text][label]`, of all batches in their order.
    logits: Vec<Vec<f32>>,
    memory: Memory,
}

fn main() -> Result<()> {
    allocator::keep_freed_pages();
    let arguments = Arguments::parse();
    cloze_platform::threads::start(arguments.threads)?;
    let stored: Vec<StoredBatch> = read_batches(&arguments.batches)?;
    let batches = stored.iter().map(StoredBatch::packed);
    let batches: Vec<PackedBatch> = batches.collect::<Result<_>>()?;
    let memory = Memory::before_loading()?;
    let checkpoint = Checkpoint::open(&arguments.model)?;
    let options = ClassifierOptions::default();
    let (mut model, _) = load_classifier(&checkpoint, &options, &Device::flex())?;
    model.encoder.pack_weights();
    for _ in 0..arguments.warmup {
        for batch in &batches {
            logits(&model, batch)?;
        }
    }
    let mut seconds = Vec::new();
    let mut last = Vec::new();
    for _ in 0..arguments.passes {
        last.clear();
        for batch in &batches {
            let start = Instant::now();
            let found = logits(&model, batch)?;
            seconds.push(start.elapsed().as_secs_f64());
            last.extend(found.chunks(model.head.labels()).map(<[f32]>::to_vec));
        }
    }
    let report = Report {
        seconds,
        logits: last,
        memory: memory.with_peak()?,
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

/// `[batch, labels]`, row by row.
fn logits(model: &SequenceClassifier, batch: &PackedBatch) -> Result<Vec<f32>> {
    let output = model.forward(batch, &ForwardOptions::default())?;
    Ok(output.logits.into_data().iter::<f32>().collect())
}
