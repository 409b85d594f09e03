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

/// Collects numbers.
#[derive(Clone, Debug, Default)]
pub struct RegressionEvaluator {
    predicted: Vec<f64>,
    targets: Vec<f64>,
}

impl RegressionEvaluator {
    /// Adds rows: what the model says, and their own numbers.
    ///
    /// # Panics
    /// If there are more of the ones than of the others.
    pub fn add(&mut self, predicted: &[f32], targets: &[f64]) {
        assert_eq!(predicted.len(), targets.len());
        self.predicted
            .extend(predicted.iter().copied().map(f64::from));
        self.targets.extend_from_slice(targets);
    }
}

impl Evaluator for RegressionEvaluator {
    type Prediction = RegressionPrediction;

    fn evaluation(&self) -> Evaluation {
        let error = mean_squared_error(&self.predicted, &self.targets);
        Evaluation {
            metrics: [
                ("pearson", pearson(&self.predicted, &self.targets)),
                ("spearman", spearman(&self.predicted, &self.targets)),
                ("mean_squared_error", error),
                ("loss", error),
            ]
            .into_iter()
            .collect(),
            tables: Vec::new(),
        }
    }

    fn predictions(&self) -> impl Iterator<Item = RegressionPrediction> + '_ {
        let pairs = self.targets.iter().zip(&self.predicted);
        pairs.map(|(&label, &predicted)| RegressionPrediction { label, predicted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_in_the_order_in_which_they_come() {
        let mut evaluator = RegressionEvaluator::default();
        evaluator.add(&[1.0, 2.5], &[1.0, 2.0]);
        evaluator.add(&[2.0], &[3.0]);
        let predictions: Vec<_> = evaluator.predictions().collect();
        assert_eq!((predictions[1].label, predictions[1].predicted), (2.0, 2.5));
        let metrics = evaluator.evaluation().metrics;
        assert_eq!(metrics.get("loss"), Some((0.25 + 1.0) / 3.0));
        assert_eq!(metrics.get("spearman"), Some(0.5));
        assert!((metrics.get("pearson").unwrap() - 0.654_653_670_707_977_1).abs() < 1e-12);
    }
}
