use std::collections::HashMap;

use burn::module::{Module, Param};
use burn::tensor::{Gradients, Tensor};
use cloze_model::bridge::{AdamW, WeightDecay, adamw_step, sum_of_squares};
use cloze_model::named::{ParameterMapper, ParameterVisitor, for_each_parameter, map_parameters};
use cloze_model::{DropoutKey, ForwardOptions, FreezeSpec, SequenceClassifier};
use serde::Deserialize;
use testkit::close::{assert_close, assert_relatively_close};
use testkit::golden::read_json;

use crate::case::{Case, golden_name, values};
use crate::for_every_architecture;

#[derive(Deserialize)]
struct Expected {
    training: Settings,
}

#[derive(Deserialize)]
struct Settings {
    losses: Vec<f32>,
    learning_rates: Vec<f64>,
    gradient_norms: Vec<f64>,
    betas: [f64; 2],
    eps: f64,
    weight_decay: f64,
    clip: f64,
}

/// AdamW over every parameter, without decay of biases and LayerNorms.
#[derive(Default)]
pub(crate) struct Optimizer {
    /// Mean and square, flat, by name.
    moments: HashMap<String, (Tensor<1>, Tensor<1>)>,
}

struct Step<'a> {
    optimizer: &'a mut Optimizer,
    gradients: &'a Gradients,
    adamw: AdamW,
}

impl ParameterMapper for Step<'_> {
    fn map<const D: usize>(&mut self, name: &str, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = parameter.grad(self.gradients) else {
            return parameter;
        };
        let decays = !(name.ends_with(".bias") || name.contains("LayerNorm"));
        let weight_decay = if decays {
            self.adamw.weight_decay
        } else {
            WeightDecay::Decoupled(0.0)
        };
        let adamw = AdamW {
            weight_decay,
            ..self.adamw
        };
        let shape = gradient.dims();
        let gradient = gradient.flatten::<1>(0, D - 1);
        let zeros = || gradient.zeros_like();
        let (mean, square) = self
            .optimizer
            .moments
            .remove(name)
            .unwrap_or_else(|| (zeros(), zeros()));
        parameter.map(|tensor| {
            let tensor = tensor.inner().flatten::<1>(0, D - 1);
            let (tensor, mean, square) = adamw_step(&adamw, tensor, gradient, mean, square);
            self.optimizer.moments.insert(name.into(), (mean, square));
            Tensor::from_inner(tensor.reshape(shape)).require_grad()
        })
    }
}

struct Norm<'a> {
    gradients: &'a Gradients,
    sum: f64,
}

impl ParameterVisitor for Norm<'_> {
    fn visit<const D: usize>(&mut self, _: &str, parameter: &Param<Tensor<D>>) {
        self.sum += parameter
            .grad(self.gradients)
            .map_or(0.0, |g| sum_of_squares(&g));
    }
}

/// One step of training on the whole batch; returns the loss and the norm of the gradients.
pub(crate) fn step(
    case: &Case,
    model: SequenceClassifier,
    optimizer: &mut Optimizer,
    options: &ForwardOptions,
    settings: (AdamW, f64),
) -> (SequenceClassifier, f32, f64) {
    let (adamw, clip) = settings;
    let loss = case.loss(&model, options);
    let gradients = loss.backward();
    let mut norm = Norm {
        gradients: &gradients,
        sum: 0.0,
    };
    for_each_parameter(&model, &mut norm);
    let norm = norm.sum.sqrt();
    // As `torch.nn.utils.clip_grad_norm_`.
    let gradient_scale = (clip / (norm + 1e-6)).min(1.0);
    let adamw = AdamW {
        gradient_scale,
        ..adamw
    };
    let model = map_parameters(
        model,
        &mut Step {
            optimizer,
            gradients: &gradients,
            adamw,
        },
    );
    (model, loss.into_scalar::<f32>(), norm)
}

struct FinalWeights<'a> {
    case: &'a Case,
    compared: usize,
}

impl ParameterVisitor for FinalWeights<'_> {
    fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
        let own = format!(
            "training.final.{}",
            golden_name(self.case.architecture, name)
        );
        if self.case.expected.contains(&own) {
            let expected = self.case.expected.floats(&own).values;
            assert_relatively_close(&own, &values(parameter.val()), &expected, 1e-4);
            self.compared += 1;
        }
    }
}

#[test]
fn ten_losses_and_the_weights_after_them_equal_transformers() {
    for_every_architecture(|case| {
        let Expected { training } = read_json(&case.folder.join("expected.json"));
        let (mut model, mut optimizer) = (case.model(), Optimizer::default());
        for (index, &learning_rate) in training.learning_rates.iter().enumerate() {
            let adamw = AdamW {
                learning_rate,
                beta1: training.betas[0],
                beta2: training.betas[1],
                epsilon: training.eps,
                weight_decay: WeightDecay::Decoupled(training.weight_decay),
                step: index as u64 + 1,
                gradient_scale: 1.0,
            };
            let settings = (adamw, training.clip);
            let (next, loss, norm) = step(
                case,
                model,
                &mut optimizer,
                &ForwardOptions::default(),
                settings,
            );
            model = next;
            let what = case.what(&format!("loss {index}"));
            assert_close(&what, &[loss], &[training.losses[index]], 1e-4);
            let wanted = training.gradient_norms[index];
            assert!(
                (norm - wanted).abs() < 1e-3 * wanted,
                "{what}: norm {norm}, {wanted}"
            );
        }
        let mut weights = FinalWeights { case, compared: 0 };
        for_each_parameter(&model, &mut weights);
        let names = case.expected.names();
        let golden = names
            .iter()
            .filter(|name| name.starts_with("training.final."));
        assert_eq!(weights.compared, golden.count());
    });
}

/// Every parameter of a model, by name.
fn snapshot<M: Module>(model: &M) -> HashMap<String, Vec<f32>> {
    struct Snapshot(HashMap<String, Vec<f32>>);
    impl ParameterVisitor for Snapshot {
        fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
            self.0.insert(name.into(), values(parameter.val()));
        }
    }
    let mut snapshot = Snapshot(HashMap::new());
    for_each_parameter(model, &mut snapshot);
    snapshot.0
}

#[test]
fn frozen_weights_stay_bit_for_bit_and_have_neither_gradient_nor_moments() {
    for_every_architecture(|case| {
        for parts in [
            &["encoder"][..],
            &["all-but-pooler"],
            &["embeddings", "layers:1"],
            &["*LayerNorm*"],
        ] {
            let spec = FreezeSpec::parse(parts).unwrap();
            let (mut model, frozen) = spec.apply(case.model(), case.architecture).unwrap();
            assert!(!frozen.is_empty());
            let before = snapshot(&model);
            let mut optimizer = Optimizer::default();
            for index in 0..2 {
                let adamw = AdamW {
                    step: index + 1,
                    ..AdamW::default()
                };
                let dropout = Some(DropoutKey {
                    seed: 5,
                    step: index,
                });
                let options = ForwardOptions {
                    dropout,
                    ..ForwardOptions::default()
                };
                model = step(case, model, &mut optimizer, &options, (adamw, 1.0)).0;
            }
            for (name, after) in snapshot(&model) {
                let is_frozen = frozen.contains(&name);
                assert_eq!(optimizer.moments.contains_key(&name), !is_frozen, "{name}");
                assert_eq!(after == before[&name], is_frozen, "{parts:?}: {name}");
            }
        }
    });
}

#[test]
fn a_frozen_encoder_runs_without_dropout_and_the_head_with_it() {
    for_every_architecture(|case| {
        let spec = FreezeSpec::parse(&["encoder"]).unwrap();
        let (model, _) = spec.apply(case.model(), case.architecture).unwrap();
        let run = |step| {
            let dropout = Some(DropoutKey { seed: 0, step });
            let options = ForwardOptions {
                dropout,
                ..ForwardOptions::default()
            };
            let output = model.forward(&case.batch(), &options).unwrap();
            assert!(!output.encoder.last_hidden_state.is_tracked());
            (
                values(output.encoder.last_hidden_state),
                values(output.logits),
            )
        };
        let (hidden, logits) = run(0);
        assert_eq!(run(1).0, hidden);
        assert!((1..9).any(|step| run(step).1 != logits));
        let plain = model
            .forward(&case.batch(), &ForwardOptions::default())
            .unwrap();
        assert_eq!(values(plain.encoder.last_hidden_state), hidden);
    });
}
