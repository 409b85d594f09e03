//! A layer of an LSTM, forward and backward with all gradients, timed: the peer of
//! `bench/peers/torch_lstm.py`.

use std::num::NonZeroUsize;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use cloze_bench::Memory;
use cloze_kernels::lstm::{Lstm, LstmBackward, LstmGradients, LstmWeights};
use cloze_platform::allocator::{self, Allocator};
use serde::Serialize;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Time a layer of an LSTM, forward and backward, and print one line of JSON
#[derive(Debug, Parser)]
struct Arguments {
    /// Sequences, all of one length
    #[arg(long, default_value_t = 64)]
    sequences: usize,

    /// Rows of a sequence
    #[arg(long, default_value_t = 32)]
    length: usize,

    /// Elements of a row
    #[arg(long, default_value_t = 768)]
    inputs: usize,

    /// Elements of a hidden state
    #[arg(long, default_value_t = 512)]
    hidden: usize,

    /// Passes that are taken first and not timed
    #[arg(long, default_value_t = 2)]
    warmup: usize,

    /// Passes that are timed
    #[arg(long, default_value_t = 10)]
    repeats: usize,

    /// Worker threads [default: as many as the machine lends this process]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    /// Of each timed pass, forward and backward.
    seconds: Vec<f64>,
    /// Of these the forward pass.
    forward_seconds: Vec<f64>,
    /// The first and the last element of the output, and of the gradients of input, `weight_ih`,
    /// `weight_hh` and the bias.
    ends: Vec<[f32; 2]>,
    memory: Memory,
}

fn main() -> Result<()> {
    allocator::keep_freed_pages();
    let arguments = Arguments::parse();
    cloze_platform::threads::start(arguments.threads)?;
    let memory = Memory::before_loading()?;
    let Arguments {
        sequences,
        length,
        inputs,
        hidden,
        ..
    } = arguments;
    let (rows, gates) = (sequences * length, 4 * hidden);
    let offsets: Vec<usize> = (0..=sequences).map(|sequence| sequence * length).collect();
    let weights = [
        ramp(gates * inputs, 7, 1009, 0.05),
        ramp(gates * hidden, 11, 1013, 0.05),
        ramp(gates, 13, 997, 0.1),
        ramp(gates, 17, 991, 0.1),
    ];
    let input = ramp(rows * inputs, 19, 983, 1.0);
    let gradient = ramp(rows * hidden, 23, 977, 1.0);
    let [input_weight, recurrent, input_bias, recurrent_bias] = &weights;
    let lstm = Lstm {
        offsets: &offsets,
        inputs,
        hidden,
        weights: LstmWeights {
            input: input_weight,
            recurrent,
            input_bias,
            recurrent_bias,
        },
    };
    let mut output = vec![0.0; rows * hidden];
    let sizes = [input.len(), gates * inputs, gates * hidden, gates];
    let mut gradients = sizes.map(|size| vec![0.0; size]);
    let (mut seconds, mut forward_seconds) = (Vec::new(), Vec::new());
    for pass in 0..arguments.warmup + arguments.repeats {
        let start = Instant::now();
        let saved = lstm.forward(&input, &mut output);
        let forward = start.elapsed().as_secs_f64();
        let [of_input, of_input_weight, of_recurrent_weight, of_bias] = &mut gradients;
        let backward = LstmBackward {
            input: &input,
            output: &output,
            saved: &saved,
            gradient: &gradient,
        };
        lstm.backward(
            backward,
            LstmGradients {
                input: Some(of_input),
                input_weight: Some(of_input_weight),
                recurrent_weight: Some(of_recurrent_weight),
                bias: Some(of_bias),
            },
        );
        if pass >= arguments.warmup {
            seconds.push(start.elapsed().as_secs_f64());
            forward_seconds.push(forward);
        }
    }
    let all = std::iter::once(&output).chain(&gradients);
    let report = Report {
        seconds,
        forward_seconds,
        ends: all.filter_map(|values| ends(values)).collect(),
        memory: memory.with_peak()?,
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

fn ends(values: &[f32]) -> Option<[f32; 2]> {
    Some([*values.first()?, *values.last()?])
}

/// Numbers from `-scale` to `scale`: `scale · (2 (i · factor mod modulus) / modulus - 1)`.
fn ramp(elements: usize, factor: usize, modulus: usize, scale: f64) -> Vec<f32> {
    let value = |i: usize| scale * (2.0 * (i * factor % modulus) as f64 / modulus as f64 - 1.0);
    (0..elements).map(|i| value(i) as f32).collect()
}
