use burn::tensor::{Tensor, activation};
use cloze_kernels::losses;

use super::LossError;
use crate::bridge;
use crate::parameter_source::f32_data;

/// Settings of the binary cross-entropy, as `torch.nn.BCEWithLogitsLoss` has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BinaryCrossEntropy {
    /// For each label, how much a text that has it counts, where one that has it not counts 1
    /// (PyTorch's `pos_weight`); 1 where there are none.
    pub positive_weights: Option<Vec<f32>>,
}

/// The mean binary cross-entropy of a batch: logits `[batch, labels]` and as many targets from 0 to
/// 1, row by row → `[1]`.
///
/// With positive weights `p`, as PyTorch has it: the mean over all `batch · labels` of
/// `-p[c] · y · log σ(z) - (1 - y) · log σ(-z)`.
///
/// # Errors
/// If targets, weights and logits do not fit together.
pub fn binary_cross_entropy(
    logits: Tensor<2>,
    targets: &[f32],
    settings: &BinaryCrossEntropy,
) -> Result<Tensor<1>, LossError> {
    let [rows, labels] = logits.dims();
    check(rows, labels, targets, settings)?;
    let fused = losses::BinaryCrossEntropy {
        positive_weights: settings.positive_weights.as_deref(),
    };
    Ok(
        bridge::binary_cross_entropy_forward(&logits, targets, &fused)
            .unwrap_or_else(|| composed(logits, targets, settings)),
    )
}

/// The loss out of the tensor library's operations, for devices without kernels.
fn composed(logits: Tensor<2>, targets: &[f32], settings: &BinaryCrossEntropy) -> Tensor<1> {
    let shape = logits.dims();
    let labels = shape[1];
    let count = targets.len() as f32;
    let weight = |index: usize| match &settings.positive_weights {
        Some(weights) => weights[index % labels],
        None => 1.0,
    };
    let positive = targets
        .iter()
        .enumerate()
        .map(|(index, target)| weight(index) * target / count);
    let negative = targets.iter().map(|target| (1.0 - target) / count);
    let on_device =
        |shares: Vec<f32>| Tensor::from_data(f32_data(shares, &shape), &logits.device());
    let (positive, negative) = (
        on_device(positive.collect()),
        on_device(negative.collect::<Vec<f32>>()),
    );
    let present = activation::log_sigmoid(logits.clone()) * positive;
    let absent = activation::log_sigmoid(logits.neg()) * negative;
    (present + absent).sum().neg()
}

fn check(
    rows: usize,
    labels: usize,
    targets: &[f32],
    settings: &BinaryCrossEntropy,
) -> Result<(), LossError> {
    if rows == 0 || labels == 0 {
        return Err(LossError::Empty);
    }
    if targets.len() != rows * labels {
        return Err(LossError::TargetTable {
            rows,
            columns: labels,
            targets: targets.len(),
        });
    }
    if let Some(&target) = targets.iter().find(|target| !(0.0..=1.0).contains(*target)) {
        return Err(LossError::Target(target));
    }
    if let Some(weights) = &settings.positive_weights {
        if weights.len() != labels {
            return Err(LossError::PositiveWeights {
                labels,
                weights: weights.len(),
            });
        }
        if !weights
            .iter()
            .all(|weight| *weight >= 0.0 && weight.is_finite())
        {
            return Err(LossError::PositiveWeight(weights.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    const LOGITS: [[f32; 3]; 4] = [
        [2.0, -1.0, 0.5],
        [0.0, 3.0, -2.0],
        [1.0, 1.0, 1.0],
        [-4.0, 0.0, 20.0],
    ];
    const TARGETS: [f32; 12] = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.25, 1.0];

    #[test]
    fn loss_and_gradient_are_those_of_the_composed_loss() {
        let device = Device::flex().autodiff();
        for positive_weights in [None, Some(vec![0.5, 2.0, 0.0])] {
            let settings = BinaryCrossEntropy { positive_weights };
            let run = |scale: f32, loss: &dyn Fn(Tensor<2>) -> Tensor<1>| {
                let logits = Tensor::<2>::from_floats(LOGITS, &device).require_grad();
                let loss = loss(logits.clone());
                let gradients = (loss.clone() * scale).backward();
                let gradient = logits.grad(&gradients).unwrap();
                (loss.into_scalar::<f32>(), gradient)
            };
            let fused = |logits| binary_cross_entropy(logits, &TARGETS, &settings).unwrap();
            let reference = |logits| composed(logits, &TARGETS, &settings);
            for scale in [1.0, 0.25] {
                let (fused, reference) = (run(scale, &fused), run(scale, &reference));
                assert!(reference.0 > 0.3, "{}", reference.0);
                assert!((fused.0 - reference.0).abs() < 1e-6 * reference.0);
                let difference = (fused.1 - reference.1).abs().max();
                assert!(difference.into_scalar::<f32>() < 1e-6);
            }
            let plain = Tensor::<2>::from_floats(LOGITS, &Device::flex());
            let loss = fused(plain).into_scalar::<f32>();
            assert_eq!(loss, run(1.0, &fused).0);
        }
    }

    /// `torch.nn.functional.binary_cross_entropy_with_logits` of PyTorch 2.15.
    #[test]
    fn a_confident_mistake_costs_its_logit() {
        let logits = Tensor::<2>::from_floats([[30.0, -30.0]], &Device::flex());
        let loss = binary_cross_entropy(logits, &[0.0, 1.0], &Default::default());
        assert_eq!(loss.unwrap().into_scalar::<f32>(), 30.0);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let refuse = |targets: &[f32], weights: Option<&[f32]>| {
            let positive_weights = weights.map(<[f32]>::to_vec);
            let logits = Tensor::<2>::from_floats(LOGITS, &Device::flex());
            binary_cross_entropy(logits, targets, &BinaryCrossEntropy { positive_weights })
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refuse(&[0.0, 1.0], None),
            "4 rows of 3 logits need as many targets, found 2"
        );
        assert_eq!(
            refuse(&[2.0; 12], None),
            "a target must lie between 0 and 1, found 2"
        );
        assert_eq!(
            refuse(&TARGETS, Some(&[1.0])),
            "3 labels need as many positive weights, found 1"
        );
        assert!(refuse(&TARGETS, Some(&[1.0, -1.0, 1.0])).contains("from 0 up"));
        assert_eq!(check(0, 3, &[], &Default::default()), Err(LossError::Empty));
    }
}
