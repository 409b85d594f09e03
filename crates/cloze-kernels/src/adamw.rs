//! AdamW and Adam as PyTorch computes them, in place, in one pass over a tensor.
//!
//! Loshchilov, Hutter: *Decoupled weight decay regularization*, ICLR 2019.
//! Kingma, Ba: *Adam: a method for stochastic optimization*, ICLR 2015.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Elements that a thread takes at a time: four arrays of this fit into its second-level cache.
const BLOCK: usize = 1 << 15;

/// How weights decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WeightDecay {
    /// AdamW: weights shrink by `learning rate · decay`, apart from the gradient.
    Decoupled(f64),
    /// Adam: `decay · weight` is added to the gradient.
    Coupled(f64),
}

/// One step of AdamW or Adam for one tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Decay of the mean of gradients; PyTorch's default is 0.9.
    pub beta1: f64,
    /// Decay of the mean of squared gradients; PyTorch's default is 0.999.
    pub beta2: f64,
    /// Added to the denominator; PyTorch's default is 1e-8.
    pub epsilon: f64,
    /// Weight decay.
    pub weight_decay: WeightDecay,
    /// The number of this step for this tensor, from 1, for bias correction.
    pub step: u64,
    /// Gradients are multiplied with this first: below 1 when a norm is clipped, `1 / n` for a
    /// mean over `n` accumulated batches, else 1.
    pub gradient_scale: f64,
}

impl Default for AdamW {
    /// PyTorch's AdamW: betas 0.9 and 0.999, epsilon 1e-8, decoupled decay 0.01, rate 1e-3.
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: WeightDecay::Decoupled(0.01),
            step: 1,
            gradient_scale: 1.0,
        }
    }
}

/// The numbers of a step as an element sees them, worked out in `f64` once a tensor.
#[derive(Clone, Copy, Debug)]
pub struct Coefficients {
    /// `gradient_scale`.
    pub gradient_scale: f32,
    /// What a weight is multiplied with before the step: `1 - learning rate · decay`.
    pub shrink: f32,
    /// What of a weight is added to its gradient.
    pub coupled_decay: f32,
    /// `1 - beta1`.
    pub mean_share: f32,
    /// `beta2`.
    pub square_keep: f32,
    /// `1 - beta2`.
    pub square_share: f32,
    /// `√(1 - beta2^step)`.
    pub root_correction: f32,
    /// `epsilon`.
    pub epsilon: f32,
    /// `learning_rate / (1 - beta1^step)`.
    pub step_size: f32,
}

impl AdamW {
    /// The numbers that every element of a tensor shares in this step.
    pub fn coefficients(&self) -> Coefficients {
        let correction = |beta: f64| 1.0 - beta.powf(self.step as f64);
        let (shrink, coupled) = match self.weight_decay {
            WeightDecay::Decoupled(decay) => (1.0 - self.learning_rate * decay, 0.0),
            WeightDecay::Coupled(decay) => (1.0, decay),
        };
        Coefficients {
            gradient_scale: self.gradient_scale as f32,
            shrink: shrink as f32,
            coupled_decay: coupled as f32,
            mean_share: (1.0 - self.beta1) as f32,
            square_keep: self.beta2 as f32,
            square_share: (1.0 - self.beta2) as f32,
            root_correction: correction(self.beta2).sqrt() as f32,
            epsilon: self.epsilon as f32,
            step_size: (self.learning_rate / correction(self.beta1)) as f32,
        }
    }

    /// Updates `parameter`, `mean` and `square` (the running means of the gradient and of its
    /// square, all 0 before step 1) with `gradient`, on all threads.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn update(
        &self,
        parameter: &mut [f32],
        gradient: &[f32],
        mean: &mut [f32],
        square: &mut [f32],
    ) {
        let lengths = [gradient.len(), mean.len(), square.len()];
        assert_eq!(
            lengths,
            [parameter.len(); 3],
            "parameter and state differ in length"
        );
        let coefficients = self.coefficients();
        let arch = Arch::new();
        parameter
            .par_chunks_mut(BLOCK)
            .zip(gradient.par_chunks(BLOCK))
            .zip(mean.par_chunks_mut(BLOCK))
            .zip(square.par_chunks_mut(BLOCK))
            .for_each(|(((parameter, gradient), mean), square)| {
                arch.dispatch(Block {
                    coefficients,
                    parameter,
                    gradient,
                    mean,
                    square,
                });
            });
    }
}

struct Block<'a> {
    coefficients: Coefficients,
    parameter: &'a mut [f32],
    gradient: &'a [f32],
    mean: &'a mut [f32],
    square: &'a mut [f32],
}

// A closure would not be inlined into the function that turns vector instructions on.
impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            coefficients,
            parameter,
            gradient,
            mean,
            square,
        } = self;
        // Equal lengths, said once, let the loop run without checks and vectorise.
        let n = parameter.len();
        let (gradient, mean, square) = (&gradient[..n], &mut mean[..n], &mut square[..n]);
        for i in 0..n {
            (parameter[i], mean[i], square[i]) =
                coefficients.element(parameter[i], gradient[i], mean[i], square[i]);
        }
    }
}

impl Coefficients {
    /// The step of one element: its new value, mean and square.
    #[inline(always)]
    pub fn element(
        &self,
        parameter: f32,
        gradient: f32,
        mean: f32,
        square: f32,
    ) -> (f32, f32, f32) {
        let gradient = gradient * self.gradient_scale + parameter * self.coupled_decay;
        let mean = mean + (gradient - mean) * self.mean_share;
        let square = square * self.square_keep + gradient * gradient * self.square_share;
        let denominator = square.sqrt() / self.root_correction + self.epsilon;
        (
            parameter * self.shrink - self.step_size * mean / denominator,
            mean,
            square,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::philox::fill_normal;
    use proptest::prelude::*;

    fn random(length: usize, stream: u64) -> Vec<f32> {
        let mut values = vec![0.0; length];
        fill_normal(&mut values, 1, stream, 1.0);
        values
    }

    /// The papers' formulas, in `f64`.
    fn reference(adamw: &AdamW, p: f64, g: f64, m: f64, v: f64) -> (f64, f64, f64) {
        let (decoupled, coupled) = match adamw.weight_decay {
            WeightDecay::Decoupled(decay) => (decay, 0.0),
            WeightDecay::Coupled(decay) => (0.0, decay),
        };
        let g = g * adamw.gradient_scale + coupled * p;
        let m = adamw.beta1 * m + (1.0 - adamw.beta1) * g;
        let v = adamw.beta2 * v + (1.0 - adamw.beta2) * g * g;
        let m_hat = m / (1.0 - adamw.beta1.powf(adamw.step as f64));
        let v_hat = v / (1.0 - adamw.beta2.powf(adamw.step as f64));
        let rate = adamw.learning_rate;
        let p = p - rate * decoupled * p - rate * m_hat / (v_hat.sqrt() + adamw.epsilon);
        (p, m, v)
    }

    /// Three steps of `torch.optim.AdamW` and `torch.optim.Adam` (2.15, `lr=0.1`,
    /// `weight_decay=0.1`, other arguments as they come) on one weight.
    #[test]
    fn three_steps_equal_pytorch() {
        for (weight_decay, expected) in [
            (
                WeightDecay::Decoupled(0.1),
                [0.890_000_05, 0.854_466_4, 0.778_856_93],
            ),
            (
                WeightDecay::Coupled(0.1),
                [0.900_000_04, 0.854_441_4, 0.783_170_46],
            ),
        ] {
            let (mut p, mut m, mut v) = ([1.0], [0.0], [0.0]);
            for (step, (gradient, expected)) in
                [0.5, -0.25, 2.0].into_iter().zip(expected).enumerate()
            {
                let adamw = AdamW {
                    learning_rate: 0.1,
                    weight_decay,
                    step: step as u64 + 1,
                    ..AdamW::default()
                };
                adamw.update(&mut p, &[gradient], &mut m, &mut v);
                assert!(
                    (p[0] - expected).abs() < 2e-7,
                    "step {step}: {} {expected}",
                    p[0]
                );
            }
        }
    }

    #[test]
    fn one_thread_computes_what_many_compute() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let (mut p, g) = (random(100_003, 1), random(100_003, 2));
            let (mut m, mut v) = (vec![0.0; g.len()], vec![0.0; g.len()]);
            pool.install(|| AdamW::default().update(&mut p, &g, &mut m, &mut v));
            (p, m, v)
        };
        assert!(run(1) == run(3));
    }

    #[test]
    #[should_panic(expected = "differ in length")]
    fn a_state_of_another_length_is_refused() {
        AdamW::default().update(&mut [0.0; 3], &[0.0; 3], &mut [0.0; 3], &mut [0.0; 2]);
    }

    proptest! {
        #[test]
        fn every_element_equals_the_reference(
            length in prop_oneof![0_usize..20, Just(97), Just(32_771)],
            step in 1_u64..50,
            coupled: bool,
        ) {
            let decay = if coupled { WeightDecay::Coupled } else { WeightDecay::Decoupled };
            let adamw = AdamW {
                learning_rate: 0.01, step, weight_decay: decay(0.1), gradient_scale: 0.3,
                ..AdamW::default()
            };
            let (mut p, g, mut m) = (random(length, 1), random(length, 2), random(length, 3));
            // Not near 0, where the formula itself magnifies the last bit.
            let mut v: Vec<f32> = random(length, 4).iter().map(|x| x * x + 0.1).collect();
            let before: Vec<_> = (0..length).map(|i| (p[i], m[i], v[i])).collect();
            adamw.update(&mut p, &g, &mut m, &mut v);
            for i in 0..length {
                let (p0, m0, v0) = before[i];
                prop_assert_eq!((p[i], m[i], v[i]), adamw.coefficients().element(p0, g[i], m0, v0));
                let (wp, wm, wv) = reference(&adamw, p0.into(), g[i].into(), m0.into(), v0.into());
                for (found, wanted) in [(p[i], wp), (m[i], wm), (v[i], wv)] {
                    prop_assert!((f64::from(found) - wanted).abs() <= 1e-6 * (1.0 + wanted.abs()));
                }
            }
        }
    }
}
