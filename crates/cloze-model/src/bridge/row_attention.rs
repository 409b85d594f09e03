use std::sync::Arc;

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;
use cloze_kernels::attention::{Attention, AttentionBackward, AttentionForward};
use cloze_kernels::buffers;

use super::layer::is_fused;
use super::operation::{Operand, finish};
use super::slices::{compact, from_vec, reclaim};

/// What every row gets to see of its sequence: queries, keys and values side by side,
/// `[rows, 3 · width]` → `[rows, width]`. `None` where the kernels do not run.
pub(crate) fn row_attention_forward(
    projected: &Tensor<2>,
    offsets: &[usize],
    heads: usize,
) -> Option<Tensor<2>> {
    if !is_fused(projected) {
        return None;
    }
    let [rows, columns] = projected.dims();
    let width = columns / 3;
    let operand = Operand::new(projected.clone());
    let shape = Shape {
        offsets: offsets.into(),
        heads,
        head_size: width / heads,
    };
    let (mut context, mut log_sums) = (buffers::take(rows * width), buffers::take(rows * heads));
    shape.kernel().forward(AttentionForward {
        projected: operand.tensor.storage(),
        context: &mut context,
        log_sums: &mut log_sums,
        weights: None,
    });
    let context = from_vec(context, [rows, width]);
    let state = State {
        shape,
        projected: operand.tensor,
        context: context.clone(),
        log_sums: Arc::new(log_sums),
    };
    Some(finish(
        RowAttentionBackward,
        [operand.node],
        context,
        || state,
    ))
}

#[derive(Clone, Debug)]
struct Shape {
    offsets: Arc<[usize]>,
    heads: usize,
    head_size: usize,
}

impl Shape {
    fn kernel(&self) -> Attention<'_> {
        Attention {
            offsets: &self.offsets,
            heads: self.heads,
            head_size: self.head_size,
            dropout: None,
        }
    }
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
struct State {
    shape: Shape,
    projected: FlexTensor,
    context: FlexTensor,
    log_sums: Arc<Vec<f32>>,
}

#[derive(Debug)]
struct RowAttentionBackward;

impl Backward<Flex, 1> for RowAttentionBackward {
    type State = State;

    fn backward(self, ops: Ops<State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = compact(gradients.consume::<Flex>(&ops.node));
        let State {
            shape,
            projected,
            context,
            log_sums,
        } = ops.state;
        let [Some(node)] = ops.parents else {
            return;
        };
        let mut projected_gradient = buffers::take(projected.layout().num_elements());
        shape.kernel().backward(AttentionBackward {
            projected: projected.storage(),
            context: context.storage(),
            log_sums: &log_sums,
            gradient: gradient.storage(),
            projected_gradient: &mut projected_gradient,
        });
        reclaim(gradient);
        let shape = projected.layout().shape().clone();
        gradients.register::<Flex>(node.id, from_vec(projected_gradient, shape));
    }
}
