use burn::backend::Flex;
use burn::tensor::Tensor;
use cloze_core::EncoderConfig;
use cloze_kernels::encoder_layer::PackedLayer;

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
