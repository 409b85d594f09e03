use std::sync::Arc;

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;
use cloze_kernels::buffers;
use cloze_kernels::lstm::{Lstm, LstmBackward, LstmGradients, LstmWeights, SavedLstm};

use super::layer::is_fused;
use super::operation::{Operand, finish};
use super::slices::{compact, from_vec, reclaim};

/// The parameters of a layer of an LSTM, in the layout of `torch.nn.LSTM`.
pub(crate) struct LstmParameters {
    /// `weight_ih`, `[4 · width, in]`.
    pub(crate) weight_ih: Tensor<2>,
    /// `weight_hh`, `[4 · width, width]`.
    pub(crate) weight_hh: Tensor<2>,
    /// `bias_ih`, `[4 · width]`.
    pub(crate) bias_ih: Tensor<1>,
    /// `bias_hh`, `[4 · width]`.
    pub(crate) bias_hh: Tensor<1>,
}

/// The hidden state at every row, each sequence from a zero state: `[rows, in]` → `[rows, width]`.
/// `None` where the kernels do not run.
pub(crate) fn lstm_forward(
    parameters: LstmParameters,
    input: &Tensor<2>,
    offsets: &[usize],
) -> Option<Tensor<2>> {
    if !is_fused(input) {
        return None;
    }
    let [rows, inputs] = input.dims();
    let [_, width] = parameters.weight_hh.dims();
    let operands = [
        Operand::new(input.clone()),
        Operand::new(parameters.weight_ih),
        Operand::new(parameters.weight_hh),
        Operand::new(parameters.bias_ih),
        Operand::new(parameters.bias_hh),
    ];
    let tensors = operands.each_ref().map(|operand| operand.tensor.clone());
    let shape = Shape {
        offsets: offsets.into(),
        inputs,
        width,
    };
    let mut output = buffers::take(rows * width);
    let saved = shape
        .kernel(&tensors)
        .forward(tensors[0].storage(), &mut output);
    let output = from_vec(output, [rows, width]);
    let kept = output.clone();
    let nodes = operands.map(|operand| operand.node);
    Some(finish(LstmBackwardPass, nodes, output, || State {
        shape,
        tensors,
        output: kept,
        saved: Arc::new(saved),
    }))
}

#[derive(Clone, Debug)]
struct Shape {
    offsets: Arc<[usize]>,
    inputs: usize,
    width: usize,
}

impl Shape {
    fn kernel<'a>(&'a self, tensors: &'a [FlexTensor; 5]) -> Lstm<'a> {
        let [_, input, recurrent, input_bias, recurrent_bias] =
            tensors.each_ref().map(FlexTensor::storage::<f32>);
        Lstm {
            offsets: &self.offsets,
            inputs: self.inputs,
            hidden: self.width,
            weights: LstmWeights {
                input,
                recurrent,
                input_bias,
                recurrent_bias,
            },
        }
    }
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
struct State {
    shape: Shape,
    /// The input and the parameters.
    tensors: [FlexTensor; 5],
    output: FlexTensor,
    saved: Arc<SavedLstm>,
}

#[derive(Debug)]
struct LstmBackwardPass;

impl Backward<Flex, 5> for LstmBackwardPass {
    type State = State;

    fn backward(self, ops: Ops<State, 5>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output_gradient = compact(gradients.consume::<Flex>(&ops.node));
        let State {
            shape,
            tensors,
            output,
            saved,
        } = ops.state;
        // A parent that is not tracked is frozen: its gradient is not computed.
        let [input, weight_ih, weight_hh, bias_ih, bias_hh] = ops.parents;
        let wants_bias = bias_ih.is_some() || bias_hh.is_some();
        let take = |wanted: bool, tensor: &FlexTensor| {
            wanted.then(|| buffers::take(tensor.layout().num_elements()))
        };
        let mut of_input = take(input.is_some(), &tensors[0]);
        let mut of_weight_ih = take(weight_ih.is_some(), &tensors[1]);
        let mut of_weight_hh = take(weight_hh.is_some(), &tensors[2]);
        let mut of_bias = take(wants_bias, &tensors[3]);
        shape.kernel(&tensors).backward(
            LstmBackward {
                input: tensors[0].storage(),
                output: output.storage(),
                saved: &saved,
                gradient: output_gradient.storage(),
            },
            LstmGradients {
                input: of_input.as_deref_mut(),
                input_weight: of_weight_ih.as_deref_mut(),
                recurrent_weight: of_weight_hh.as_deref_mut(),
                bias: of_bias.as_deref_mut(),
            },
        );
        reclaim(output_gradient);
        let of_other_bias = bias_ih.is_some().then(|| of_bias.clone()).flatten();
        for ((node, gradient), tensor) in [
            (input, of_input),
            (weight_ih, of_weight_ih),
            (weight_hh, of_weight_hh),
            (bias_ih, of_other_bias),
            (bias_hh, of_bias),
        ]
        .into_iter()
        .zip(&tensors)
        {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                let gradient = from_vec(gradient, tensor.layout().shape().clone());
                gradients.register::<Flex>(node.id, gradient);
            }
        }
    }
}
