//! Training steps of a token classifier, timed one by one: the peer of
//! `bench/peers/transformers_token_steps.py`.

use std::path::Path;

use anyhow::Result;
use burn::tensor::Device;
use clap::Parser;
use cloze_bench::{Memory, SEED, StepArguments, TaggedBatch, packed, read_batches, time_steps};
use cloze_core::LabelSet;
use cloze_model::TokenClassifier;
use cloze_model::checkpoint::{Checkpoint, TokenClassifierOptions, load_token_classifier};
use cloze_platform::allocator::{self, Allocator};
use cloze_tasks::token_classification::TaggedToken;
use cloze_tasks::{TagTarget, TokenClassification};
use cloze_train::Batch;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Time token-classification training steps on given batches, and print one line of JSON
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    steps: StepArguments,
}

fn main() -> Result<()> {
    allocator::keep_freed_pages();
    let Arguments { steps } = Arguments::parse();
    cloze_platform::threads::start(steps.threads)?;
    let batches: Vec<TaggedBatch> = read_batches(&steps.batches)?;
    let batches = batches.iter().map(batch).collect::<Result<Vec<_>>>()?;
    let memory = Memory::before_loading()?;
    let (model, labels) = load(&steps.model)?;
    let max_length = model.encoder.config().max_position_embeddings;
    time_steps(
        &steps,
        TokenClassification::new(labels, max_length),
        model,
        &batches,
        memory,
    )
}

fn batch(stored: &TaggedBatch) -> Result<Batch<TagTarget>> {
    let rows = stored.labels.iter().enumerate();
    let target = |(sentence, labels): (usize, &Vec<i64>)| {
        let tokens = labels.iter().enumerate().filter_map(|(position, &label)| {
            let label = usize::try_from(label).ok()?;
            Some(TaggedToken {
                position,
                label,
                word: Some(position as u32),
            })
        });
        TagTarget {
            sentence,
            length: labels.len(),
            words: labels.iter().filter(|label| **label >= 0).count(),
            tokens: tokens.collect(),
        }
    };
    Ok(Batch {
        packed: packed(&stored.input_ids)?,
        targets: rows.map(target).collect(),
    })
}

/// The checkpoint with its head, and its labels.
fn load(folder: &Path) -> Result<(TokenClassifier, LabelSet)> {
    let checkpoint = Checkpoint::open(folder)?;
    let labels = checkpoint.labels_or_numbered(checkpoint.num_labels()?)?;
    let options = TokenClassifierOptions {
        seed: SEED,
        ..TokenClassifierOptions::default()
    };
    let device = Device::flex().autodiff();
    Ok((
        load_token_classifier(&checkpoint, &options, &device)?.0,
        labels,
    ))
}
