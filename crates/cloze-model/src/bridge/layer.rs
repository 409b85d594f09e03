use burn::tensor::Tensor;

use crate::encoder::{EncoderLayer, LayerContext, LayerOutput};

/// Runs one encoder layer: `[tokens, hidden]` → the same shape.
///
/// This is where the CPU device will take its own way: one operation for the whole layer, with a
/// hand-written backward pass, on the slices of the packed batch, chosen by the device as
/// [`super::adamw_step`] chooses. The composed layer serves every other device, and whoever asks
/// for attention weights, which the fused one never stores; it is also the reference that the
/// fused layer is tested against.
pub(crate) fn layer_forward(
    layer: &EncoderLayer,
    hidden: Tensor<2>,
    context: &LayerContext<'_>,
) -> LayerOutput {
    layer.forward_composed(hidden, context)
}
