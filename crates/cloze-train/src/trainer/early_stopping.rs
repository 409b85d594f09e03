//! The end of a run before its last epoch.

use cloze_tasks::Task;
use cloze_tasks::metrics::{Direction, Metrics};

use super::Trainer;
use crate::error::TrainError;
use crate::events::Event;
use crate::log::LogLine;
use crate::state::Patience;

impl<T: Task + Clone> Trainer<'_, T> {
    /// Whether no epoch is left, or none is worth it.
    pub(super) fn is_over(&self) -> bool {
        let patience = self.progress.early_stopping.as_ref();
        patience.is_some_and(|patience| patience.exhausted)
            || self.progress.epoch >= self.config.train.epochs
    }

    /// Takes in an evaluation of the validation rows, and says so where it ends the run.
    pub(super) fn consider_stopping(
        &mut self,
        step: u64,
        validation: &Metrics,
    ) -> Result<(), TrainError> {
        let Some(config) = &self.config.train.early_stopping else {
            return Ok(());
        };
        let metric = config.metric.unwrap_or(self.config.best()).name();
        let patience = self.progress.early_stopping.get_or_insert(Patience {
            best: None,
            evaluations: 0,
            exhausted: false,
        });
        let direction = self.training.task().direction(metric);
        patience.take_in(validation.get(metric), direction, config.min_delta);
        patience.exhausted = patience.evaluations >= config.patience;
        let Patience {
            best,
            evaluations,
            exhausted,
        } = *patience;
        if !exhausted || self.progress.epoch >= self.config.train.epochs {
            return Ok(());
        }
        self.observer.observe(&Event::EarlyStop {
            metric,
            best,
            evaluations,
        });
        self.append(&LogLine::EarlyStop {
            step,
            metric: metric.into(),
            best,
            evaluations,
        })
    }
}

impl Patience {
    /// Counts an evaluation. A value that is missing or no number is no improvement.
    fn take_in(&mut self, value: Option<f64>, direction: Option<Direction>, min_delta: f64) {
        let improved = |value: &f64| match (self.best, direction) {
            _ if value.is_nan() => false,
            (None, _) | (_, None) => true,
            (Some(best), Some(Direction::HigherIsBetter)) => value - best > min_delta,
            (Some(best), Some(Direction::LowerIsBetter)) => best - value > min_delta,
        };
        match value.filter(improved) {
            Some(value) => {
                self.best = Some(value);
                self.evaluations = 0;
            }
            None => self.evaluations += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluations(values: &[f64], direction: Direction, min_delta: f64) -> Vec<u64> {
        let mut patience = Patience {
            best: None,
            evaluations: 0,
            exhausted: false,
        };
        let count = |value: &f64| {
            patience.take_in(Some(*value), Some(direction), min_delta);
            patience.evaluations
        };
        values.iter().map(count).collect()
    }

    #[test]
    fn an_improvement_starts_the_count_again() {
        let accuracies = [0.5, 0.5, 0.4, 0.6, f64::NAN, 0.7];
        let counts = evaluations(&accuracies, Direction::HigherIsBetter, 0.0);
        assert_eq!(counts, [0, 1, 2, 0, 1, 0]);
        let losses = [0.5, 0.6, 0.4, 0.4];
        let counts = evaluations(&losses, Direction::LowerIsBetter, 0.0);
        assert_eq!(counts, [0, 1, 0, 1]);
    }

    /// As in Keras: small improvements add up, since each is compared with the last that counted.
    #[test]
    fn a_small_improvement_does_not_count() {
        let accuracies = [0.5, 0.52, 0.54, 0.56, 0.57];
        let counts = evaluations(&accuracies, Direction::HigherIsBetter, 0.05);
        assert_eq!(counts, [0, 1, 2, 0, 1]);
    }

    #[test]
    fn a_metric_that_is_not_there_does_not_improve() {
        let mut patience = Patience {
            best: Some(0.5),
            evaluations: 1,
            exhausted: false,
        };
        patience.take_in(None, None, 0.0);
        assert_eq!((patience.best, patience.evaluations), (Some(0.5), 2));
    }
}
