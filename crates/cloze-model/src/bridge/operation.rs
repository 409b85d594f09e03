//! What the fused operations of the CPU have in common: operands with or without autodiff.

use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::ops::{Backward, NodeGuard, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::Tensor;

use super::slices::compact;

/// A tensor of the CPU device, and its place in the graph on a device with autodiff.
pub(super) struct Operand {
    pub(super) tensor: FlexTensor,
    pub(super) node: Option<NodeGuard>,
}

impl Operand {
    /// An operand of what `is_cpu` has seen.
    pub(super) fn new<const D: usize>(tensor: Tensor<D>) -> Self {
        if tensor.device().is_autodiff() {
            let (tensor, node) = tensor
                .try_into_primitive::<Autodiff<Flex>>()
                // `is_cpu` looked at the backend, and cloze makes no device that checkpoints
                // by itself.
                .expect("a tensor on the CPU device with autodiff")
                .into_parts();
            return Self {
                tensor: compact(tensor),
                node: Some(node),
            };
        }
        let tensor = tensor
            .try_into_primitive::<Flex>()
            // As above.
            .expect("a tensor on the CPU device without autodiff");
        Self {
            tensor: compact(tensor),
            node: None,
        }
    }
}

/// Makes a tensor of an operation's output. `state` is what its backward pass needs; it is asked
/// for only if an operand wants a gradient.
pub(super) fn finish<const N: usize, const D: usize, B: Backward<Flex, N>>(
    backward: B,
    nodes: [Option<NodeGuard>; N],
    output: FlexTensor,
    state: impl FnOnce() -> B::State,
) -> Tensor<D> {
    let nodes: Vec<NodeGuard> = nodes.into_iter().flatten().collect();
    // Operands are all on the same device: with autodiff or without.
    let Ok(nodes) = <[NodeGuard; N]>::try_from(nodes) else {
        return Tensor::from_primitive::<Flex>(output);
    };
    let prepared = backward.prepare::<NoCheckpointing>(nodes);
    Tensor::from_primitive::<Autodiff<Flex>>(match prepared.compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(state(), output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    })
}
