//! Softmax cross-entropy, as `torch.nn.CrossEntropyLoss`.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::rows_per_block;
use crate::elementary::exp;
use crate::elementwise::{Elementwise, for_each};
use crate::reductions::{LANES, Step, Sum, greatest, reduce, reduce_into, total};

/// Logits that are turned into exponentials and added up while they are in the first-level
/// cache: whole lanes of a reduction.
const CHUNK: usize = 16 * LANES;

/// The mean cross-entropy over rows of logits, each with the class that it should be.
///
/// With class weights `w` and label smoothing `ε` over `C` classes, as PyTorch has it:
/// `Σᵢ ((1 - ε) · w[tᵢ] · -log pᵢ[tᵢ] + ε / C · Σ_c w[c] · -log pᵢ[c]) / Σᵢ w[tᵢ]`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CrossEntropy<'a> {
    /// `[classes]`; 1 where there are none.
    pub class_weights: Option<&'a [f32]>,
    /// The share of a target that is spread over all classes, from 0 to 1.
    pub label_smoothing: f64,
}

/// Logits whose gradient is wanted.
#[derive(Debug)]
pub struct Logits<'a> {
    /// `[rows, classes]`; `None` if `gradient` holds them.
    pub logits: Option<&'a [f32]>,
    /// `[rows, classes]`: receives the gradient of the mean loss.
    pub gradient: &'a mut [f32],
    /// `[rows]`: the class of every row.
    pub targets: &'a [usize],
}

impl CrossEntropy<'_> {
    /// The mean loss of `logits`, `[rows, classes]`, on all threads. Not a number if there are
    /// no rows, or their classes weigh nothing.
    ///
    /// # Panics
    /// If there is not a class weight for every class, or a target is none of the classes.
    pub fn loss(&self, logits: &[f32], targets: &[usize]) -> f64 {
        let terms = self.terms(logits.len(), targets);
        let rows = rows_per_block(terms.classes);
        let block = (rows * terms.classes).max(1);
        let arch = Arch::new();
        let losses: Vec<f64> = logits
            .par_chunks(block)
            .zip(targets.par_chunks(rows))
            .map(|(logits, targets)| {
                arch.dispatch(LossBlock {
                    terms: &terms,
                    logits,
                    targets,
                })
            })
            .collect();
        // In order, whatever thread finished first.
        losses.iter().sum::<f64>() / terms.total_weight
    }

    /// The mean loss, and its gradient with respect to the logits, on all threads.
    ///
    /// # Panics
    /// If logits and gradient differ in length, there is not a class weight for every class,
    /// or a target is none of the classes.
    pub fn loss_and_gradient(&self, rows: Logits<'_>) -> f64 {
        let Logits {
            logits,
            gradient,
            targets,
        } = rows;
        let terms = self.terms(gradient.len(), targets);
        if let Some(logits) = logits {
            assert_eq!(
                logits.len(),
                gradient.len(),
                "logits and gradient differ in length"
            );
        }
        let rows = rows_per_block(terms.classes);
        let block = (rows * terms.classes).max(1);
        let arch = Arch::new();
        let losses: Vec<f64> = gradient
            .par_chunks_mut(block)
            .zip(targets.par_chunks(rows))
            .enumerate()
            .map(|(index, (gradient, targets))| {
                let start = index * block;
                arch.dispatch(GradientBlock {
                    terms: &terms,
                    logits: logits.map(|logits| &logits[start..start + gradient.len()]),
                    gradient,
                    targets,
                })
            })
            .collect();
        losses.iter().sum::<f64>() / terms.total_weight
    }

    fn terms(&self, logits: usize, targets: &[usize]) -> Terms<'_> {
        let rows = targets.len();
        let classes = logits.checked_div(rows).unwrap_or(0);
        assert_eq!(logits, rows * classes, "a row of logits for every target");
        if let Some(&target) = targets.iter().max() {
            assert!(
                target < classes,
                "target {target} is not one of {classes} classes"
            );
        }
        if let (Some(weights), 1..) = (self.class_weights, rows) {
            assert_eq!(weights.len(), classes, "a weight for every class");
        }
        let mut terms = Terms {
            classes,
            weights: self.class_weights,
            own_share: 1.0 - self.label_smoothing,
            spread: 0.0,
            weights_sum: classes as f64,
            total_weight: 0.0,
        };
        if classes > 0 {
            terms.spread = self.label_smoothing / classes as f64;
        }
        if let Some(weights) = self.class_weights {
            terms.weights_sum = weights.iter().map(|&weight| f64::from(weight)).sum();
        }
        terms.total_weight = targets.iter().map(|&target| terms.weight(target)).sum();
        terms
    }
}

/// What all rows share.
struct Terms<'a> {
    classes: usize,
    weights: Option<&'a [f32]>,
    /// The share of the target that its own class keeps: `1 - ε`.
    own_share: f64,
    /// What every class gets: `ε / C`.
    spread: f64,
    /// `Σ_c w[c]`.
    weights_sum: f64,
    /// `Σᵢ w[tᵢ]`.
    total_weight: f64,
}

impl Terms<'_> {
    fn weight(&self, class: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[class].into())
    }

    /// What multiplies the logarithm of a row's sum of exponentials.
    fn row_weight(&self, target: usize) -> f64 {
        self.own_share * self.weight(target) + self.spread * self.weights_sum
    }

    /// The loss of a row of logits with their maximum and the sum of `exp(logit - maximum)`.
    #[inline(always)]
    fn row_loss<S: Simd>(&self, simd: S, row: &[f32], target: usize, softmax: Softmax) -> f64 {
        let Softmax { maximum, sum } = softmax;
        let own = f64::from(row[target]) - f64::from(maximum);
        let mut loss = self.row_weight(target) * f64::from(sum).ln();
        loss -= self.own_share * self.weight(target) * own;
        if self.spread > 0.0 {
            let step = ShiftedSum { maximum };
            let all = match self.weights {
                Some(weights) => total(reduce(simd, [row, weights], 0.0, step)),
                None => total(reduce(simd, [row], 0.0, step)),
            };
            loss -= self.spread * f64::from(all);
        }
        loss
    }
}

/// What a softmax divides by.
#[derive(Clone, Copy)]
struct Softmax {
    maximum: f32,
    /// Of `exp(logit - maximum)`.
    sum: f32,
}

struct LossBlock<'a> {
    terms: &'a Terms<'a>,
    logits: &'a [f32],
    targets: &'a [usize],
}

// A closure would not be inlined into the function that turns vector instructions on.
impl WithSimd for LossBlock<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let mut losses = 0.0;
        let rows = self.logits.chunks(self.terms.classes);
        for (row, &target) in rows.zip(self.targets) {
            let maximum = greatest(simd, row);
            let sum = total(reduce(simd, [row], 0.0, ExpSum { maximum }));
            losses += self
                .terms
                .row_loss(simd, row, target, Softmax { maximum, sum });
        }
        losses
    }
}

struct GradientBlock<'a> {
    terms: &'a Terms<'a>,
    /// `None`: `gradient` holds them.
    logits: Option<&'a [f32]>,
    gradient: &'a mut [f32],
    targets: &'a [usize],
}

impl WithSimd for GradientBlock<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let terms = self.terms;
        let classes = terms.classes;
        let mut losses = 0.0;
        let rows = self.gradient.chunks_mut(classes).zip(self.targets);
        for (index, (gradient, &target)) in rows.enumerate() {
            if let Some(logits) = self.logits {
                gradient.copy_from_slice(&logits[index * classes..(index + 1) * classes]);
            }
            let maximum = greatest(simd, gradient);
            // The smoothing's part is read off the logits before they are gone.
            let part = Softmax { maximum, sum: 1.0 };
            let linear = terms.row_loss(simd, gradient, target, part);
            let sum = exponentials(simd, gradient, maximum);
            losses += linear + terms.row_weight(target) * f64::from(sum).ln();
            let probability = terms.row_weight(target) / terms.total_weight / f64::from(sum);
            let scale = Scale {
                probability: probability as f32,
                spread: (terms.spread / terms.total_weight) as f32,
            };
            match terms.weights {
                Some(weights) if terms.spread > 0.0 => {
                    for_each(simd, scale, [weights], [&mut *gradient])
                }
                _ => for_each(simd, scale, [], [&mut *gradient]),
            }
            let own = terms.own_share * terms.weight(target) / terms.total_weight;
            gradient[target] -= own as f32;
        }
        losses
    }
}

/// Turns a row of logits into `exp(logit - maximum)` and returns their sum.
#[inline(always)]
fn exponentials<S: Simd>(simd: S, row: &mut [f32], maximum: f32) -> f32 {
    let mut lanes = [0.0; LANES];
    for chunk in row.chunks_mut(CHUNK) {
        for_each(simd, ShiftedExp { maximum }, [], [&mut *chunk]);
        reduce_into(simd, &mut lanes, [chunk], Sum);
    }
    total(lanes)
}

#[derive(Clone, Copy)]
struct ShiftedExp {
    maximum: f32,
}

impl ShiftedExp {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        exp(simd, simd.sub_f32s(x, simd.splat_f32s(self.maximum)))
    }
}

impl Elementwise<0, 1> for ShiftedExp {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, []: [S::f32s; 0], [x]: [S::f32s; 1]) -> [S::f32s; 1] {
        [self.of(simd, x)]
    }
}

/// Adds up `exp(x - maximum)`.
#[derive(Clone, Copy)]
struct ExpSum {
    maximum: f32,
}

impl Step<1> for ExpSum {
    #[inline(always)]
    fn padding(self) -> [f32; 1] {
        [f32::NEG_INFINITY]
    }

    #[inline(always)]
    fn step<S: Simd>(self, simd: S, lanes: S::f32s, [x]: [S::f32s; 1]) -> S::f32s {
        let Self { maximum } = self;
        simd.add_f32s(lanes, ShiftedExp { maximum }.of(simd, x))
    }
}

/// Adds up `x - maximum`, weighted or not.
#[derive(Clone, Copy)]
struct ShiftedSum {
    maximum: f32,
}

impl Step<1> for ShiftedSum {
    #[inline(always)]
    fn padding(self) -> [f32; 1] {
        [self.maximum]
    }

    #[inline(always)]
    fn step<S: Simd>(self, simd: S, lanes: S::f32s, [x]: [S::f32s; 1]) -> S::f32s {
        simd.add_f32s(lanes, simd.sub_f32s(x, simd.splat_f32s(self.maximum)))
    }
}

impl Step<2> for ShiftedSum {
    #[inline(always)]
    fn padding(self) -> [f32; 2] {
        [self.maximum, 0.0]
    }

    #[inline(always)]
    fn step<S: Simd>(self, simd: S, lanes: S::f32s, [x, weight]: [S::f32s; 2]) -> S::f32s {
        let shifted = simd.sub_f32s(x, simd.splat_f32s(self.maximum));
        simd.mul_add_f32s(shifted, weight, lanes)
    }
}

/// From an exponential to the gradient of its logit, but for the target's own share.
#[derive(Clone, Copy)]
struct Scale {
    probability: f32,
    spread: f32,
}

impl Elementwise<0, 1> for Scale {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, []: [S::f32s; 0], [x]: [S::f32s; 1]) -> [S::f32s; 1] {
        let spread = simd.splat_f32s(-self.spread);
        [simd.mul_add_f32s(x, simd.splat_f32s(self.probability), spread)]
    }
}

impl Elementwise<1, 1> for Scale {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, [weight]: [S::f32s; 1], [x]: [S::f32s; 1]) -> [S::f32s; 1] {
        let spread = simd.mul_f32s(weight, simd.splat_f32s(-self.spread));
        [simd.mul_add_f32s(x, simd.splat_f32s(self.probability), spread)]
    }
}

#[cfg(test)]
mod tests;
