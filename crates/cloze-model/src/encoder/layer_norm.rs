use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::module::layer_norm;

use super::build::Builder;
use crate::parameter_source::{Init, ParameterError};

/// Layer normalisation over the last dimension (Ba, Kiros, Hinton 2016).
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `[hidden]`.
    pub weight: Param<Tensor<1>>,
    /// `[hidden]`.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    epsilon: f64,
}

impl LayerNorm {
    pub(crate) fn new(
        builder: &mut Builder<'_>,
        name: &str,
        size: usize,
        epsilon: f64,
    ) -> Result<Self, ParameterError> {
        Ok(Self {
            weight: builder.vector(&format!("{name}.weight"), size, Init::Ones)?,
            bias: builder.vector(&format!("{name}.bias"), size, Init::Zeros)?,
            epsilon,
        })
    }

    /// `[tokens, hidden]` → the same shape.
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        layer_norm(
            input,
            self.weight.val(),
            Some(self.bias.val()),
            self.epsilon,
        )
    }
}
