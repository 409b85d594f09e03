use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;
use cloze_kernels::buffers;
use cloze_kernels::losses::{BinaryCrossEntropy, BinaryLogits, CrossEntropy, Logits};

use super::layer::is_fused;
use super::operation::{Operand, finish};
use super::slices::{compact, from_vec};

/// The mean cross-entropy, `[1]`, of logits `[rows, classes]` with a class for every row; `None`
/// where the kernels do not run.
pub(crate) fn cross_entropy_forward(
    logits: &Tensor<2>,
    targets: &[usize],
    settings: &CrossEntropy<'_>,
) -> Option<Tensor<1>> {
    loss_forward(
        logits,
        |values| settings.loss(values, targets),
        |values, gradient| {
            settings.loss_and_gradient(Logits {
                logits: Some(values),
                gradient,
                targets,
            })
        },
    )
}

/// The mean binary cross-entropy, `[1]`, of logits `[rows, classes]` with as many targets; `None`
/// where the kernels do not run.
pub(crate) fn binary_cross_entropy_forward(
    logits: &Tensor<2>,
    targets: &[f32],
    settings: &BinaryCrossEntropy<'_>,
) -> Option<Tensor<1>> {
    let [_, classes] = logits.dims();
    loss_forward(
        logits,
        |values| settings.loss(values, targets, classes),
        |values, gradient| {
            settings.loss_and_gradient(BinaryLogits {
                logits: Some(values),
                gradient,
                targets,
                classes,
            })
        },
    )
}

/// A loss of logits, `[1]`. A wanted gradient is computed together with the loss, in one pass over
/// the logits.
fn loss_forward(
    logits: &Tensor<2>,
    loss: impl FnOnce(&[f32]) -> f64,
    loss_and_gradient: impl FnOnce(&[f32], &mut [f32]) -> f64,
) -> Option<Tensor<1>> {
    if !is_fused(logits) {
        return None;
    }
    let (is_tracked, shape) = (logits.is_tracked(), logits.shape());
    let logits = Operand::new(logits.clone());
    let values = logits.tensor.storage::<f32>();
    let mut gradient = None;
    let loss = if is_tracked {
        let mut values_of_gradient = buffers::take(values.len());
        let loss = loss_and_gradient(values, &mut values_of_gradient);
        gradient = Some(from_vec(values_of_gradient, shape));
        loss
    } else {
        loss(values)
    };
    let loss = from_vec(vec![loss as f32], [1]);
    Some(finish(LossBackward, [logits.node], loss, || gradient))
}

#[derive(Debug)]
struct LossBackward;

impl Backward<Flex, 1> for LossBackward {
    /// The gradient of the loss with respect to the logits, if one is wanted.
    type State = Option<FlexTensor>;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let scale = compact(gradients.consume::<Flex>(&ops.node)).storage::<f32>()[0];
        let [parent] = ops.parents;
        let (Some(parent), Some(mut gradient)) = (parent, ops.state) else {
            return;
        };
        // Only where batches are accumulated is it not 1.
        if scale != 1.0 {
            for value in gradient.storage_mut::<f32>() {
                *value *= scale;
            }
        }
        gradients.register::<Flex>(parent.id, gradient);
    }
}
