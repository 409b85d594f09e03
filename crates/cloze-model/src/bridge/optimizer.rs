use burn::backend::Flex;
use burn::tensor::Tensor;
use cloze_kernels::adamw::AdamW;
use cloze_kernels::gradient_norm;

use super::slices::{into_slices, is_cpu, reclaim};

/// One step of AdamW or Adam: the new parameter, mean and square, from the parameter, its
/// gradient, and the running means of the gradient and of its square (zeros before step 1).
///
/// All are tensors without autodiff. On the CPU the step happens in place if nothing else holds
/// the buffers: a live clone of the model, or of an output that was never back-propagated, makes
/// it copy.
///
/// Shapes: all the same, any.
pub fn adamw_step<const D: usize>(
    adamw: &AdamW,
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    mean: Tensor<D>,
    square: Tensor<D>,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let tensors = [parameter, gradient, mean, square];
    if !tensors.iter().all(is_cpu) {
        let [parameter, gradient, mean, square] = tensors;
        return composed_step(adamw, parameter, gradient, mean, square);
    }
    let [mut parameter, gradient, mut mean, mut square] = tensors.map(into_slices);
    adamw.update(
        parameter.storage_mut(),
        gradient.storage(),
        mean.storage_mut(),
        square.storage_mut(),
    );
    reclaim(gradient);
    let [parameter, mean, square] = [parameter, mean, square].map(Tensor::from_primitive::<Flex>);
    (parameter, mean, square)
}

/// The same step out of the tensor library's operations, for any device.
fn composed_step<const D: usize>(
    adamw: &AdamW,
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    mean: Tensor<D>,
    square: Tensor<D>,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let c = adamw.coefficients();
    let gradient = gradient * c.gradient_scale + parameter.clone() * c.coupled_decay;
    let mean = mean.clone() + (gradient.clone() - mean) * c.mean_share;
    let square = square * c.square_keep + gradient.clone() * gradient * c.square_share;
    let denominator = square.clone().sqrt() / c.root_correction + c.epsilon;
    let parameter = parameter * c.shrink - mean.clone() * c.step_size / denominator;
    (parameter, mean, square)
}

/// The sum of the squares of all elements of a gradient. Not finite if an element is not.
///
/// The norm of all gradients together is the root of the sum of these, added in a fixed order.
pub fn sum_of_squares<const D: usize>(gradient: &Tensor<D>) -> f64 {
    let gradient = gradient.clone();
    if is_cpu(&gradient) {
        gradient_norm::sum_of_squares(into_slices(gradient).storage())
    } else {
        f64::from(gradient.square().sum().into_scalar::<f32>())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};
    use cloze_kernels::adamw::WeightDecay;

    use super::*;

    fn random(shape: [usize; 2]) -> Tensor<2> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
    }

    fn close(a: Tensor<2>, b: Tensor<2>) -> bool {
        (a - b).abs().max().into_scalar::<f32>() < 1e-6
    }

    #[test]
    fn the_kernel_and_the_composed_step_agree() {
        for weight_decay in [WeightDecay::Decoupled(0.1), WeightDecay::Coupled(0.1)] {
            let adamw = AdamW {
                weight_decay,
                step: 3,
                gradient_scale: 0.5,
                ..AdamW::default()
            };
            let [p, m] = [random([7, 5]), random([7, 5])];
            let v = random([7, 5]).square();
            // A gradient of a transposed weight comes as a view.
            let g = random([5, 7]).transpose();
            let fused = adamw_step(&adamw, p.clone(), g.clone(), m.clone(), v.clone());
            let composed = composed_step(&adamw, p, g, m, v);
            assert!(close(fused.0, composed.0));
            assert!(close(fused.1, composed.1));
            assert!(close(fused.2, composed.2));
        }
    }

    #[test]
    fn a_buffer_that_others_hold_is_left_alone() {
        let [p, g] = [random([3, 3]), random([3, 3])];
        let zeros = || Tensor::zeros([3, 3], &Device::flex());
        let before = p.to_data();
        let (after, ..) = adamw_step(&AdamW::default(), p.clone(), g, zeros(), zeros());
        assert_eq!(p.to_data(), before);
        assert_ne!(after.to_data(), before);
    }

    #[test]
    fn a_buffer_of_its_own_is_reused() {
        let tensors = [
            random([4, 4]),
            random([4, 4]),
            random([4, 4]),
            random([4, 4]),
        ];
        let address = |tensor: &Tensor<2>| {
            let primitive = tensor.clone().try_into_primitive::<Flex>().unwrap();
            primitive.storage::<f32>().as_ptr()
        };
        let before = address(&tensors[0]);
        let [p, g, m, v] = tensors;
        let (after, ..) = adamw_step(&AdamW::default(), p, g, m, v.square());
        assert_eq!(address(&after), before);
    }

    /// What a trainer does: the graph is gone once the gradient is taken.
    #[test]
    fn a_trained_parameter_is_updated_where_it_lies() {
        use burn::module::Param;
        let device = Device::flex().autodiff();
        let weight = Tensor::random([4, 4], Distribution::Default, &device);
        let weight = Param::<Tensor<2>>::from_tensor(weight);
        let address = |weight: &Param<Tensor<2>>| {
            let primitive = weight.val().inner().try_into_primitive::<Flex>().unwrap();
            primitive.storage::<f32>().as_ptr()
        };
        let before = address(&weight);
        let loss = weight.val().matmul(weight.val().transpose()).sum();
        let gradient = weight.grad(&loss.backward()).unwrap();
        drop(loss);
        let zeros = || Tensor::zeros([4, 4], &Device::flex());
        let after = weight.map(|weight| {
            let weight = weight.inner();
            let (weight, ..) = adamw_step(&AdamW::default(), weight, gradient, zeros(), zeros());
            Tensor::from_inner(weight).require_grad()
        });
        assert_eq!(address(&after), before);
        assert!(after.is_require_grad());
    }

    #[test]
    fn a_view_counts_only_its_own_elements() {
        let rows = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0]], &Device::flex());
        assert_eq!(sum_of_squares(&rows.clone().narrow(0, 1, 1)), 25.0);
        assert_eq!(sum_of_squares(&rows.transpose()), 30.0);
    }
}
