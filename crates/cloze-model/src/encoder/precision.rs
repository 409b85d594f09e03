use burn::tensor::{FloatDType, Tensor};

use super::linear::Linear;

/// What the matrix products of composed encoder layers are computed in. Weights, sums, norms and
/// softmax stay in `f32`, as do the gradients that an optimizer sees (Micikevicius et al., *Mixed
/// precision training*, ICLR 2018).
///
/// The fused layers of the CPU know `f32` alone: with anything else layers are composed there too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with the range of `f32`.
    Bf16,
    /// 16 bits with more digits and less range: gradients want a loss that is scaled.
    F16,
}

impl Precision {
    /// `f32`, `bf16` or `f16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }

    /// The tensor library's name.
    pub fn dtype(self) -> FloatDType {
        match self {
            Self::F32 => FloatDType::F32,
            Self::Bf16 => FloatDType::BF16,
            Self::F16 => FloatDType::F16,
        }
    }

    /// `input · Wᵀ + b`: `[rows, in]` → `[rows, out]`, both in `f32`.
    pub(crate) fn linear(self, linear: &Linear, input: Tensor<2>) -> Tensor<2> {
        if self == Self::F32 {
            return linear.forward(input);
        }
        let weight = linear.weight.val().cast(self.dtype());
        let product = input.cast(self.dtype()).matmul(weight.transpose());
        product.cast(FloatDType::F32) + linear.bias.val().unsqueeze()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::testing::{batch, classifier, head};
    use crate::{DropoutKey, Features, ForwardOptions};

    /// The loss of a tiny model, and the gradient of a weight below all of its layers.
    fn run(precision: Precision) -> (f32, Vec<f32>) {
        let device = Device::flex().autodiff();
        let model = classifier(&head(Features::Pooled, &[]), &device);
        let options = ForwardOptions {
            precision,
            dropout: Some(DropoutKey { seed: 1, step: 2 }),
            ..ForwardOptions::default()
        };
        let batch = batch(&[&[1, 5, 7, 2], &[1, 9, 9, 4, 2]]);
        let logits = model.forward(&batch, &options).unwrap().logits;
        let loss = logits.powi_scalar(2).sum();
        let gradients = loss.clone().backward();
        let words = &model.encoder.embeddings.word_embeddings.weight;
        let gradient = words.grad(&gradients).unwrap();
        assert_eq!(gradient.dtype(), burn::tensor::DType::F32);
        let gradient = gradient.into_data().try_to_vec().unwrap();
        (loss.into_scalar::<f32>(), gradient)
    }

    #[test]
    fn half_the_bits_give_about_the_same_loss_and_gradient() {
        let (wanted, wanted_gradient) = run(Precision::F32);
        let largest = wanted_gradient.iter().fold(0_f32, |a, b| a.max(b.abs()));
        for (precision, tolerance) in [(Precision::Bf16, 5e-2), (Precision::F16, 5e-3)] {
            let (loss, gradient) = run(precision);
            assert_ne!(loss, wanted, "{precision:?}");
            assert!(
                (loss / wanted - 1.0).abs() < tolerance,
                "{precision:?}: {loss} {wanted}"
            );
            for (found, wanted) in gradient.iter().zip(&wanted_gradient) {
                assert!(
                    (found - wanted).abs() < tolerance * largest,
                    "{precision:?}"
                );
            }
        }
    }
}
