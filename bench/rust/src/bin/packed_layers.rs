//! Forward passes of encoder layers with packed weights, BERT-base size, without anything around
//! them: what one short text costs in the kernels.

use std::num::NonZeroUsize;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use cloze_kernels::activation::Activation;
use cloze_kernels::encoder_layer::{LayerSettings, LayerWeights, Linear, PackedLayer};
use cloze_kernels::layer_norm::LayerNorm;
use cloze_kernels::philox::fill_normal;
use serde_json::json;

const HIDDEN: usize = 768;
const INTERMEDIATE: usize = 3072;
const HEADS: usize = 12;
const LAYERS: u64 = 12;

/// Time passes through the layers, and print one line of JSON
#[derive(Debug, Parser)]
struct Arguments {
    /// Tokens of the text
    #[arg(long, default_value_t = 16)]
    tokens: usize,

    /// Passes
    #[arg(long, default_value = "200")]
    passes: NonZeroUsize,

    /// Hand every product over to the pool, instead of the whole pass
    #[arg(long)]
    from_outside: bool,

    /// Worker threads [default: as many as the machine lends this process]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    cloze_platform::threads::start(arguments.threads)?;
    let layers: Vec<PackedLayer> = (0..LAYERS).map(layer).collect();
    let offsets = [0, arguments.tokens];
    let settings = LayerSettings {
        offsets: &offsets,
        hidden: HIDDEN,
        intermediate: INTERMEDIATE,
        heads: HEADS,
        activation: Activation::Gelu,
        attention_dropout: None,
        attention_output_dropout: None,
        output_dropout: None,
    };
    let mut states = random(arguments.tokens * HIDDEN, u64::MAX);
    let mut pass = || {
        for layer in &layers {
            layer.forward(&settings, &mut states, None);
        }
    };
    let mut seconds = Vec::new();
    for _ in 0..arguments.passes.get() {
        let start = Instant::now();
        if arguments.from_outside {
            pass();
        } else {
            cloze_platform::threads::run(&mut pass);
        }
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let median = seconds[seconds.len() / 2];
    println!("{}", json!({ "median": median, "fastest": seconds[0] }));
    Ok(())
}

/// A layer with random weights.
fn layer(index: u64) -> PackedLayer {
    let tensor = |place: u64, length: usize| random(length, index * 16 + place);
    let (square, wide) = (HIDDEN * HIDDEN, HIDDEN * INTERMEDIATE);
    let lengths = [square, square, square, square, wide, wide];
    let weights: Vec<Vec<f32>> = (0..)
        .zip(lengths)
        .map(|(at, length)| tensor(at, length))
        .collect();
    let vector = tensor(6, INTERMEDIATE);
    let linear = |at: usize, outputs: usize| Linear {
        weight: &weights[at],
        bias: &vector[..outputs],
    };
    let norm = LayerNorm {
        weight: &vector[..HIDDEN],
        bias: &vector[..HIDDEN],
        epsilon: 1e-12,
    };
    let weights = LayerWeights {
        query: linear(0, HIDDEN),
        key: linear(1, HIDDEN),
        value: linear(2, HIDDEN),
        attention_output: linear(3, HIDDEN),
        attention_norm: norm,
        intermediate: linear(4, INTERMEDIATE),
        output: linear(5, HIDDEN),
        output_norm: norm,
    };
    PackedLayer::new(&weights, HIDDEN, INTERMEDIATE)
}

fn random(length: usize, stream: u64) -> Vec<f32> {
    let mut values = vec![0.0; length];
    fill_normal(&mut values, 1, stream, 0.02);
    values
}
