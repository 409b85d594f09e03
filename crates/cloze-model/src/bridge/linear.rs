use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;
use cloze_kernels::buffers;
use cloze_kernels::column_sums::column_sums;
use cloze_kernels::matmul::{Matrix, Output, Start, multiply};

use super::layer::is_fused;
use super::operation::{Operand, finish};
use super::slices::{compact, from_vec, reclaim};
use crate::encoder::{Linear, affine};

/// Runs a linear layer of a head: `[rows, in]` → `[rows, out]`.
///
/// On the CPU a row's result does not depend on the rows beside it, to the bit.
pub(crate) fn linear_forward(linear: &Linear, input: Tensor<2>) -> Tensor<2> {
    affine_forward(linear.weight.val(), linear.bias.val(), input)
}

/// [`linear_forward`] with a weight, `[out, in]`, and a bias, `[out]`, that belong to no layer of
/// their own.
pub(crate) fn affine_forward(weight: Tensor<2>, bias: Tensor<1>, input: Tensor<2>) -> Tensor<2> {
    if !is_fused(&input) {
        return affine(weight, bias, input);
    }
    let operands = [
        Operand::new(input),
        Operand::new(weight),
        Operand::new(bias),
    ];
    let [input, weight, bias] = operands.each_ref().map(|operand| &operand.tensor);
    let ([rows, inputs], outputs) = (shape(input), bias.layout().num_elements());
    let mut output = buffers::take(rows * outputs);
    multiply(
        Matrix::new(input.storage(), rows, inputs),
        Matrix::new(weight.storage(), outputs, inputs).transpose(),
        Start::Bias(bias.storage()),
        Output {
            data: &mut output,
            stride: outputs,
        },
    );
    let state = [input.clone(), weight.clone()];
    let nodes = operands.map(|operand| operand.node);
    finish(
        LinearBackward,
        nodes,
        from_vec(output, [rows, outputs]),
        || state,
    )
}

fn shape(tensor: &FlexTensor) -> [usize; 2] {
    let shape = tensor.layout().shape();
    [shape[0], shape[1]]
}

#[derive(Debug)]
struct LinearBackward;

impl Backward<Flex, 3> for LinearBackward {
    /// Input and weight.
    type State = [FlexTensor; 2];

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = compact(gradients.consume::<Flex>(&ops.node));
        let [input, weight] = ops.state;
        let ([rows, inputs], [outputs, _]) = (shape(&input), shape(&weight));
        let output_gradient = Matrix::new(gradient.storage(), rows, outputs);
        let product = |left: Matrix<'_>, right: &FlexTensor| {
            let [_, columns] = shape(right);
            let mut product = buffers::take(left.rows() * columns);
            let output = Output {
                data: &mut product,
                stride: columns,
            };
            let right = Matrix::new(right.storage(), left.columns(), columns);
            multiply(left, right, Start::Zero, output);
            from_vec(product, [left.rows(), columns])
        };
        let [input_node, weight_node, bias_node] = ops.parents;
        if let Some(node) = input_node {
            gradients.register::<Flex>(node.id, product(output_gradient, &weight));
        }
        if let Some(node) = weight_node {
            let weight_gradient = product(output_gradient.transpose(), &input);
            debug_assert_eq!(shape(&weight_gradient), [outputs, inputs]);
            gradients.register::<Flex>(node.id, weight_gradient);
        }
        if let Some(node) = bias_node {
            let mut sums = buffers::take(outputs);
            column_sums(gradient.storage(), &mut sums);
            gradients.register::<Flex>(node.id, from_vec(sums, [outputs]));
        }
        reclaim(gradient);
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::{Device, Distribution};

    use super::*;

    fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
    }

    fn close<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> bool {
        (a - b).abs().max().into_scalar::<f32>() < 1e-5
    }

    #[test]
    fn output_and_gradients_equal_the_composed_ones() {
        let device = Device::flex().autodiff();
        let linear = Linear {
            weight: Param::from_tensor(random([5, 7], &device)),
            bias: Param::from_tensor(random([5], &device)),
        };
        let input = random([9, 7], &device).require_grad();
        let weights = random([9, 5], &device);
        let run = |output: Tensor<2>| {
            let gradients = (output.clone() * weights.clone()).sum().backward();
            (
                output.inner(),
                input.grad(&gradients).unwrap(),
                linear.weight.grad(&gradients).unwrap(),
                linear.bias.grad(&gradients).unwrap(),
            )
        };
        let fused = run(linear_forward(&linear, input.clone()));
        let composed = run(linear.forward(input.clone()));
        assert!(close(fused.0, composed.0));
        assert!(close(fused.1, composed.1));
        assert!(close(fused.2, composed.2));
        assert!(close(fused.3, composed.3));
    }
}
