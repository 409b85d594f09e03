//! Matrix products of a linear layer, alone and timed one by one: what a training step could reach
//! at most. The peer of `bench/peers/torch_matmul.py`.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Instant;

use anyhow::{Context, Error, Result};
use burn::tensor::{Device, Distribution, Tensor};
use clap::Parser;
use cloze_kernels::matmul::{Matrix, Output, Start, multiply};
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
    kernel: Kernel,
    /// Of each timed product.
    seconds: Vec<f64>,
}

/// Who multiplies.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kernel {
    /// The `gemm` crate, to which the tensor library hands two matrices where they lie.
    Gemm,
    /// `cloze_kernels::matmul`, packing included.
    Cloze,
}

const KERNELS: [Kernel; 2] = [Kernel::Gemm, Kernel::Cloze];

/// The operands of a linear layer.
struct Linear {
    /// `[tokens, in]`.
    input: Operand,
    /// `[out, in]`, as in checkpoints.
    weight: Operand,
    /// Of the output, `[tokens, out]`.
    gradient: Operand,
    /// Room for the largest product.
    output: Vec<f32>,
}

/// The same elements for either kernel.
struct Operand {
    tensor: Tensor<2>,
    elements: Vec<f32>,
}

impl Operand {
    fn random(shape: [usize; 2]) -> Result<Self> {
        let tensor = Tensor::random(shape, Distribution::Default, &Device::flex());
        Ok(Self {
            elements: tensor.to_data().try_to_vec()?,
            tensor,
        })
    }

    fn matrix(&self) -> Matrix<'_> {
        let [rows, columns] = self.tensor.dims();
        Matrix::new(&self.elements, rows, columns)
    }
}

impl Linear {
    fn new(LinearShape([tokens, width, out]): LinearShape) -> Result<Self> {
        Ok(Self {
            input: Operand::random([tokens, width])?,
            weight: Operand::random([out, width])?,
            gradient: Operand::random([tokens, out])?,
            output: vec![
                0.0;
                [tokens * out, tokens * width, out * width]
                    .into_iter()
                    .fold(0, usize::max)
            ],
        })
    }

    /// Seconds that a product takes.
    fn time(&mut self, pass: Pass, kernel: Kernel) -> f64 {
        let Self {
            input,
            weight,
            gradient,
            output,
        } = self;
        let start = Instant::now();
        match kernel {
            Kernel::Gemm => {
                let [input, weight, gradient] =
                    [input, weight, gradient].map(|operand| operand.tensor.clone());
                drop(match pass {
                    Pass::Forward => input.matmul(weight.transpose()),
                    Pass::InputGradient => gradient.matmul(weight),
                    Pass::WeightGradient => gradient.transpose().matmul(input),
                });
            }
            Kernel::Cloze => {
                let [input, weight, gradient] = [input, weight, gradient].map(|o| o.matrix());
                let (left, right) = match pass {
                    Pass::Forward => (input, weight.transpose()),
                    Pass::InputGradient => (gradient, weight),
                    Pass::WeightGradient => (gradient.transpose(), input),
                };
                let stride = right.columns();
                let output = Output {
                    data: output,
                    stride,
                };
                multiply(left, right, Start::Zero, output);
            }
        }
        start.elapsed().as_secs_f64()
    }
}

fn main() -> Result<()> {
    allocator::keep_freed_pages();
    let arguments = Arguments::parse();
    cloze_platform::threads::start(arguments.threads)?;
    let layers = arguments.layers.iter().copied().map(Linear::new);
    let mut layers: Vec<Linear> = layers.collect::<Result<_>>()?;
    let mut products: Vec<Product> = Vec::new();
    for &layer in &arguments.layers {
        for pass in PASSES {
            products.extend(KERNELS.map(|kernel| Product {
                layer,
                pass,
                kernel,
                seconds: Vec::new(),
            }));
        }
    }
    for repeat in 0..arguments.warmup + arguments.repeats {
        let timed = repeat >= arguments.warmup;
        let of_a_layer = products.chunks_mut(PASSES.len() * KERNELS.len());
        for (layer, products) in layers.iter_mut().zip(of_a_layer) {
            for product in products {
                let seconds = layer.time(product.pass, product.kernel);
                if timed {
                    product.seconds.push(seconds);
                }
            }
        }
    }
    println!("{}", serde_json::to_string(&products)?);
    Ok(())
}
