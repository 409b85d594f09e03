//! The way from a text file to masked batches, a part at a time: how many tokens a second, and how
//! much memory; then training steps on the last batches of the epoch, to compare with what training
//! reads. Started by `bench/data_pipeline.py`.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use burn::tensor::Device;
use clap::Parser;
use cloze_bench::{Memory, SEED};
use cloze_data::corpus::{Blocks, BuildOptions, Layout, WordRule, build_corpus};
use cloze_data::masking::{MaskVocabulary, Masking};
use cloze_data::readers::stream::{CorpusTexts, Source};
use cloze_data::sampling::{BatchSize, EpochPlan, SamplingOptions};
use cloze_data::splits::PerPart;
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::{Checkpoint, load_masked_language_model};
use cloze_platform::allocator::{self, Allocator};
use cloze_tasks::masked_lm::{MaskedExamples, Sequences};
use cloze_tasks::{ExampleSource, MaskedLm, MaskedTarget, TaskError, pack};
use cloze_train::config::OptimizerConfig;
use cloze_train::{Batch, Schedule, TrainingStep};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Measure the data pipeline of masked-language training over a text file, and print a line of JSON
/// for each part of it
#[derive(Debug, Parser)]
struct Arguments {
    /// Plain text, one text a line
    #[arg(long)]
    corpus: PathBuf,

    /// Folder with a checkpoint and its tokenizer
    #[arg(long)]
    model: PathBuf,

    /// The token file to write
    #[arg(long)]
    tokens: PathBuf,

    /// Tokens of an example
    #[arg(long, default_value = "128")]
    chunk_size: NonZeroUsize,

    /// Examples of a batch
    #[arg(long, default_value_t = 32)]
    batch_size: usize,

    /// Training steps on the last batches of the epoch
    #[arg(long, default_value_t = 200)]
    steps: usize,

    /// Worker threads [default: as many as the machine lends this process]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

fn main() -> Result<()> {
    allocator::keep_freed_pages();
    let arguments = Arguments::parse();
    cloze_platform::threads::start(arguments.threads)?;
    let tokenizer = Tokenizer::from_folder(&arguments.model)?;
    let memory = Memory::before_loading()?;
    let blocks = build(&arguments, &tokenizer, memory)?;
    let pipeline = Pipeline {
        examples: MaskedExamples::new(
            Sequences::Blocks(blocks),
            Masking::default(),
            MaskVocabulary::of(&tokenizer),
            SEED,
        ),
        batch_size: arguments.batch_size,
    };
    let batches = pipeline.read_all(memory)?;
    pipeline.train(&arguments, batches, memory)
}

/// Text to tokens.
fn build(arguments: &Arguments, tokenizer: &Tokenizer, memory: Memory) -> Result<Blocks> {
    let source = Source::File(arguments.corpus.clone());
    let texts = CorpusTexts::open(&source, None, None, Default::default())?;
    let options = BuildOptions {
        layout: Layout::Whole,
        words: WordRule::Jieba,
        split: None,
        limits: PerPart::default(),
    };
    let paths = PerPart {
        train: Some(arguments.tokens.clone()),
        ..PerPart::default()
    };
    let start = Instant::now();
    let built = build_corpus(texts, tokenizer, &options, &paths, |_| {
        ControlFlow::Continue(())
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let train = built.train.context("the corpus has one part")?;
    let bytes = bytes_of(&arguments.corpus)?;
    let more = json!({ "bytes": bytes, "texts": train.counts.sequences });
    report("build", train.counts.tokens, seconds, memory, &more)?;
    Ok(Blocks::new(train.file, arguments.chunk_size)?)
}

fn bytes_of(file: &Path) -> Result<u64> {
    let about = file.metadata().with_context(|| file.display().to_string());
    Ok(about?.len())
}

fn report(part: &str, tokens: u64, seconds: f64, memory: Memory, more: &Value) -> Result<()> {
    let rate = tokens as f64 / seconds;
    let memory = memory.with_peak()?;
    let line = json!({
        "part": part,
        "tokens": tokens,
        "seconds": seconds,
        "tokens_per_second": rate,
        "memory": memory,
        "more": more,
    });
    println!("{line}");
    Ok(())
}

/// Tokens to masked batches.
struct Pipeline {
    examples: MaskedExamples,
    batch_size: usize,
}

impl Pipeline {
    /// The batches of the first epoch, as training has them: in random order.
    fn plan(&self) -> EpochPlan<impl FnMut(usize) -> Result<usize, TaskError> + '_> {
        let options = SamplingOptions {
            batch: BatchSize::Sequences(self.batch_size),
            length_pool: 50,
            shuffle: true,
        };
        let length = |example| self.examples.tokens(example, 0);
        EpochPlan::new(self.examples.len(), options, SEED, 0, length)
    }

    fn batch(&self, rows: &[usize]) -> Result<Batch<MaskedTarget>> {
        let examples = rows.iter().map(|&row| self.examples.example(row, 0));
        let examples = examples.collect::<Result<Vec<_>, _>>()?;
        Ok(Batch {
            packed: pack(examples.iter().map(AsRef::as_ref))?,
            targets: examples
                .iter()
                .map(|example| example.target.clone())
                .collect(),
        })
    }

    /// Every batch of the epoch, on one thread; returns how many there are.
    fn read_all(&self, memory: Memory) -> Result<usize> {
        let (mut batches, mut tokens, mut masked) = (0, 0, 0);
        let start = Instant::now();
        for rows in self.plan() {
            let batch = self.batch(&rows?)?;
            batches += 1;
            tokens += batch.packed.tokens() as u64;
            masked += batch
                .targets
                .iter()
                .map(|target| target.masked.len())
                .sum::<usize>();
        }
        let seconds = start.elapsed().as_secs_f64();
        let more = json!({ "batches": batches, "masked": masked });
        report("read and mask", tokens, seconds, memory, &more)?;
        Ok(batches)
    }

    /// Training steps on the last batches of the epoch.
    fn train(&self, arguments: &Arguments, batches: usize, memory: Memory) -> Result<()> {
        let checkpoint = Checkpoint::open(&arguments.model)?;
        let device = Device::flex().autodiff();
        let (model, _) = load_masked_language_model(&checkpoint, false, SEED, &device)?;
        let mut training = TrainingStep::new(
            MaskedLm::new(arguments.chunk_size.get()),
            model,
            &OptimizerConfig::default(),
            1e-4,
            Schedule::constant(),
            SEED,
        );
        let mut plan = self.plan();
        plan.skip_batches(batches.saturating_sub(arguments.steps))?;
        let (mut tokens, mut losses) = (0, Vec::new());
        let start = Instant::now();
        for rows in plan {
            let batch = self.batch(&rows?)?;
            let step = training.step(&[batch])?;
            tokens += step.tokens as u64;
            losses.push(step.loss);
        }
        let seconds = start.elapsed().as_secs_f64();
        let more = json!({ "steps": losses.len(), "first_loss": losses.first(), "last_loss": losses.last() });
        report("train", tokens, seconds, memory, &more)
    }
}
