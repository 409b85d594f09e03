//! `2_Dense`: `config.json` and weights.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, TensorData};
use cloze_core::{Activation, ConfigJson, InputError};
use serde_json::json;

use super::refuse_other_vectors;
use crate::checkpoint::{CheckpointError, TensorStore};
use crate::heads::DenseLayer;
use crate::parameter_source::f32_data;

/// A dense layer, its weights not loaded yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dense {
    folder: PathBuf,
    inputs: usize,
    outputs: usize,
    bias: bool,
    activation: Option<Activation>,
}

/// Classes of torch, by their last name.
const ACTIVATIONS: [(&str, Option<Activation>); 4] = [
    ("Identity", None),
    ("Tanh", Some(Activation::Tanh)),
    ("ReLU", Some(Activation::Relu)),
    ("GELU", Some(Activation::Gelu)),
];

const ACTIVATION: &str = "activation_function";

impl Dense {
    /// Reads the `config.json` of a folder.
    pub(super) fn read(folder: PathBuf) -> Result<Self, CheckpointError> {
        let config = ConfigJson::read(&folder.join("config.json"))?;
        refuse_other_vectors(&config)?;
        config.refuse_unless("use_residual", &json!(false))?;
        Ok(Self {
            inputs: config.size("in_features")?,
            outputs: config.size("out_features")?,
            bias: config.flag_or("bias", true)?,
            activation: activation(&config)?,
            folder,
        })
    }

    pub(super) fn tensors(&self) -> Result<TensorStore, CheckpointError> {
        TensorStore::open(&self.folder)
    }

    /// The layer with its weights.
    pub(super) fn load(&self, device: &Device) -> Result<DenseLayer, CheckpointError> {
        let tensors = self.tensors()?;
        let weight = self.tensor(&tensors, "linear.weight", &[self.outputs, self.inputs])?;
        let bias = match self.bias {
            true => self.tensor(&tensors, "linear.bias", &[self.outputs])?,
            false => f32_data(vec![0.0; self.outputs], &[self.outputs]),
        };
        Ok(DenseLayer::new(weight, bias, self.activation, device))
    }

    fn tensor(
        &self,
        tensors: &TensorStore,
        name: &str,
        shape: &[usize],
    ) -> Result<TensorData, CheckpointError> {
        let missing = || {
            let file = tensors.files().next().unwrap_or(Path::new(""));
            InputError::new(file, "no such tensor", "a weight of the dense layer").in_field(name)
        };
        Ok(tensors.read(name, shape)?.ok_or_else(missing)?)
    }
}

/// The activation that is named; tanh where none is, as in `sentence-transformers`.
fn activation(config: &ConfigJson) -> Result<Option<Activation>, InputError> {
    let class = config.text_or(ACTIVATION, "torch.nn.modules.activation.Tanh")?;
    let name = class
        .strip_prefix("torch.nn.")
        .and_then(|class| class.rsplit('.').next());
    ACTIVATIONS
        .iter()
        .find(|(known, _)| name == Some(known))
        .map(|&(_, activation)| activation)
        .ok_or_else(|| {
            let names = ACTIVATIONS.map(|(name, _)| name).join(", ");
            config.error(ACTIVATION, format!("one of torch's {names}"))
        })
}
