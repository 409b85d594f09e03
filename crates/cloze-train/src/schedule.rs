//! The learning rate of every step.
//!
//! The curves are those of `transformers.get_scheduler` and `torch.optim.lr_scheduler.StepLR`.
//! They count optimizer steps from 0, so a run with a warm-up starts at a rate of 0, as there.

use std::f64::consts::PI;

use crate::config::{
    HALF_A_CYCLE, ONE_CYCLE, POLYNOMIAL_END, ScheduleConfig, ScheduleKind, ScheduleUnit,
};

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
    Cosine {
        /// Half ones: 0.5 falls to 0 once.
        cycles: f64,
    },
    CosineWithRestarts {
        cycles: f64,
    },
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
            ScheduleKind::Cosine => Curve::Cosine {
                cycles: config.cycles.unwrap_or(HALF_A_CYCLE),
            },
            ScheduleKind::CosineWithRestarts => Curve::CosineWithRestarts {
                cycles: config.cycles.unwrap_or(ONE_CYCLE),
            },
            ScheduleKind::Polynomial => Curve::Polynomial {
                power: config.power.unwrap_or(1.0),
                end: (config.end_learning_rate.unwrap_or(POLYNOMIAL_END) / learning_rate).min(1.0),
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

    /// Optimizer steps over which the rate rises.
    pub fn warmup_steps(&self) -> u64 {
        self.warmup
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
            Curve::Cosine { cycles } => {
                let angle = PI * 2.0 * cycles * self.progress(step);
                0.5 * (1.0 + angle.cos())
            }
            Curve::CosineWithRestarts { cycles } => match self.progress(step) {
                1.0.. => 0.0,
                progress => 0.5 * (1.0 + (PI * (cycles * progress).fract()).cos()),
            },
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
    use std::path::Path;

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

    /// `tools/reference/schedules_golden.py` has `transformers` and PyTorch compute these.
    #[test]
    fn every_curve_equals_transformers_or_pytorch() {
        #[derive(serde::Deserialize)]
        struct Case {
            schedule: ScheduleConfig,
            learning_rate: f64,
            epoch_steps: Vec<u64>,
            rates: Vec<f64>,
        }
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/schedules.json");
        let cases: Vec<Case> = testkit::golden::read_json(Path::new(file));
        assert!(cases.len() >= 13);
        for case in cases {
            let rate = case.learning_rate;
            let schedule = Schedule::new(&case.schedule, rate, &case.epoch_steps);
            assert_eq!(schedule.total_steps(), case.rates.len() as u64);
            for (step, wanted) in case.rates.iter().enumerate() {
                let found = rate * schedule.factor(step as u64);
                let what = format!("{:?}, step {step}: {found} {wanted}", case.schedule);
                assert!((found - wanted).abs() < 1e-12 * rate.max(1.0), "{what}");
            }
        }
    }

    #[test]
    fn a_warm_up_by_share_is_one_by_steps() {
        let share = schedule(ScheduleKind::Linear, 0.2);
        let steps = schedule(ScheduleKind::Linear, 2.0);
        assert_close(&rates(&share, 1.0, 2, 5), &rates(&steps, 1.0, 2, 5));
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
