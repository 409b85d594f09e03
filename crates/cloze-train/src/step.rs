//! One optimizer step, apart from the loop around it.

use burn::module::Module;
use burn::tensor::Tensor;
use cloze_core::PackedBatch;
use cloze_model::{DropoutKey, ForwardOptions, Precision};
use cloze_tasks::metrics::Metrics;
use cloze_tasks::{Input, Task, TaskError};
use thiserror::Error;

use crate::config::OptimizerConfig;
use crate::ema::Ema;
use crate::optimizer::{NamedGradients, Optimizer, Scales};
use crate::schedule::Schedule;

/// A batch with what the model should say about it.
#[derive(Clone, Debug)]
pub struct Batch<T> {
    /// The sequences.
    pub packed: PackedBatch,
    /// One a sequence.
    pub targets: Vec<T>,
}

/// What a model reads and, one a sequence, what it should say about it.
pub type InputBatch<'a, T> = (Input<'a, <T as Task>::Features>, &'a [<T as Task>::Target]);

/// What an optimizer step came to.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// Mean loss over the examples of all its batches.
    pub loss: f64,
    /// The losses that it is the sum of, by name, where a task adds several.
    pub parts: Metrics,
    /// What the losses' sum was divided by: the number of examples, or the sum of their weights.
    pub weight: f64,
    /// Norm of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// The encoder's learning rate.
    pub learning_rate: f64,
    /// Tokens read: none where kept features took their place.
    pub tokens: usize,
    /// Sequences read.
    pub sequences: usize,
}

/// Why a step was not taken. The model is then as it was before.
#[derive(Debug, Error)]
pub enum StepError {
    /// The loss or a gradient is infinite or no number.
    #[error("the {what} is {value}")]
    NotFinite {
        /// `loss` or `gradient norm`.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The learning rate of the step.
        learning_rate: f64,
        /// Which of the step's batches it was; the last one for a gradient norm.
        batch: usize,
    },
    /// A batch does not fit the model.
    #[error(transparent)]
    Task(#[from] TaskError),
}

/// A model in training: the loss of batches, backwards, and an optimizer step.
///
/// Dropout follows from the seed and the number of batches seen, so a step depends on nothing but
/// this object's state.
#[derive(Debug)]
pub struct TrainingStep<T: Task> {
    task: T,
    /// Taken out only while the optimizer maps it.
    model: Option<T::Model>,
    optimizer: Optimizer,
    ema: Option<Ema>,
    schedule: Schedule,
    learning_rate: f64,
    seed: u64,
    dropout: bool,
    gradient_checkpointing: bool,
    precision: Precision,
    batches: u64,
}

impl<T: Task> TrainingStep<T> {
    /// Training of `model`, whose device has autodiff, from its first step.
    pub fn new(
        task: T,
        model: T::Model,
        optimizer: &OptimizerConfig,
        learning_rate: f64,
        schedule: Schedule,
        seed: u64,
    ) -> Self {
        Self {
            task,
            optimizer: Optimizer::new(optimizer, learning_rate, &model),
            ema: None,
            model: Some(model),
            schedule,
            learning_rate,
            seed,
            dropout: true,
            gradient_checkpointing: false,
            precision: Precision::F32,
            batches: 0,
        }
    }

    /// Whether anything is dropped out; what a model's configuration says otherwise is.
    #[must_use]
    pub fn with_dropout(self, dropout: bool) -> Self {
        Self { dropout, ..self }
    }

    /// Whether layers are computed again on the way back instead of being kept.
    #[must_use]
    pub fn with_gradient_checkpointing(self, gradient_checkpointing: bool) -> Self {
        Self {
            gradient_checkpointing,
            ..self
        }
    }

    /// What the matrix products of encoder layers are computed in.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Averages the weights over the steps.
    #[must_use]
    pub(crate) fn with_ema(self, ema: Option<Ema>) -> Self {
        Self { ema, ..self }
    }

    /// The task.
    pub fn task(&self) -> &T {
        &self.task
    }

    /// The model.
    pub fn model(&self) -> &T::Model {
        // `step` puts it back before it returns, and nothing in between panics but a broken kernel.
        self.model
            .as_ref()
            .expect("the model is in its place between steps")
    }

    /// The model without autodiff, for an evaluation, with averaged weights where there are any.
    /// Drop it before the next step, which copies all weights otherwise.
    pub fn evaluation_model(&self) -> T::Model {
        let mut model = self.averaged_model();
        self.task.pack_weights(&mut model);
        model
    }

    /// The model without autodiff, as it is evaluated and kept: with averaged weights where there
    /// are any.
    pub(crate) fn averaged_model(&self) -> T::Model {
        let model = self.model().valid();
        match &self.ema {
            Some(ema) => ema.apply(model),
            None => model,
        }
    }

    /// The averaged weights, where weights are averaged.
    pub(crate) fn ema(&self) -> Option<&Ema> {
        self.ema.as_ref()
    }

    /// The model, and the state that a checkpoint brings back.
    pub(crate) fn state_mut(&mut self) -> (&T::Model, &mut Optimizer, Option<&mut Ema>) {
        let model = self
            .model
            .as_ref()
            // As `model` says.
            .expect("the model is in its place between steps");
        (model, &mut self.optimizer, self.ema.as_mut())
    }

    /// The optimizer with its state.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// Batches seen so far, which decide the next dropout.
    pub fn batches(&self) -> u64 {
        self.batches
    }

    pub(crate) fn set_batches(&mut self, batches: u64) {
        self.batches = batches;
    }

    /// The encoder's learning rate in the next step.
    pub fn learning_rate(&self) -> f64 {
        self.learning_rate * self.schedule.factor(self.optimizer.steps())
    }

    /// Takes a step with the mean loss over the examples of all `batches`, however they are
    /// divided into batches.
    ///
    /// # Errors
    /// If a loss or the gradient norm is not finite, or a batch does not fit the model. The
    /// weights and the optimizer are then untouched.
    pub fn step(&mut self, batches: &[Batch<T::Target>]) -> Result<StepReport, StepError> {
        let inputs = batches
            .iter()
            .map(|batch| (Input::Tokens(&batch.packed), batch.targets.as_slice()));
        self.step_on(&inputs.collect::<Vec<_>>())
    }

    /// As [`step`](Self::step), with batches of tokens or of kept features, each with its
    /// targets.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn step_on(&mut self, batches: &[InputBatch<'_, T>]) -> Result<StepReport, StepError> {
        let learning_rate = self.learning_rate();
        let weight: f64 = batches
            .iter()
            .map(|(_, targets)| self.task.weight(targets))
            .sum();
        let mut gradients = NamedGradients::default();
        let mut loss = 0.0;
        let mut parts = Metrics::new();
        for (index, batch) in batches.iter().enumerate() {
            let not_finite = |what, value| StepError::NotFinite {
                what,
                value,
                learning_rate,
                batch: index,
            };
            let share = self.backward(batch, index as u64, weight, &mut gradients)?;
            if !share.loss.is_finite() {
                return Err(not_finite("loss", share.loss));
            }
            loss += share.loss;
            for (name, value) in share.parts {
                parts.set(name, parts.get(name).unwrap_or_default() + value);
            }
        }
        let loss_scale = loss_scale(self.precision);
        let gradient_norm = gradients.norm() / loss_scale;
        if !gradient_norm.is_finite() {
            return Err(StepError::NotFinite {
                what: "gradient norm",
                value: gradient_norm,
                learning_rate,
                batch: batches.len().saturating_sub(1),
            });
        }
        let factor = self.schedule.factor(self.optimizer.steps());
        if let Some(model) = self.model.take() {
            let scales = Scales {
                norm: gradient_norm,
                factor,
                loss: loss_scale,
            };
            let model = self.optimizer.step(model, gradients, &scales);
            if let Some(ema) = &mut self.ema {
                ema.update(&model, self.optimizer.steps());
            }
            self.model = Some(model);
        }
        self.batches += batches.len() as u64;
        Ok(StepReport {
            loss,
            parts,
            weight,
            gradient_norm,
            learning_rate,
            tokens: batches.iter().map(|(input, _)| tokens(input)).sum(),
            sequences: batches.iter().map(|(_, targets)| targets.len()).sum(),
        })
    }

    /// A batch's share of the step's mean loss; its gradients are added to `gradients`.
    fn backward(
        &self,
        (input, targets): &InputBatch<'_, T>,
        index: u64,
        total_weight: f64,
        gradients: &mut NamedGradients,
    ) -> Result<LossShare, TaskError> {
        let options = ForwardOptions {
            dropout: self.dropout.then_some(DropoutKey {
                seed: self.seed,
                step: self.batches + index,
            }),
            gradient_checkpointing: self.gradient_checkpointing,
            precision: self.precision,
            ..ForwardOptions::default()
        };
        let objective = self.task.loss(self.model(), input, targets, &options)?;
        let share = objective.weight / total_weight;
        let number = |loss: Tensor<1>| f64::from(loss.into_scalar::<f32>());
        let loss = number(objective.loss.clone());
        let parts = objective.parts.into_iter();
        let parts = parts.map(|(name, loss)| (name, number(loss) * share));
        let parts = parts.collect();
        if loss.is_finite() {
            // The share of a lone batch is 1: nothing to multiply, nothing to round.
            let scale = share * loss_scale(self.precision);
            let scaled = if scale == 1.0 {
                objective.loss
            } else {
                objective.loss * scale
            };
            gradients.add(self.model(), scaled.backward());
        }
        Ok(LossShare {
            loss: loss * share,
            parts,
        })
    }
}

/// What a loss is multiplied with before it is back-propagated, so that small gradients are not
/// lost; the optimizer divides by it again.
fn loss_scale(precision: Precision) -> f64 {
    match precision {
        // Of the range of 16 bits with few digits nothing is lost.
        Precision::F32 | Precision::Bf16 => 1.0,
        Precision::F16 => 1024.0,
    }
}

/// What a batch adds to the losses of a step.
struct LossShare {
    loss: f64,
    parts: Vec<(&'static str, f64)>,
}

fn tokens<F>(input: &Input<'_, F>) -> usize {
    match input {
        Input::Tokens(batch) => batch.tokens(),
        Input::Features(..) => 0,
    }
}
