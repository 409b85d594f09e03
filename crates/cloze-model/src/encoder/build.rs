use burn::module::Param;
use burn::tensor::{Device, Tensor};

use crate::parameter_source::{Init, ParameterError, ParameterSource};

/// Makes the parameters of a model, each from its canonical name.
pub(crate) struct Builder<'a> {
    source: &'a mut dyn ParameterSource,
    device: &'a Device,
    /// How matrices start that the source does not have.
    matrix: Init,
}

impl<'a> Builder<'a> {
    /// Matrices that the source does not have are drawn with the deviation `initializer_range`.
    pub(crate) fn new(
        source: &'a mut dyn ParameterSource,
        device: &'a Device,
        initializer_range: f64,
    ) -> Self {
        Self {
            source,
            device,
            matrix: Init::Normal(initializer_range),
        }
    }

    /// A matrix, `[rows, columns]`.
    pub(crate) fn matrix(
        &mut self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Param<Tensor<2>>, ParameterError> {
        self.parameter(name, [rows, columns], self.matrix)
    }

    /// A matrix, `[rows, columns]`, that starts otherwise than those of the encoder.
    pub(crate) fn matrix_with(
        &mut self,
        name: &str,
        rows: usize,
        columns: usize,
        init: Init,
    ) -> Result<Param<Tensor<2>>, ParameterError> {
        self.parameter(name, [rows, columns], init)
    }

    /// A vector, `[size]`.
    pub(crate) fn vector(
        &mut self,
        name: &str,
        size: usize,
        init: Init,
    ) -> Result<Param<Tensor<1>>, ParameterError> {
        self.parameter(name, [size], init)
    }

    fn parameter<const D: usize>(
        &mut self,
        name: &str,
        shape: [usize; D],
        init: Init,
    ) -> Result<Param<Tensor<D>>, ParameterError> {
        let data = self.source.get(name, &shape, init)?;
        Ok(Param::from_tensor(Tensor::from_data(data, self.device)))
    }
}
