//! AdamW steps over parameters of given shapes, timed one by one: the peer of
//! `bench/peers/torch_adamw.py`.

use std::fs::File;
use std::io::BufReader;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor, TensorData};
use clap::Parser;
use cloze_bench::Memory;
use cloze_model::bridge::{AdamW, WeightDecay, adamw_step};
use cloze_platform::allocator::{self, Allocator};
use cloze_train::decays;
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Time AdamW steps over parameters of given shapes, and print one line of JSON
#[derive(Debug, Parser)]
struct Arguments {
    /// JSON file: a list of {"name": …, "shape": […]}
    #[arg(long)]
    parameters: PathBuf,

    /// Steps that are taken first and not timed
    #[arg(long, default_value_t = 2)]
    warmup: u64,

    /// Steps that are timed
    #[arg(long, default_value_t = 5)]
    steps: u64,

    /// Worker threads [default: as many as the machine lends this process]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// A parameter that the file names.
#[derive(Debug, Deserialize)]
struct Stored {
    name: String,
    shape: Vec<usize>,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    /// Of each timed step.
    seconds: Vec<f64>,
    /// The first and the last element of each parameter after all steps.
    ends: Vec<[f32; 2]>,
    memory: Memory,
}

/// A parameter with what the optimizer keeps of it, flat as in the trainer.
struct Parameter {
    weight_decay: WeightDecay,
    gradient: Tensor<1>,
    /// Value, mean and square; taken out only while a step maps them.
    state: Option<[Tensor<1>; 3]>,
}

fn main() -> Result<()> {
    allocator::keep_freed_pages();
    let arguments = Arguments::parse();
    cloze_platform::threads::start(arguments.threads)?;
    let stored = read(&arguments.parameters)?;
    let memory = Memory::before_loading()?;
    let mut parameters: Vec<Parameter> = stored.iter().map(Parameter::new).collect();
    let mut seconds = Vec::new();
    for step in 1..=arguments.warmup + arguments.steps {
        let start = Instant::now();
        for parameter in &mut parameters {
            parameter.step(step);
        }
        if step > arguments.warmup {
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    let report = Report {
        seconds,
        ends: parameters.iter().filter_map(Parameter::ends).collect(),
        memory: memory.with_peak()?,
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

fn read(file: &Path) -> Result<Vec<Stored>> {
    let name = || file.display().to_string();
    let reader = BufReader::new(File::open(file).with_context(name)?);
    serde_json::from_reader(reader).with_context(name)
}

impl Parameter {
    /// The numbers that `torch_adamw.py` starts with as well.
    fn new(stored: &Stored) -> Self {
        let elements = stored.shape.iter().product();
        let zeros = || Tensor::zeros([elements], &Device::flex());
        let decay = if decays(&stored.name) { 0.01 } else { 0.0 };
        Self {
            weight_decay: WeightDecay::Decoupled(decay),
            gradient: ramp(elements, 13, 997, 1e-3),
            state: Some([ramp(elements, 7, 1009, 0.02), zeros(), zeros()]),
        }
    }

    fn step(&mut self, step: u64) {
        let Some([value, mean, square]) = self.state.take() else {
            return;
        };
        let adamw = AdamW {
            learning_rate: 5e-5,
            weight_decay: self.weight_decay,
            step,
            ..AdamW::default()
        };
        let (value, mean, square) = adamw_step(&adamw, value, self.gradient.clone(), mean, square);
        self.state = Some([value, mean, square]);
    }

    fn ends(&self) -> Option<[f32; 2]> {
        let [value, ..] = self.state.as_ref()?;
        let data = value.to_data();
        let mut values = data.iter::<f32>();
        let first = values.next()?;
        Some([first, values.last().unwrap_or(first)])
    }
}

/// Numbers from `-scale` to `scale`: `scale · (2 (i · factor mod modulus) / modulus - 1)`.
fn ramp(elements: usize, factor: usize, modulus: usize, scale: f64) -> Tensor<1> {
    let value = |i: usize| scale * (2.0 * (i * factor % modulus) as f64 / modulus as f64 - 1.0);
    let values: Vec<f32> = (0..elements).map(|i| value(i) as f32).collect();
    Tensor::from_data(TensorData::new(values, [elements]), &Device::flex())
}
