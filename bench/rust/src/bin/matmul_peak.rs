//! Matrix products of a linear layer, alone and timed one by one: what a training step could reach
//! at most. The peer of `bench/peers/torch_matmul.py`.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Instant;

use anyhow::{Context, Error, Result};
use burn::tensor::{Device, Distribution, Tensor};
use clap::Parser;
use cloze_platform::allocator::{self, Allocator};
use serde::Serialize;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Time the matrix products of linear layers, and print one line of JSON
#[derive(Debug, Parser)]
struct Arguments {
    /// A linear layer: tokens, width of its input and of its output, as in 2048x768x3072
    #[arg(long = "layer", required = true)]
    layers: Vec<LinearShape>,

    /// Times that all products are computed first, and not timed
    #[arg(long, default_value_t = 2)]
    warmup: usize,

    /// Times that all products are computed and timed
    #[arg(long, default_value_t = 15)]
    repeats: usize,

    /// Worker threads [default: as many as the machine lends this process]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// Tokens, width of the input and of the output of a linear layer.
#[derive(Clone, Copy, Debug, Serialize)]
struct LinearShape([usize; 3]);

impl FromStr for LinearShape {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let sizes: Result<Vec<usize>, _> = text.split('x').map(str::parse).collect();
        let sizes = sizes.with_context(|| format!("wanted three sizes, found {text}"))?;
        let sizes = <[usize; 3]>::try_from(sizes);
        sizes
            .map(Self)
            .map_err(|sizes| anyhow::anyhow!("wanted three sizes, found {}", sizes.len()))
    }
}

/// One of the three products that training a linear layer takes.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Pass {
    /// `input · weightᵀ`
    Forward,
    /// `gradient · weight`
    InputGradient,
    /// `gradientᵀ · input`
    WeightGradient,
}

const PASSES: [Pass; 3] = [Pass::Forward, Pass::InputGradient, Pass::WeightGradient];

/// What is printed: a list of these.
#[derive(Debug, Serialize)]
struct Product {
    layer: LinearShape,
    pass: Pass,
    /// Of each timed product.
    seconds: Vec<f64>,
}

/// The operands of a linear layer.
struct Linear {
    /// `[tokens, in]`.
    input: Tensor<2>,
    /// `[out, in]`, as in checkpoints.
    weight: Tensor<2>,
    /// Of the output, `[tokens, out]`.
    gradient: Tensor<2>,
}

impl Linear {
    fn new(LinearShape([tokens, width, out]): LinearShape) -> Self {
        let random =
            |shape: [usize; 2]| Tensor::random(shape, Distribution::Default, &Device::flex());
        Self {
            input: random([tokens, width]),
            weight: random([out, width]),
            gradient: random([tokens, out]),
        }
    }

    /// A product as the `gemm` crate computes it: the tensor library hands two matrices to it
    /// where they lie, transposed or not.
    fn product(&self, pass: Pass) -> Tensor<2> {
        let [input, weight, gradient] =
            [&self.input, &self.weight, &self.gradient].map(Tensor::clone);
        match pass {
            Pass::Forward => input.matmul(weight.transpose()),
            Pass::InputGradient => gradient.matmul(weight),
            Pass::WeightGradient => gradient.transpose().matmul(input),
        }
    }
}

fn main() -> Result<()> {
    allocator::keep_freed_pages();
    let arguments = Arguments::parse();
    cloze_platform::threads::start(arguments.threads)?;
    let layers: Vec<Linear> = arguments.layers.iter().copied().map(Linear::new).collect();
    let mut products: Vec<Product> = Vec::new();
    for &layer in &arguments.layers {
        products.extend(PASSES.map(|pass| Product {
            layer,
            pass,
            seconds: Vec::new(),
        }));
    }
    for repeat in 0..arguments.warmup + arguments.repeats {
        let timed = repeat >= arguments.warmup;
        for (layer, products) in layers.iter().zip(products.chunks_mut(PASSES.len())) {
            for product in products {
                let start = Instant::now();
                let result = layer.product(product.pass);
                let elapsed = start.elapsed().as_secs_f64();
                drop(result);
                if timed {
                    product.seconds.push(elapsed);
                }
            }
        }
    }
    println!("{}", serde_json::to_string(&products)?);
    Ok(())
}
