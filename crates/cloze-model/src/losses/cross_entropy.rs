use burn::tensor::{Tensor, activation};
use thiserror::Error;

use crate::parameter_source::f32_data;

/// Settings of the cross-entropy, as `torch.nn.CrossEntropyLoss` has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    /// A weight a class; the mean is then taken over the weights of the targets.
    pub class_weights: Option<Vec<f32>>,
    /// The share of a target that is spread over all classes, from 0 to 1.
    pub label_smoothing: f64,
}

/// Why a loss cannot be computed.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum LossError {
    /// There are more or fewer targets than rows of logits.
    #[error("{rows} rows of logits need as many targets, found {targets}")]
    Targets {
        /// Rows of logits.
        rows: usize,
        /// Number of targets.
        targets: usize,
    },
    /// A target is no class.
    #[error("target {target} is not one of {classes} classes")]
    Class {
        /// The target.
        target: usize,
        /// Number of classes.
        classes: usize,
    },
    /// There are more or fewer class weights than classes.
    #[error("{classes} classes need as many class weights, found {weights}")]
    Weights {
        /// Number of classes.
        classes: usize,
        /// Number of weights.
        weights: usize,
    },
    /// A class weight is negative or not finite, or all targets of a batch weigh 0.
    #[error("class weights must be numbers from 0 up, and not all 0, found {0:?}")]
    Weight(Vec<f32>),
    /// The smoothing is no share.
    #[error("label smoothing must lie between 0 and 1, found {0}")]
    Smoothing(f64),
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
    let shares = shares(rows, classes, targets, settings)?;
    let shares = Tensor::from_data(f32_data(shares, &[rows, classes]), &logits.device());
    Ok((activation::log_softmax(logits, 1) * shares).sum().neg())
}

/// With what every log-probability enters the loss, `[rows, classes]`.
fn shares(
    rows: usize,
    classes: usize,
    targets: &[usize],
    settings: &CrossEntropy,
) -> Result<Vec<f32>, LossError> {
    check(rows, classes, targets, settings)?;
    let smoothing = settings.label_smoothing;
    let weight = |class: usize| match &settings.class_weights {
        Some(weights) => f64::from(weights[class]),
        None => 1.0,
    };
    let total: f64 = targets.iter().map(|&target| weight(target)).sum();
    if total <= 0.0 {
        return Err(LossError::Weight(
            settings.class_weights.clone().unwrap_or_default(),
        ));
    }
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
    Ok(shares.collect())
}

fn check(
    rows: usize,
    classes: usize,
    targets: &[usize],
    settings: &CrossEntropy,
) -> Result<(), LossError> {
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
    }
}
