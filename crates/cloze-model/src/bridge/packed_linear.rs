use burn::tensor::Tensor;
use cloze_kernels::buffers;
use cloze_kernels::matmul::{Matrix, Output, Panels, Start, multiply_packed};

use super::layer::is_fused;
use super::slices::{from_vec, into_slices};
use crate::encoder::Linear;

/// A linear layer of a head with its weight packed for the CPU.
#[derive(Debug)]
pub struct PackedLinear {
    weight: Panels,
    bias: Vec<f32>,
}

impl PackedLinear {
    /// Packs the weight; `None` where the kernels do not run: on another device, with autodiff, or
    /// with composed layers.
    pub(crate) fn new(linear: &Linear) -> Option<Self> {
        let weight = linear.weight.val();
        if !is_fused(&weight) || weight.device().is_autodiff() {
            return None;
        }
        let [outputs, inputs] = weight.dims();
        let weight = into_slices(weight);
        let matrix = Matrix::new(weight.storage(), outputs, inputs).transpose();
        Some(Self {
            weight: Panels::of(matrix),
            bias: into_slices(linear.bias.val()).storage().to_vec(),
        })
    }

    /// `[rows, in]` → `[rows, out]`, to the bit what the layer gives, on a tensor without autodiff.
    pub(crate) fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let [rows, inputs] = input.dims();
        let outputs = self.bias.len();
        let input = into_slices(input);
        let mut output = buffers::take(rows * outputs);
        multiply_packed(
            Matrix::new(input.storage(), rows, inputs),
            &self.weight,
            Start::Bias(&self.bias),
            Output {
                data: &mut output,
                stride: outputs,
            },
        );
        Tensor::from_primitive::<burn::backend::Flex>(from_vec(output, [rows, outputs]))
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::{Device, Distribution};

    use super::*;
    use crate::bridge::linear_forward;

    #[test]
    fn a_packed_layer_gives_the_same_bits() {
        let device = Device::flex();
        let random =
            |shape: [usize; 2]| Tensor::<2>::random(shape, Distribution::Normal(0.0, 1.0), &device);
        let linear = Linear {
            weight: Param::from_tensor(random([77, 300])),
            bias: Param::from_tensor(random([1, 77]).reshape([77])),
        };
        let packed = PackedLinear::new(&linear).unwrap();
        for rows in [1, 5, 40] {
            let input = random([rows, 300]);
            let found = packed.forward(input.clone()).into_data();
            assert_eq!(found, linear_forward(&linear, input).into_data());
        }
    }

    #[test]
    fn a_layer_in_training_is_not_packed() {
        let device = Device::flex().autodiff();
        let linear = Linear {
            weight: Param::from_tensor(Tensor::zeros([3, 2], &device)),
            bias: Param::from_tensor(Tensor::zeros([3], &device)),
        };
        assert!(PackedLinear::new(&linear).is_none());
    }
}
