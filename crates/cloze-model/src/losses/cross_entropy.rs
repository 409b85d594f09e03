use burn::tensor::{Tensor, activation};
use cloze_kernels::losses;

use super::LossError;
use crate::bridge;
use crate::parameter_source::f32_data;

/// Settings of the cross-entropy, as `torch.nn.CrossEntropyLoss` has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    /// A weight a class; the mean is then taken over the weights of the targets.
    pub class_weights: Option<Vec<f32>>,
    /// The share of a target that is spread over all classes, from 0 to 1.
    pub label_smoothing: f64,
}

/// The mean cross-entropy of a batch: logits `[batch, classes]` and a class a row → `[1]`.
///
/// With class weights `w` and label smoothing `ε` over `C` classes, as PyTorch has it:
/// `Σᵢ ((1 - ε) · w[tᵢ] · -log pᵢ[tᵢ] + ε / C · Σ_c w[c] · -log pᵢ[c]) / Σᵢ w[tᵢ]`.
///
/// # Errors
/// If targets, weights and logits do not fit together.
pub fn cross_entropy(
    logits: Tensor<2>,
    targets: &[usize],
    settings: &CrossEntropy,
) -> Result<Tensor<1>, LossError> {
    let [rows, classes] = logits.dims();
    check(rows, classes, targets, settings)?;
    let fused = losses::CrossEntropy {
        class_weights: settings.class_weights.as_deref(),
        label_smoothing: settings.label_smoothing,
    };
    Ok(bridge::cross_entropy_forward(&logits, targets, &fused)
        .unwrap_or_else(|| composed(logits, targets, settings)))
}

/// The loss out of the tensor library's operations, for devices without kernels.
fn composed(logits: Tensor<2>, targets: &[usize], settings: &CrossEntropy) -> Tensor<1> {
    let [rows, classes] = logits.dims();
    let shares = shares(classes, targets, settings);
    let shares = Tensor::from_data(f32_data(shares, &[rows, classes]), &logits.device());
    (activation::log_softmax(logits, 1) * shares).sum().neg()
}

impl CrossEntropy {
    fn weight(&self, class: usize) -> f64 {
        match &self.class_weights {
            Some(weights) => f64::from(weights[class]),
            None => 1.0,
        }
    }
}

/// With what every log-probability enters the loss, `[rows, classes]`.
fn shares(classes: usize, targets: &[usize], settings: &CrossEntropy) -> Vec<f32> {
    let smoothing = settings.label_smoothing;
    let weight = |class| settings.weight(class);
    let total: f64 = targets.iter().map(|&target| weight(target)).sum();
    let shares = targets.iter().flat_map(|&target| {
        (0..classes).map(move |class| {
            let own = if class == target {
                1.0 - smoothing
            } else {
                0.0
            };
            (weight(class) * (own + smoothing / classes as f64) / total) as f32
        })
    });
    shares.collect()
}

fn check(
    rows: usize,
    classes: usize,
    targets: &[usize],
    settings: &CrossEntropy,
) -> Result<(), LossError> {
    if rows == 0 {
        return Err(LossError::Empty);
    }
    if targets.len() != rows {
        return Err(LossError::Targets {
            rows,
            targets: targets.len(),
        });
    }
    if let Some(&target) = targets.iter().find(|&&target| target >= classes) {
        return Err(LossError::Class { target, classes });
    }
    if !(0.0..=1.0).contains(&settings.label_smoothing) {
        return Err(LossError::Smoothing(settings.label_smoothing));
    }
    if let Some(weights) = &settings.class_weights {
        if weights.len() != classes {
            return Err(LossError::Weights {
                classes,
                weights: weights.len(),
            });
        }
        if !weights
            .iter()
            .all(|weight| *weight >= 0.0 && weight.is_finite())
        {
            return Err(LossError::Weight(weights.clone()));
        }
        if targets.iter().all(|&target| weights[target] == 0.0) {
            return Err(LossError::Weight(weights.clone()));
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
        [-4.0, 0.0, 90.0],
    ];
    const TARGETS: [usize; 4] = [0, 1, 2, 0];

    #[test]
    fn loss_and_gradient_are_those_of_the_composed_loss() {
        let device = Device::flex().autodiff();
        for (class_weights, label_smoothing) in
            [(None, 0.0), (None, 0.2), (Some(vec![0.5, 2.0, 0.0]), 0.1)]
        {
            let settings = CrossEntropy {
                class_weights,
                label_smoothing,
            };
            let run = |scale: f32, loss: &dyn Fn(Tensor<2>) -> Tensor<1>| {
                let logits = Tensor::<2>::from_floats(LOGITS, &device).require_grad();
                let loss = loss(logits.clone());
                let gradients = (loss.clone() * scale).backward();
                let gradient = logits.grad(&gradients).unwrap();
                (loss.into_scalar::<f32>(), gradient)
            };
            let fused = |logits| cross_entropy(logits, &TARGETS, &settings).unwrap();
            let reference = |logits| composed(logits, &TARGETS, &settings);
            for scale in [1.0, 0.25] {
                let (fused, reference) = (run(scale, &fused), run(scale, &reference));
                assert!((fused.0 - reference.0).abs() < 1e-6 * reference.0);
                let difference = (fused.1 - reference.1).abs().max();
                assert!(difference.into_scalar::<f32>() < 1e-6);
            }
            let plain = Tensor::<2>::from_floats(LOGITS, &Device::flex());
            let loss = fused(plain).into_scalar::<f32>();
            assert_eq!(loss, run(1.0, &fused).0);
        }
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let refuse = |targets: &[usize], weights: Option<&[f32]>, label_smoothing| {
            let class_weights = weights.map(<[f32]>::to_vec);
            let settings = CrossEntropy {
                class_weights,
                label_smoothing,
            };
            let logits = Tensor::<2>::from_floats(LOGITS, &Device::flex());
            cross_entropy(logits, targets, &settings)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refuse(&[0], None, 0.0),
            "4 rows of logits need as many targets, found 1"
        );
        assert_eq!(
            refuse(&[0, 1, 2, 3], None, 0.0),
            "target 3 is not one of 3 classes"
        );
        assert_eq!(
            refuse(&TARGETS, Some(&[1.0]), 0.0),
            "3 classes need as many class weights, found 1"
        );
        assert!(refuse(&TARGETS, Some(&[1.0, -1.0, 1.0]), 0.0).contains("from 0 up"));
        assert!(refuse(&[1; 4], Some(&[1.0, 0.0, 1.0]), 0.0).contains("not all 0"));
        assert!(refuse(&TARGETS, None, 1.5).contains("between 0 and 1"));
        assert_eq!(
            check(0, 3, &[], &CrossEntropy::default()),
            Err(LossError::Empty)
        );
    }
}
