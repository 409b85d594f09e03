use serde::Serialize;

use crate::Evaluator;
use crate::metrics::Evaluation;
use crate::metrics::correlation::{mean_squared_error, pearson, spearman};

/// What the model says about one row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RegressionPrediction {
    /// The row's own number.
    pub label: f64,
    /// The model's.
    pub predicted: f64,
}

/// Collects numbers: of every row its own and the model's, 12 bytes, as Spearman's correlation ranks
/// all of them.
#[derive(Clone, Debug, Default)]
pub struct RegressionEvaluator {
    predicted: Vec<f32>,
    targets: Vec<f64>,
    /// How many of the rows' predictions were taken; `None` where none are wanted.
    taken: Option<usize>,
}

impl RegressionEvaluator {
    /// Adds rows: what the model says, and their own numbers.
    ///
    /// # Panics
    /// If there are more of the ones than of the others.
    pub fn add(&mut self, predicted: &[f32], targets: &[f64]) {
        assert_eq!(predicted.len(), targets.len());
        self.predicted.extend_from_slice(predicted);
        self.targets.extend_from_slice(targets);
    }
}

impl Evaluator for RegressionEvaluator {
    type Prediction = RegressionPrediction;

    fn evaluation(&self) -> Evaluation {
        let predicted: Vec<f64> = self.predicted.iter().copied().map(f64::from).collect();
        let error = mean_squared_error(&predicted, &self.targets);
        Evaluation {
            metrics: [
                ("pearson", pearson(&predicted, &self.targets)),
                ("spearman", spearman(&predicted, &self.targets)),
                ("mean_squared_error", error),
                ("loss", error),
            ]
            .into_iter()
            .collect(),
            tables: Vec::new(),
        }
    }

    fn keep_predictions(&mut self) {
        self.taken.get_or_insert(self.targets.len());
    }

    fn take_predictions(&mut self) -> Vec<RegressionPrediction> {
        let Some(taken) = &mut self.taken else {
            return Vec::new();
        };
        let first = std::mem::replace(taken, self.targets.len());
        let pairs = self.targets.iter().zip(&self.predicted).skip(first);
        let prediction = |(&label, &predicted): (&f64, &f32)| RegressionPrediction {
            label,
            predicted: f64::from(predicted),
        };
        pairs.map(prediction).collect()
    }

    fn last_predictions(&mut self) -> Vec<RegressionPrediction> {
        self.take_predictions()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_in_the_order_in_which_they_come() {
        let mut evaluator = RegressionEvaluator::default();
        evaluator.keep_predictions();
        evaluator.add(&[1.0, 2.5], &[1.0, 2.0]);
        let predictions = evaluator.take_predictions();
        evaluator.add(&[2.0], &[3.0]);
        assert_eq!(
            (predictions.len(), evaluator.take_predictions().len()),
            (2, 1)
        );
        assert_eq!((predictions[1].label, predictions[1].predicted), (2.0, 2.5));
        let metrics = evaluator.evaluation().metrics;
        assert_eq!(metrics.get("loss"), Some((0.25 + 1.0) / 3.0));
        assert_eq!(metrics.get("spearman"), Some(0.5));
        assert!((metrics.get("pearson").unwrap() - 0.654_653_670_707_977_1).abs() < 1e-12);
    }
}
