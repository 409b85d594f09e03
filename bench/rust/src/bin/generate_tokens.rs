//! Greedy generation with a masked language model and a window of fixed length: the peer of
//! `bench/peers/torch_generate.py`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use burn::tensor::Device;
use clap::Parser;
use cloze_bench::Memory;
use cloze_infer::MaskedLanguagePipeline;
use cloze_infer::generation::{
    GenerationSettings, MaskedNextToken, Prompt, TextGenerationPipeline,
};
use cloze_platform::allocator::{self, Allocator};
use serde::Serialize;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Time the generation of tokens behind a prompt, and print one line of JSON
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder with a masked language model and its tokenizer
    #[arg(long)]
    model: PathBuf,

    /// The prompt's token ids, with commas between them
    #[arg(long, value_delimiter = ',')]
    prompt: Vec<u32>,

    /// Tokens to write
    #[arg(long)]
    tokens: usize,

    /// Tokens that the model reads, special ones included
    #[arg(long)]
    window: usize,

    /// Worker threads [default: as many as the machine lends this process]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    /// For all tokens, without loading.
    seconds: f64,
    /// What was written.
    tokens: Vec<u32>,
    memory: Memory,
}

fn main() -> Result<()> {
    allocator::keep_freed_pages();
    let arguments = Arguments::parse();
    cloze_platform::threads::start(arguments.threads)?;
    let memory = Memory::before_loading()?;
    let model = MaskedLanguagePipeline::open(&arguments.model, &Device::flex())?;
    let tokenizer = model.tokenizer().clone();
    let model = MaskedNextToken::with_window(model, arguments.window);
    let pipeline = TextGenerationPipeline::new(Box::new(model), tokenizer);
    let settings = |tokens| GenerationSettings {
        do_sample: false,
        no_repeat_ngram_size: 3,
        max_new_tokens: tokens,
        ..GenerationSettings::default()
    };
    let prompt = Prompt {
        text: String::new(),
        ids: arguments.prompt,
    };
    let generate = |tokens| {
        pipeline.generate(std::slice::from_ref(&prompt), &settings(tokens), 0, |_| {
            std::ops::ControlFlow::Continue(())
        })
    };
    // The first tokens fill memory and caches.
    generate(3)?;
    let start = Instant::now();
    let texts = generate(arguments.tokens)?;
    let seconds = start.elapsed().as_secs_f64();
    let report = Report {
        seconds,
        tokens: texts[0].ids()[prompt.ids.len()..].to_vec(),
        memory: memory.with_peak()?,
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
