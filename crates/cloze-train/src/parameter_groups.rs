//! Which learning rate and which decay every parameter has.
//!
//! The head may have a rate of its own, and the rate of the encoder's layers may fall from the
//! last to the first (Sun, Qiu, Xu, Huang: *How to fine-tune BERT for text classification?*, CCL
//! 2019): the last layer and the pooler have `train.learning_rate`, every layer below
//! `optimizer.layer_decay` times that of the one above it, and the embeddings the lowest.

use burn::module::Module;
use cloze_model::named::{is_encoder_name, layer_index};
use cloze_model::parameters::ParameterReport;
use serde::Serialize;

use crate::config::OptimizerConfig;

/// Parameters with the same learning rate and the same decay, as those of PyTorch's optimizers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParameterGroup {
    /// What is in it: `encoder`, `embeddings`, `layer 3`, `pooler` or `head`.
    pub name: String,
    /// The rate before the schedule scales it.
    pub learning_rate: f64,
    /// The weight decay, 0 for biases and LayerNorm.
    pub weight_decay: f64,
    /// Tensors in it; frozen ones are in no group.
    pub tensors: usize,
    /// Elements of all of them.
    pub parameters: usize,
}

/// The groups of a model, in the order of its parameters; those that do not decay follow those of
/// the same name that do.
pub fn parameter_groups<M: Module>(
    model: &M,
    config: &OptimizerConfig,
    learning_rate: f64,
) -> Vec<ParameterGroup> {
    let rates = Rates::new(config, learning_rate, model);
    let mut groups: Vec<ParameterGroup> = Vec::new();
    let tensors = ParameterReport::of(model).tensors;
    for tensor in tensors.iter().filter(|tensor| tensor.trainable) {
        let group = ParameterGroup {
            name: rates.group(&tensor.name),
            learning_rate: rates.of(&tensor.name),
            weight_decay: weight_decay(config, &tensor.name),
            tensors: 1,
            parameters: tensor.elements(),
        };
        let is_same = |other: &&mut ParameterGroup| {
            other.name == group.name && other.weight_decay == group.weight_decay
        };
        match groups.iter_mut().find(is_same) {
            Some(other) => {
                other.tensors += 1;
                other.parameters += group.parameters;
            }
            None => groups.push(group),
        }
    }
    // Stable: the order of the names stays that of the model.
    let names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
    let first = |name: &str| names.iter().position(|other| other == name);
    groups.sort_by(|a, b| {
        let decay = b.weight_decay.total_cmp(&a.weight_decay);
        first(&a.name).cmp(&first(&b.name)).then(decay)
    });
    groups
}

/// Whether a parameter's weight decays.
pub fn decays(name: &str) -> bool {
    // `bias`, and `bias_ih_l0` or `in_proj_bias` of a head.
    let tensor = name.rsplit('.').next().unwrap_or(name);
    !tensor.contains("bias") && !name.contains("LayerNorm")
}

/// The decay of a parameter.
pub(crate) fn weight_decay(config: &OptimizerConfig, name: &str) -> f64 {
    match config.weight_decay {
        Some(decay) if decays(name) => decay,
        _ => 0.0,
    }
}

/// The learning rate of every parameter before the schedule scales it.
#[derive(Clone, Debug)]
pub(crate) struct Rates {
    encoder: f64,
    head: f64,
    /// What a layer has of the rate of the one above it.
    layer_decay: Option<f64>,
    layers: usize,
}

impl Rates {
    pub(crate) fn new<M: Module>(config: &OptimizerConfig, learning_rate: f64, model: &M) -> Self {
        let tensors = ParameterReport::of(model).tensors;
        let layers = tensors
            .iter()
            .filter_map(|tensor| layer_index(&tensor.name));
        Self {
            encoder: learning_rate,
            head: config.head_learning_rate.unwrap_or(learning_rate),
            layer_decay: config.layer_decay,
            layers: layers.max().map_or(0, |last| last + 1),
        }
    }

    /// The rate of the parameter of this canonical name.
    pub(crate) fn of(&self, name: &str) -> f64 {
        if !is_encoder_name(name) {
            return self.head;
        }
        let Some(decay) = self.layer_decay else {
            return self.encoder;
        };
        let above = match layer_index(name) {
            Some(layer) => self.layers - 1 - layer,
            None if name.starts_with("embeddings.") => self.layers,
            None => 0,
        };
        self.encoder * decay.powi(above as i32)
    }

    fn group(&self, name: &str) -> String {
        let group = match layer_index(name) {
            _ if !is_encoder_name(name) => "head",
            _ if self.layer_decay.is_none() => "encoder",
            Some(layer) => return format!("layer {layer}"),
            None if name.starts_with("embeddings.") => "embeddings",
            None => "pooler",
        };
        group.into()
    }
}
