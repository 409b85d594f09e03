use burn::backend::Flex;
use burn::tensor::Tensor;
use cloze_core::EncoderConfig;
use cloze_kernels::buffers;
use cloze_kernels::encoder_layer::PackedLayer;
use cloze_kernels::matmul::{Matrix, Output, Panels, Start, multiply_packed};

use super::layer::{Settings, is_fused};
use super::slices::{from_vec, into_slices};
use crate::encoder::{EncoderLayer, LayerContext, LayerOutput};

/// The layers of an encoder with their weights packed for the CPU.
#[derive(Debug)]
pub struct PackedLayers(Vec<PackedLayer>);

impl PackedLayers {
    /// Packs the weights; `None` where the kernels do not run: on another device, with autodiff,
    /// or with composed layers.
    pub(crate) fn new(layers: &[EncoderLayer], config: &EncoderConfig) -> Option<Self> {
        let packed = layers.iter().map(|layer| {
            let weight = layer.intermediate.dense.weight.val();
            let plain = is_fused(&weight) && !weight.device().is_autodiff();
            plain.then(|| {
                let parameters = layer.parameters(into_slices, into_slices);
                Settings::with_offsets(config, 0, &[], None).packed(&parameters)
            })
        });
        packed.collect::<Option<_>>().map(Self)
    }

    /// The layer of this number.
    pub(crate) fn layer(&self, index: usize) -> &PackedLayer {
        &self.0[index]
    }
}

/// One layer with packed weights, on a tensor without autodiff.
pub(super) fn packed_forward(
    layer: &PackedLayer,
    hidden: Tensor<2>,
    context: &LayerContext<'_>,
) -> LayerOutput {
    let settings = Settings::new(context);
    let mut hidden = into_slices(hidden);
    let (sequences, padded) = (context.batch.sequences(), context.batch.max_length());
    let heads = context.config.num_attention_heads;
    let mut weights = context
        .output_attentions
        .then(|| vec![0.0; sequences * heads * padded * padded]);
    let asked_for = weights.as_deref_mut().map(|weights| (weights, padded));
    layer.forward(&settings.layer(), hidden.storage_mut(), asked_for);
    let shape = [sequences, heads, padded, padded];
    LayerOutput {
        hidden: Tensor::from_primitive::<Flex>(hidden),
        attentions: weights.map(|weights| Tensor::from_primitive::<Flex>(from_vec(weights, shape))),
    }
}

/// The matrix of a linear layer, `[out, in]`, packed for the CPU: for a wide one that few rows are
/// multiplied with, again and again.
#[derive(Debug)]
pub struct PackedMatrix(Panels);

impl PackedMatrix {
    /// Packs a matrix; `None` where the kernels do not run, as for [`PackedLayers`].
    pub(crate) fn new(weight: &Tensor<2>) -> Option<Self> {
        if !is_fused(weight) || weight.device().is_autodiff() {
            return None;
        }
        let [outputs, inputs] = weight.dims();
        let weight = into_slices(weight.clone());
        let matrix = Matrix::new(weight.storage(), outputs, inputs);
        Some(Self(Panels::of(matrix.transpose())))
    }

    /// The product with a bias, `[rows, in]` → `[rows, out]`: the bits of the layer that is not packed.
    pub(crate) fn forward(&self, bias: Tensor<1>, input: Tensor<2>) -> Tensor<2> {
        let [rows, inputs] = input.dims();
        let (input, bias) = (into_slices(input), into_slices(bias));
        let outputs = self.0.columns();
        let mut output = buffers::take(rows * outputs);
        multiply_packed(
            Matrix::new(input.storage(), rows, inputs),
            &self.0,
            Start::Bias(bias.storage()),
            Output {
                data: &mut output,
                stride: outputs,
            },
        );
        Tensor::from_primitive::<Flex>(from_vec(output, [rows, outputs]))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::*;
    use crate::bridge::affine_forward;

    #[test]
    fn a_packed_matrix_gives_the_same_bits() {
        let device = Device::flex();
        let random =
            |shape: [usize; 2]| Tensor::<2>::random(shape, Distribution::Normal(0.0, 1.0), &device);
        let (weight, bias) = (random([77, 300]), random([1, 77]).reshape([77]));
        let packed = PackedMatrix::new(&weight).unwrap();
        for rows in [1, 5, 40] {
            let input = random([rows, 300]);
            let found = packed.forward(bias.clone(), input.clone()).into_data();
            let wanted = affine_forward(weight.clone(), bias.clone(), input);
            assert_eq!(found, wanted.into_data());
        }
    }

    #[test]
    fn a_matrix_in_training_is_not_packed() {
        let weight = Tensor::zeros([3, 2], &Device::flex().autodiff());
        assert!(PackedMatrix::new(&weight).is_none());
    }
}
