//! Sigmoid and binary cross-entropy, as `torch.nn.BCEWithLogitsLoss`.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::rows_per_block;
use crate::elementary::{exp, ln_1p};
use crate::elementwise::{Elementwise, for_each};
use crate::reductions::{Step, reduce, total};

/// The mean binary cross-entropy over all logits, each with a target from 0 to 1.
///
/// With positive weights `p`: `-p[c] · y · log σ(z) - (1 - y) · log σ(-z)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct BinaryCrossEntropy<'a> {
    /// `[classes]`; 1 where there are none.
    pub positive_weights: Option<&'a [f32]>,
}

/// Logits whose gradient is wanted.
#[derive(Debug)]
pub struct BinaryLogits<'a> {
    /// `[rows, classes]`; `None` if `gradient` holds them.
    pub logits: Option<&'a [f32]>,
    /// `[rows, classes]`: receives the gradient of the mean loss.
    pub gradient: &'a mut [f32],
    /// `[rows, classes]`: 1 where a class applies, 0 where it does not.
    pub targets: &'a [f32],
    /// Number of classes.
    pub classes: usize,
}

impl BinaryCrossEntropy<'_> {
    /// The mean loss, and its gradient with respect to the logits, on all threads. Not a number
    /// if there are no logits.
    ///
    /// # Panics
    /// If logits, gradient and targets differ in length, that is no multiple of `classes`, or
    /// there is not a weight for every class.
    pub fn loss_and_gradient(&self, rows: BinaryLogits<'_>) -> f64 {
        let BinaryLogits {
            logits,
            gradient,
            targets,
            classes,
        } = rows;
        let length = gradient.len();
        if let Some(logits) = logits {
            assert_eq!(logits.len(), length, "logits and gradient differ in length");
        }
        let weights = self.weights(targets, length, classes);
        let scale = (1.0 / length as f64) as f32;
        let block = (rows_per_block(classes) * classes).max(1);
        let arch = Arch::new();
        let losses: Vec<f64> = gradient
            .par_chunks_mut(block)
            .zip(targets.par_chunks(block))
            .enumerate()
            .map(|(index, (gradient, targets))| {
                if let Some(logits) = logits {
                    let start = index * block;
                    gradient.copy_from_slice(&logits[start..start + gradient.len()]);
                }
                let rows = LossBlock {
                    logits: gradient,
                    targets,
                    weights: &weights,
                };
                let loss = arch.dispatch(rows);
                arch.dispatch(GradientBlock {
                    gradient,
                    targets,
                    weights: &weights,
                    scale,
                });
                loss
            })
            .collect();
        // In order, whatever thread finished first.
        losses.iter().sum::<f64>() / length as f64
    }

    /// The mean loss of `logits` with `targets`, both `[rows, classes]`, on all threads. Not a
    /// number if there are no logits.
    ///
    /// # Panics
    /// If logits and targets differ in length, that is no multiple of `classes`, or there is
    /// not a weight for every class.
    pub fn loss(&self, logits: &[f32], targets: &[f32], classes: usize) -> f64 {
        let weights = self.weights(targets, logits.len(), classes);
        let block = (rows_per_block(classes) * classes).max(1);
        let arch = Arch::new();
        let losses: Vec<f64> = logits
            .par_chunks(block)
            .zip(targets.par_chunks(block))
            .map(|(logits, targets)| {
                arch.dispatch(LossBlock {
                    logits,
                    targets,
                    weights: &weights,
                })
            })
            .collect();
        losses.iter().sum::<f64>() / logits.len() as f64
    }

    fn weights(&self, targets: &[f32], length: usize, classes: usize) -> Vec<f32> {
        assert_eq!(targets.len(), length, "logits and targets differ in length");
        let rows = length.checked_div(classes).unwrap_or(0);
        assert_eq!(
            length,
            rows * classes,
            "logits are no whole rows of {classes} classes"
        );
        let weights = self.positive_weights.map(<[f32]>::to_vec);
        let weights = weights.unwrap_or_else(|| vec![1.0; classes]);
        assert_eq!(weights.len(), classes, "a weight for every class");
        weights
    }
}

struct LossBlock<'a> {
    logits: &'a [f32],
    targets: &'a [f32],
    weights: &'a [f32],
}

// A closure would not be inlined into the function that turns vector instructions on.
impl WithSimd for LossBlock<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let classes = self.weights.len();
        let mut losses = 0.0;
        for (logits, targets) in self
            .logits
            .chunks(classes)
            .zip(self.targets.chunks(classes))
        {
            let rows = [logits, targets, self.weights];
            losses += f64::from(total(reduce(simd, rows, 0.0, Loss)));
        }
        losses
    }
}

struct GradientBlock<'a> {
    /// Holds the logits.
    gradient: &'a mut [f32],
    targets: &'a [f32],
    weights: &'a [f32],
    scale: f32,
}

impl WithSimd for GradientBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let classes = self.weights.len();
        let rows = self.gradient.chunks_mut(classes);
        for (gradient, targets) in rows.zip(self.targets.chunks(classes)) {
            let function = Gradient { scale: self.scale };
            for_each(simd, function, [targets, self.weights], [gradient]);
        }
    }
}

/// `exp(-|z|)`, which does not overflow.
#[inline(always)]
fn decay<S: Simd>(simd: S, logits: S::f32s) -> S::f32s {
    exp(simd, simd.neg_f32s(simd.abs_f32s(logits)))
}

/// Adds up the losses.
#[derive(Clone, Copy)]
struct Loss;

impl Step<3> for Loss {
    #[inline(always)]
    fn padding(self) -> [f32; 3] {
        // The loss of a logit that is 0 whatever the target: no weight, and a target of 1.
        [0.0, 1.0, 0.0]
    }

    #[inline(always)]
    fn step<S: Simd>(self, simd: S, lanes: S::f32s, [z, y, weight]: [S::f32s; 3]) -> S::f32s {
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        let log = ln_1p(simd, decay(simd, z));
        // -log σ(z) and -log σ(-z).
        let positive = simd.greater_than_f32s(z, zero);
        let for_one = simd.add_f32s(log, simd.select_f32s(positive, zero, simd.neg_f32s(z)));
        let for_zero = simd.add_f32s(log, simd.select_f32s(positive, z, zero));
        let lanes = simd.mul_add_f32s(simd.mul_f32s(weight, y), for_one, lanes);
        simd.mul_add_f32s(simd.sub_f32s(one, y), for_zero, lanes)
    }
}

/// From a logit to its gradient: `((1 - y) · σ(z) - p · y · σ(-z)) · scale`.
#[derive(Clone, Copy)]
struct Gradient {
    scale: f32,
}

impl Elementwise<2, 1> for Gradient {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, [y, weight]: [S::f32s; 2], [z]: [S::f32s; 1]) -> [S::f32s; 1] {
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        let decay = decay(simd, z);
        let larger = simd.div_f32s(one, simd.add_f32s(one, decay));
        let smaller = simd.mul_f32s(decay, larger);
        let positive = simd.greater_than_f32s(z, zero);
        let sigmoid = simd.select_f32s(positive, larger, smaller);
        let complement = simd.select_f32s(positive, smaller, larger);
        let from_zero = simd.mul_f32s(simd.sub_f32s(one, y), sigmoid);
        let pull = simd.mul_f32s(simd.mul_f32s(weight, y), complement);
        let gradient = simd.sub_f32s(from_zero, pull);
        [simd.mul_f32s(gradient, simd.splat_f32s(self.scale))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::philox::fill_normal;
    use proptest::prelude::*;

    fn random(length: usize, stream: u64, std: f64) -> Vec<f32> {
        let mut values = vec![0.0; length];
        fill_normal(&mut values, 1, stream, std);
        values
    }

    fn in_place(
        loss: BinaryCrossEntropy<'_>,
        logits: &[f32],
        targets: &[f32],
        classes: usize,
    ) -> (f64, Vec<f32>) {
        let mut gradient = logits.to_vec();
        let loss = loss.loss_and_gradient(BinaryLogits {
            logits: None,
            gradient: &mut gradient,
            targets,
            classes,
        });
        (loss, gradient)
    }

    /// The formula of [`BinaryCrossEntropy`] in `f64`.
    fn reference(z: f64, y: f64, weight: f64) -> f64 {
        let softplus = |z: f64| z.max(0.0) + (-z.abs()).exp().ln_1p();
        weight * y * softplus(-z) + (1.0 - y) * softplus(z)
    }

    /// `torch.nn.functional.binary_cross_entropy_with_logits` 2.15 in double precision.
    #[test]
    fn losses_and_gradients_equal_pytorch() {
        let weights = [2.0, 1.0, 0.5];
        for (weighted, wanted, wanted_gradient) in [
            (
                false,
                10.267_902_310_550_24,
                [
                    -0.062_923_45,
                    0.044_823_57,
                    -0.019_867_154,
                    1.0 / 6.0,
                    -1.0 / 6.0,
                    1.0 / 24.0,
                ],
            ),
            (
                true,
                10.321_897_240_731_678,
                [
                    -0.125_846_9,
                    0.044_823_57,
                    -0.009_933_577,
                    1.0 / 6.0,
                    -1.0 / 6.0,
                    5.0 / 96.0,
                ],
            ),
        ] {
            let settings = BinaryCrossEntropy {
                positive_weights: weighted.then_some(&weights),
            };
            let logits = [0.5, -1.0, 2.0, 30.0, -30.0, 0.0];
            let targets = [1.0, 0.0, 1.0, 0.0, 1.0, 0.25];
            let (loss, gradient) = in_place(settings, &logits, &targets, 3);
            assert!((loss - wanted).abs() < 1e-6, "{loss} {wanted}");
            for (found, wanted) in gradient.iter().zip(wanted_gradient) {
                assert!((found - wanted).abs() < 2e-8, "{found} {wanted}");
            }
        }
    }

    #[test]
    fn large_logits_neither_overflow_nor_vanish() {
        let logits = [1e4, -1e4, 1e4, -1e4];
        let (loss, gradient) = in_place(Default::default(), &logits, &[1.0, 0.0, 0.0, 1.0], 2);
        assert_eq!((loss, gradient), (5e3, vec![0.0, 0.0, 0.25, -0.25]));
    }

    #[test]
    fn a_logit_that_is_no_number_makes_the_loss_none() {
        assert!(
            in_place(Default::default(), &[0.0, f32::NAN], &[0.0, 1.0], 2)
                .0
                .is_nan()
        );
    }

    #[test]
    fn one_thread_computes_what_many_compute() {
        let (logits, targets) = (random(3000 * 37, 1, 3.0), vec![1.0; 3000 * 37]);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| in_place(Default::default(), &logits, &targets, 37))
        };
        assert!(run(1) == run(3));
    }

    #[test]
    #[should_panic(expected = "no whole rows of 3 classes")]
    fn half_a_row_is_refused() {
        BinaryCrossEntropy::default().loss(&[0.0; 4], &[0.0; 4], 3);
    }

    proptest! {
        #[test]
        fn losses_and_gradients_equal_the_reference(
            rows in 1_usize..20,
            classes in prop_oneof![1_usize..20, Just(97), Just(131)],
            weighted: bool,
        ) {
            let logits = random(rows * classes, 1, 5.0);
            let weights: Vec<f32> = random(classes, 2, 1.0).iter().map(|w| w.abs()).collect();
            let targets: Vec<f32> = (0..logits.len()).map(|i| [0.0, 1.0, 0.0, 0.75][i % 4]).collect();
            let settings = BinaryCrossEntropy { positive_weights: weighted.then_some(&weights) };
            let (loss, gradient) = in_place(settings, &logits, &targets, classes);
            prop_assert_eq!(loss, settings.loss(&logits, &targets, classes));
            let mut apart = vec![f32::NAN; logits.len()];
            settings.loss_and_gradient(BinaryLogits {
                logits: Some(&logits), gradient: &mut apart, targets: &targets, classes,
            });
            prop_assert_eq!(&gradient, &apart);
            let mut scalar = logits.clone();
            let scale = (1.0 / logits.len() as f64) as f32;
            let full = weighted.then(|| weights.clone()).unwrap_or(vec![1.0; classes]);
            let block = LossBlock { logits: &logits, targets: &targets, weights: &full };
            let scalar_loss = block.with_simd(pulp::Scalar) / logits.len() as f64;
            prop_assert!((loss - scalar_loss).abs() <= 1e-15 * loss);
            GradientBlock { gradient: &mut scalar, targets: &targets, weights: &full, scale }
                .with_simd(pulp::Scalar);
            prop_assert_eq!(&gradient, &scalar);

            let count = logits.len() as f64;
            let mut wanted = 0.0;
            for index in 0..logits.len() {
                let weight = f64::from(full[index % classes]);
                let (z, y) = (f64::from(logits[index]), f64::from(targets[index]));
                wanted += reference(z, y, weight) / count;
                let [above, below] = [1e-5, -1e-5].map(|step| reference(z + step, y, weight));
                let slope = (above - below) / 2e-5 / count;
                let error = (f64::from(gradient[index]) - slope).abs();
                prop_assert!(error <= 1e-6 / count * (1.0 + weight));
            }
            prop_assert!((loss - wanted).abs() <= 1e-6 * (1.0 + wanted), "{} {}", loss, wanted);
        }
    }
}
