use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::build::Builder;
use crate::parameter_source::{Init, ParameterError};

/// `y = x · Wᵀ + b`, with the weight as checkpoints hold it, `[out, in]`, so that loading
/// transposes nothing.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Param<Tensor<2>>,
    /// `[out]`.
    pub bias: Param<Tensor<1>>,
}

impl Linear {
    pub(crate) fn new(
        builder: &mut Builder<'_>,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Self, ParameterError> {
        Ok(Self {
            weight: builder.matrix(&format!("{name}.weight"), outputs, inputs)?,
            bias: builder.vector(&format!("{name}.bias"), outputs, Init::Zeros)?,
        })
    }

    /// `[rows, in]` → `[rows, out]`.
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        affine(self.weight.val(), self.bias.val(), input)
    }
}

/// Weight, `[out, in]`, bias, `[out]`, and input, `[rows, in]` → `[rows, out]`.
pub(crate) fn affine(weight: Tensor<2>, bias: Tensor<1>, input: Tensor<2>) -> Tensor<2> {
    input.matmul(weight.transpose()) + bias.unsqueeze()
}
