//! The learning rate of every step.
//!
//! The curves are those of `transformers.get_scheduler` and `torch.optim.lr_scheduler.StepLR`.
//! They count optimizer steps from 0, so a run with a warm-up starts at a rate of 0, as there.

use crate::config::{ScheduleConfig, ScheduleKind, ScheduleUnit};

/// The rate that the polynomial curve ends at; `lr_end` in `transformers`.
const POLYNOMIAL_END: f64 = 1e-7;

/// What a learning rate is multiplied with, by step.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    curve: Curve,
    warmup: u64,
    /// Optimizer steps at the end of each epoch.
    epoch_ends: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Curve {
    Constant,
    Linear,
    Cosine,
    Polynomial {
        power: f64,
        /// The end as a share of the highest rate.
        end: f64,
    },
    Step {
        size: u64,
        gamma: f64,
        unit: ScheduleUnit,
    },
}

impl Schedule {
    /// The schedule of a run whose epochs have these numbers of optimizer steps (with a budget of
    /// tokens they differ from epoch to epoch).
    ///
    /// A `warmup` below 1 is a share of all steps, rounded up. `learning_rate` is the highest
    /// rate; only the polynomial curve, whose end is absolute, depends on it.
    pub fn new(config: &ScheduleConfig, learning_rate: f64, epoch_steps: &[u64]) -> Self {
        let mut total = 0;
        let epoch_ends: Vec<u64> = epoch_steps
            .iter()
            .map(|steps| {
                total += steps;
                total
            })
            .collect();
        let curve = match config.kind {
            ScheduleKind::Constant => Curve::Constant,
            ScheduleKind::Linear => Curve::Linear,
            ScheduleKind::Cosine => Curve::Cosine,
            ScheduleKind::Polynomial => Curve::Polynomial {
                power: config.power.unwrap_or(1.0),
                end: (POLYNOMIAL_END / learning_rate).min(1.0),
            },
            ScheduleKind::Step => Curve::Step {
                size: config.step_size.unwrap_or(1).max(1),
                gamma: config.gamma.unwrap_or(0.1),
                unit: config.unit.unwrap_or_default(),
            },
        };
        let warmup = if config.warmup < 1.0 {
            (total as f64 * config.warmup).ceil()
        } else {
            config.warmup
        };
        Self {
            curve,
            warmup: warmup as u64,
            epoch_ends,
        }
    }

    /// The same rate in every step.
    pub fn constant() -> Self {
        Self {
            curve: Curve::Constant,
            warmup: 0,
            epoch_ends: Vec::new(),
        }
    }

    /// Optimizer steps of the whole run.
    pub fn total_steps(&self) -> u64 {
        self.epoch_ends.last().copied().unwrap_or(0)
    }

    /// The factor of optimizer step `step`, counted from 0.
    pub fn factor(&self, step: u64) -> f64 {
        let warming = step < self.warmup;
        let rise = if warming {
            step as f64 / self.warmup as f64
        } else {
            1.0
        };
        match self.curve {
            // A step falls where the calendar says, whether the warm-up has ended or not.
            Curve::Step { size, gamma, unit } => {
                let count = match unit {
                    ScheduleUnit::Epochs => {
                        self.epoch_ends.partition_point(|&end| end <= step) as u64
                    }
                    ScheduleUnit::Steps => step,
                };
                rise * gamma.powf((count / size) as f64)
            }
            _ if warming => rise,
            Curve::Constant => 1.0,
            Curve::Linear => 1.0 - self.progress(step),
            Curve::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * self.progress(step)).cos()),
            Curve::Polynomial { power, end } => {
                (1.0 - end) * (1.0 - self.progress(step)).powf(power) + end
            }
        }
    }

    /// How far the curve after the warm-up is, from 0 to 1.
    fn progress(&self, step: u64) -> f64 {
        let length = self.total_steps().saturating_sub(self.warmup).max(1);
        ((step - self.warmup) as f64 / length as f64).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(kind: ScheduleKind, warmup: f64) -> ScheduleConfig {
        ScheduleConfig {
            kind,
            warmup,
            ..ScheduleConfig::default()
        }
    }

    fn rates(config: &ScheduleConfig, rate: f64, epochs: u64, per_epoch: u64) -> Vec<f64> {
        let schedule = Schedule::new(config, rate, &vec![per_epoch; epochs as usize]);
        (0..epochs * per_epoch)
            .map(|step| rate * schedule.factor(step))
            .collect()
    }

    fn assert_close(found: &[f64], wanted: &[f64]) {
        assert_eq!(found.len(), wanted.len());
        for (step, (found, wanted)) in found.iter().zip(wanted).enumerate() {
            assert!(
                (found - wanted).abs() < 1e-12,
                "step {step}: {found} {wanted}"
            );
        }
    }

    /// `get_linear_schedule_with_warmup(optimizer, 2, 10)` of `transformers` 5.23, lr 1.
    #[test]
    fn linear_equals_transformers() {
        let wanted = [0.0, 0.5, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125];
        assert_close(
            &rates(&schedule(ScheduleKind::Linear, 2.0), 1.0, 2, 5),
            &wanted,
        );
        assert_close(
            &rates(&schedule(ScheduleKind::Linear, 0.2), 1.0, 2, 5),
            &wanted,
        );
    }

    /// The other schedules of `transformers` 5.23 with 2 warm-up steps of 6: constant, cosine,
    /// polynomial of power 2 with lr 1e-3.
    #[test]
    fn the_other_curves_equal_transformers() {
        let constant = rates(&schedule(ScheduleKind::Constant, 2.0), 1.0, 1, 6);
        assert_close(&constant, &[0.0, 0.5, 1.0, 1.0, 1.0, 1.0]);
        let cosine = rates(&schedule(ScheduleKind::Cosine, 2.0), 1.0, 1, 6);
        let half = std::f64::consts::FRAC_1_SQRT_2 / 2.0;
        assert_close(&cosine, &[0.0, 0.5, 1.0, 0.5 + half, 0.5, 0.5 - half]);
        let config = ScheduleConfig {
            power: Some(2.0),
            ..schedule(ScheduleKind::Polynomial, 2.0)
        };
        let wanted = [0.0, 5e-4, 1e-3, 5.625_437_5e-4, 2.500_75e-4, 6.259_375e-5];
        assert_close(&rates(&config, 1e-3, 1, 6), &wanted);
    }

    /// `StepLR(optimizer, step_size=2, gamma=0.5)` of torch, stepped once an epoch of 3 batches.
    #[test]
    fn step_counts_epochs_like_torch() {
        let config = ScheduleConfig {
            step_size: Some(2),
            gamma: Some(0.5),
            ..schedule(ScheduleKind::Step, 0.0)
        };
        let wanted = [
            1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25,
        ];
        assert_close(&rates(&config, 1.0, 5, 3), &wanted);
    }

    #[test]
    fn step_counts_steps_where_asked() {
        let config = ScheduleConfig {
            step_size: Some(2),
            unit: Some(ScheduleUnit::Steps),
            ..schedule(ScheduleKind::Step, 2.0)
        };
        assert_close(&rates(&config, 1.0, 1, 5), &[0.0, 0.5, 0.1, 0.1, 0.01]);
    }

    #[test]
    fn an_epoch_is_as_long_as_it_is() {
        let config = ScheduleConfig {
            step_size: Some(1),
            gamma: Some(0.5),
            ..schedule(ScheduleKind::Step, 0.0)
        };
        let schedule = Schedule::new(&config, 1.0, &[1, 3, 2]);
        let factors: Vec<f64> = (0..6).map(|step| schedule.factor(step)).collect();
        assert_eq!(factors, [1.0, 0.5, 0.5, 0.5, 0.25, 0.25]);
    }

    #[test]
    fn a_share_of_warm_up_is_rounded_up() {
        let schedule = Schedule::new(&schedule(ScheduleKind::Linear, 0.1), 1.0, &[15]);
        assert_eq!((schedule.factor(1), schedule.factor(2)), (0.5, 1.0));
    }
}
