//! An exponential moving average of the weights that train: it is evaluated and kept as the best
//! model in their place, since it jumps less from step to step and often generalises better.
//!
//! Polyak, Juditsky: *Acceleration of stochastic approximation by averaging*, SIAM Journal on
//! Control and Optimization, 1992. The decay of a young average rises as that of
//! `tf.train.ExponentialMovingAverage` with `num_updates`; without that ramp the average is
//! `torch.optim.swa_utils.AveragedModel` with `get_ema_multi_avg_fn`.

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use cloze_model::bridge::move_towards;
use cloze_model::named::{ParameterMapper, ParameterVisitor, for_each_parameter, map_parameters};

use crate::config::EmaConfig;

/// The average with its state. Weights that are frozen are not in it.
#[derive(Debug)]
pub(crate) struct Ema {
    decay: f64,
    ramp: bool,
    /// Optimizer steps before the average begins.
    start: u64,
    averages: BTreeMap<String, Tensor<1>>,
}

impl Ema {
    /// An average of a run with so many steps, of which `warmup` warm up, before its first one.
    pub(crate) fn new(config: &EmaConfig, total_steps: u64, warmup: u64) -> Self {
        let start = match config.start {
            None => warmup,
            Some(share) if share < 1.0 => (total_steps as f64 * share).ceil() as u64,
            Some(steps) => steps as u64,
        };
        Self {
            decay: config.decay,
            ramp: config.ramp,
            start,
            averages: BTreeMap::new(),
        }
    }

    /// The step behind which it begins.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Takes in the weights that `model` has after optimizer step `step`, counted from 1.
    pub(crate) fn update<M: Module>(&mut self, model: &M, step: u64) {
        if step <= self.start {
            return;
        }
        let share = 1.0 - self.decay_after(step - self.start - 1);
        let averages = &mut self.averages;
        for_each_parameter(model, &mut TakeIn { averages, share });
    }

    /// What of the average a step keeps that comes after `taken` others; the first one sets it to
    /// the weights.
    fn decay_after(&self, taken: u64) -> f64 {
        match (taken, self.ramp) {
            (0, _) => 0.0,
            (_, false) => self.decay,
            (taken, true) => self.decay.min((1 + taken) as f64 / (10 + taken) as f64),
        }
    }

    /// A model without autodiff with the averaged weights; as it is before the average begins.
    pub(crate) fn apply<M: Module>(&self, model: M) -> M {
        map_parameters(model, &mut PutIn(&self.averages))
    }

    /// The averages by parameter name, for a checkpoint.
    pub(crate) fn tensors(&self) -> Vec<(String, TensorData)> {
        let data = |(name, average): (&String, &Tensor<1>)| (name.clone(), average.to_data());
        self.averages.iter().map(data).collect()
    }

    /// Puts back what [`tensors`](Self::tensors) gave. Returns the name of a tensor that is the
    /// average of no parameter that trains, or of one whose average is missing after `steps`
    /// steps, if there is one.
    pub(crate) fn restore<M: Module>(
        &mut self,
        model: &M,
        steps: u64,
        tensors: Vec<(String, TensorData)>,
        device: &Device,
    ) -> Result<(), String> {
        let mut lengths = Lengths::default();
        for_each_parameter(model, &mut lengths);
        self.averages.clear();
        for (name, data) in tensors {
            if lengths.0.remove(&name) != Some(data.num_elements()) {
                return Err(name);
            }
            self.averages.insert(name, Tensor::from_data(data, device));
        }
        match lengths.0.pop_first() {
            Some((name, _)) if steps > self.start => Err(name),
            _ => Ok(()),
        }
    }
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let elements = tensor.shape().num_elements();
    tensor.reshape([elements])
}

/// Elements of the parameters that train.
#[derive(Default)]
struct Lengths(BTreeMap<String, usize>);

impl ParameterVisitor for Lengths {
    fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
        if parameter.is_require_grad() {
            let elements = parameter.lazy_shape().num_elements();
            self.0.insert(name.into(), elements);
        }
    }
}

struct TakeIn<'a> {
    averages: &'a mut BTreeMap<String, Tensor<1>>,
    share: f64,
}

impl ParameterVisitor for TakeIn<'_> {
    fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
        if !parameter.is_require_grad() {
            return;
        }
        let weights = flat(parameter.val().inner());
        // Memory of its own: the optimizer changes the weights where they lie.
        let average = self
            .averages
            .remove(name)
            .unwrap_or_else(|| Tensor::zeros(weights.shape(), &weights.device()));
        let average = move_towards(average, weights, self.share);
        self.averages.insert(name.into(), average);
    }
}

struct PutIn<'a>(&'a BTreeMap<String, Tensor<1>>);

impl ParameterMapper for PutIn<'_> {
    fn map<const D: usize>(&mut self, name: &str, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(average) = self.0.get(name) else {
            return parameter;
        };
        let (id, value, mapper) = parameter.consume();
        let average = average.clone().reshape(value.shape());
        Param::from_mapped_value(id, average, mapper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One weight that trains and one that does not.
    #[derive(Module, Debug)]
    struct Model {
        free: Param<Tensor<2>>,
        frozen: Param<Tensor<1>>,
    }

    fn model(free: [f32; 2]) -> Model {
        let device = Device::flex().autodiff();
        Model {
            free: Param::from_tensor(Tensor::from_floats([free], &device)),
            frozen: Param::from_tensor(Tensor::from_floats([7.0], &device)).set_require_grad(false),
        }
    }

    fn averages(ema: &Ema) -> Vec<f32> {
        let averaged = ema.apply(model([-1.0, -1.0]).valid());
        assert_eq!(averaged.frozen.val().into_scalar::<f32>(), 7.0);
        averaged.free.val().into_data().iter::<f32>().collect()
    }

    const WEIGHTS: [[f32; 2]; 4] = [[1.0, -2.0], [2.0, 0.0], [4.0, 1.0], [-3.0, 5.0]];

    fn after(config: &EmaConfig, steps: usize) -> Ema {
        let mut ema = Ema::new(config, 10, 0);
        for (step, weights) in WEIGHTS.into_iter().enumerate().take(steps) {
            ema.update(&model(weights), step as u64 + 1);
        }
        ema
    }

    /// `AveragedModel(linear, multi_avg_fn=get_ema_multi_avg_fn(0.75))` of torch 2.15 after these
    /// four weights.
    #[test]
    fn without_its_ramp_it_is_that_of_pytorch() {
        let config = EmaConfig {
            decay: 0.75,
            ramp: false,
            ..EmaConfig::default()
        };
        assert_eq!(averages(&after(&config, 1)), [1.0, -2.0]);
        assert_eq!(averages(&after(&config, 4)), [0.703_125, 0.593_75]);
    }

    #[test]
    fn a_young_average_keeps_less() {
        let ema = after(&EmaConfig::default(), 0);
        let kept: Vec<f64> = [0, 1, 2, 90, 100_000].map(|n| ema.decay_after(n)).into();
        assert_eq!(kept, [0.0, 2.0 / 11.0, 0.25, 0.91, 0.999]);
    }

    #[test]
    fn it_begins_after_the_warm_up_or_where_it_is_told_to() {
        let start = |start| {
            let config = EmaConfig {
                start,
                ..EmaConfig::default()
            };
            Ema::new(&config, 15, 4).start
        };
        assert_eq!([start(None), start(Some(0.0))], [4, 0]);
        assert_eq!([start(Some(0.1)), start(Some(7.0))], [2, 7]);
        let config = EmaConfig {
            start: Some(3.0),
            ..EmaConfig::default()
        };
        assert_eq!(averages(&after(&config, 3)), [-1.0, -1.0]);
        assert_eq!(averages(&after(&config, 4)), WEIGHTS[3]);
    }

    #[test]
    fn what_is_frozen_is_not_averaged_and_a_restored_average_is_the_same() {
        let config = EmaConfig::default();
        let ema = after(&config, 3);
        let tensors = ema.tensors();
        let names: Vec<&str> = tensors.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["free"]);
        let mut restored = Ema::new(&config, 10, 0);
        let device = Device::flex();
        restored
            .restore(&model([0.0; 2]), 3, tensors.clone(), &device)
            .unwrap();
        assert_eq!(averages(&restored), averages(&ema));

        let mut refuse = |tensors| restored.restore(&model([0.0; 2]), 3, tensors, &device);
        assert_eq!(refuse(Vec::new()), Err("free".to_owned()));
        let other = vec![("frozen".to_owned(), tensors[0].1.clone())];
        assert_eq!(refuse(other), Err("frozen".to_owned()));
        let long = TensorData::from([1.0_f32; 3]);
        assert_eq!(
            refuse(vec![("free".to_owned(), long)]),
            Err("free".to_owned())
        );
    }
}
