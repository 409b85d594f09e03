use burn::tensor::{Tensor, activation};
use cloze_core::Activation;

/// Applies an activation function to every element.
pub(crate) fn activate<const D: usize>(function: Activation, input: Tensor<D>) -> Tensor<D> {
    match function {
        Activation::Gelu => activation::gelu(input),
        Activation::GeluTanh => activation::gelu_approximate(input),
        Activation::Relu => activation::relu(input),
        Activation::Tanh => input.tanh(),
    }
}

/// The activation function by the kernels' name.
pub(crate) fn kernel_activation(function: Activation) -> cloze_kernels::activation::Activation {
    use cloze_kernels::activation::Activation as Kernel;
    match function {
        Activation::Gelu => Kernel::Gelu,
        Activation::GeluTanh => Kernel::GeluTanh,
        Activation::Relu => Kernel::Relu,
        Activation::Tanh => Kernel::Tanh,
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    /// Computed with 30 digits: x, x·Φ(x), its tanh approximation.
    const EXPECTED: [(f32, f64, f64); 7] = [
        (-4.0, -0.000126684967332, -7.02459481924e-5),
        (-1.5, -0.100210801903, -0.10042842302),
        (-0.5, -0.154268769363, -0.154285990175),
        (1e-3, 0.000500398966001, 0.000500398966),
        (0.7, 0.530625431802, 0.530570123066),
        (2.0, 1.9544997361, 1.95459769409),
        (6.0, 5.99999999408, 5.99999999992),
    ];

    fn apply(function: Activation, x: f32, device: &Device) -> f64 {
        let y = activate(function, Tensor::<1>::from_floats([x], device));
        f64::from(y.into_scalar::<f32>())
    }

    #[test]
    fn gelu_is_exact_and_its_approximation_is_another_function() {
        // With and without autodiff: the two take different ways through the tensor library.
        for device in [Device::flex(), Device::flex().autodiff()] {
            for (x, exact, approximation) in EXPECTED {
                let tolerance = 1e-6 * (1.0 + exact.abs());
                assert!(
                    (apply(Activation::Gelu, x, &device) - exact).abs() < tolerance,
                    "{x}"
                );
                let found = apply(Activation::GeluTanh, x, &device);
                assert!((found - approximation).abs() < tolerance, "{x}");
            }
            assert_eq!(apply(Activation::Relu, -2.0, &device), 0.0);
            assert!((apply(Activation::Tanh, 1.0, &device) - 1_f64.tanh()).abs() < 1e-6);
        }
    }
}
