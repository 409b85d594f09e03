//! AdamW and Adam over named parameters, in groups.
//!
//! Biases and LayerNorm weights do not decay; head and layers may have learning rates of their own
//! ([`parameter_groups`](crate::parameter_groups)). Constants and formulas are PyTorch's. Gradients are clipped by the norm of all of them
//! together, as `torch.nn.utils.clip_grad_norm_` does.

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use cloze_model::bridge::{AdamW, WeightDecay, adamw_step, sum_of_squares};
use cloze_model::named::{ParameterMapper, ParameterVisitor, for_each_parameter, map_parameters};

use crate::config::{OptimizerConfig, OptimizerKind};
use crate::parameter_groups::{Rates, weight_decay};

/// `torch.nn.utils.clip_grad_norm_` adds this to the norm that it divides by.
const CLIP_EPSILON: f64 = 1e-6;

/// The running means of one parameter, each as long as the parameter has elements.
#[derive(Clone, Debug)]
struct Moments {
    mean: Tensor<1>,
    square: Tensor<1>,
}

/// The optimizer with its state.
#[derive(Debug)]
pub struct Optimizer {
    config: OptimizerConfig,
    rates: Rates,
    steps: u64,
    moments: BTreeMap<String, Moments>,
}

/// Gradients by parameter name, flat; those of several batches add up.
#[derive(Debug, Default)]
pub(crate) struct NamedGradients(BTreeMap<String, Tensor<1>>);

impl NamedGradients {
    /// Takes the gradients of a backward pass and adds them to those that are here.
    pub(crate) fn add<M: Module>(&mut self, model: &M, gradients: Gradients) {
        for_each_parameter(
            model,
            &mut Collect {
                sums: &mut self.0,
                gradients,
            },
        );
    }

    /// The norm of all gradients together.
    pub(crate) fn norm(&self) -> f64 {
        self.0.values().map(sum_of_squares).sum::<f64>().sqrt()
    }
}

struct Collect<'a> {
    sums: &'a mut BTreeMap<String, Tensor<1>>,
    gradients: Gradients,
}

impl ParameterVisitor for Collect<'_> {
    fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
        if !parameter.is_require_grad() {
            return;
        }
        // A parameter that the loss does not depend on has no gradient, and stays as it is.
        let Some(gradient) = parameter.val().grad_remove(&mut self.gradients) else {
            return;
        };
        let gradient = flat(gradient);
        let sum = match self.sums.remove(name) {
            Some(sum) => sum + gradient,
            None => gradient,
        };
        self.sums.insert(name.into(), sum);
    }
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let elements = tensor.shape().num_elements();
    tensor.reshape([elements])
}

/// What a step multiplies with, apart from the settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scales {
    /// The norm of all gradients together, those of the loss itself.
    pub(crate) norm: f64,
    /// The schedule's factor of every learning rate.
    pub(crate) factor: f64,
    /// What the loss was multiplied with before it was back-propagated.
    pub(crate) loss: f64,
}

impl Optimizer {
    /// An optimizer of `model` that has not taken a step.
    pub fn new<M: Module>(config: &OptimizerConfig, learning_rate: f64, model: &M) -> Self {
        Self {
            config: config.clone(),
            rates: Rates::new(config, learning_rate, model),
            steps: 0,
            moments: BTreeMap::new(),
        }
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Takes a step: the model with its new weights.
    ///
    /// Weights and state change in place as long as nothing else holds them, so outputs and
    /// clones of the model should be dropped before.
    pub(crate) fn step<M: Module>(
        &mut self,
        model: M,
        gradients: NamedGradients,
        scales: &Scales,
    ) -> M {
        self.steps += 1;
        let clip = self.config.clip;
        let scale = if clip > 0.0 {
            (clip / (scales.norm + CLIP_EPSILON)).min(1.0)
        } else {
            1.0
        };
        let mut update = Update {
            optimizer: self,
            gradients: gradients.0,
            factor: scales.factor,
            scale: scale / scales.loss,
        };
        map_parameters(model, &mut update)
    }

    fn constants(&self, name: &str, factor: f64, scale: f64) -> AdamW {
        let decay = weight_decay(&self.config, name);
        AdamW {
            learning_rate: self.rates.of(name) * factor,
            beta1: self.config.betas[0],
            beta2: self.config.betas[1],
            epsilon: self.config.eps,
            weight_decay: match self.config.kind {
                OptimizerKind::Adamw => WeightDecay::Decoupled(decay),
                OptimizerKind::Adam => WeightDecay::Coupled(decay),
            },
            step: self.steps,
            gradient_scale: scale,
        }
    }

    /// The state as named tensors, for a checkpoint: `exp_avg.NAME` and `exp_avg_sq.NAME`, the
    /// names that PyTorch's optimizers give the two means.
    pub(crate) fn tensors(&self) -> Vec<(String, TensorData)> {
        let mut tensors = Vec::with_capacity(2 * self.moments.len());
        for (name, moments) in &self.moments {
            tensors.push((format!("{MEAN}{name}"), moments.mean.to_data()));
            tensors.push((format!("{SQUARE}{name}"), moments.square.to_data()));
        }
        tensors
    }

    /// Puts back what [`tensors`](Self::tensors) gave after `steps` steps. Returns the name of a
    /// tensor that belongs to no parameter's state or lacks its counterpart, if there is one.
    pub(crate) fn restore(
        &mut self,
        steps: u64,
        tensors: Vec<(String, TensorData)>,
        device: &Device,
    ) -> Result<(), String> {
        let mut means = BTreeMap::new();
        let mut squares = BTreeMap::new();
        for (name, data) in tensors {
            let tensor = Tensor::<1>::from_data(data, device);
            if let Some(parameter) = name.strip_prefix(SQUARE) {
                squares.insert(parameter.to_owned(), tensor);
            } else if let Some(parameter) = name.strip_prefix(MEAN) {
                means.insert(parameter.to_owned(), tensor);
            } else {
                return Err(name);
            }
        }
        self.moments.clear();
        for (name, mean) in means {
            let Some(square) = squares.remove(&name) else {
                return Err(format!("{MEAN}{name}"));
            };
            self.moments.insert(name, Moments { mean, square });
        }
        self.steps = steps;
        match squares.pop_first() {
            Some((name, _)) => Err(format!("{SQUARE}{name}")),
            None => Ok(()),
        }
    }
}

const MEAN: &str = "exp_avg.";
const SQUARE: &str = "exp_avg_sq.";

struct Update<'a> {
    optimizer: &'a mut Optimizer,
    gradients: BTreeMap<String, Tensor<1>>,
    factor: f64,
    scale: f64,
}

impl ParameterMapper for Update<'_> {
    fn map<const D: usize>(&mut self, name: &str, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove(name) else {
            return parameter;
        };
        let constants = self.optimizer.constants(name, self.factor, self.scale);
        let (id, value, mapper) = parameter.consume();
        let shape = value.shape();
        let value = flat(value.inner());
        let Moments { mean, square } = self.optimizer.moments.remove(name).unwrap_or_else(|| {
            let zeros = || Tensor::zeros(value.shape(), &value.device());
            Moments {
                mean: zeros(),
                square: zeros(),
            }
        });
        let (value, mean, square) = adamw_step(&constants, value, gradient, mean, square);
        self.optimizer
            .moments
            .insert(name.into(), Moments { mean, square });
        let value = Tensor::from_inner(value.reshape(shape)).require_grad();
        Param::from_mapped_value(id, value, mapper)
    }
}

#[cfg(test)]
mod tests;
