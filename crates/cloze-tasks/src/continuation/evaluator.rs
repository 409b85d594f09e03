use super::NEXT_TOKEN_ACCURACY;
use crate::Evaluator;
pub use crate::masked_lm::NoPrediction;
use crate::metrics::{Evaluation, Metrics, perplexity};

/// Sums of losses and hits over the next tokens of a text.
#[derive(Clone, Debug, Default)]
pub struct ContinuationEvaluator {
    loss: f64,
    hits: usize,
    total: usize,
}

impl ContinuationEvaluator {
    /// Adds next tokens: their mean loss, the likeliest ones and the right ones.
    pub(super) fn add(&mut self, mean_loss: f64, found: &[usize], expected: &[usize]) {
        let pairs = found.iter().zip(expected);
        self.loss += mean_loss * expected.len() as f64;
        self.hits += pairs.filter(|(found, expected)| found == expected).count();
        self.total += expected.len();
    }
}

impl Evaluator for ContinuationEvaluator {
    type Prediction = NoPrediction;

    fn evaluation(&self) -> Evaluation {
        // 0 of nothing.
        let total = self.total.max(1) as f64;
        let loss = self.loss / total;
        let mut metrics = Metrics::new();
        metrics.set("perplexity", perplexity(loss));
        metrics.set(NEXT_TOKEN_ACCURACY, self.hits as f64 / total);
        metrics.set("loss", loss);
        Evaluation {
            metrics,
            tables: Vec::new(),
        }
    }

    fn keep_predictions(&mut self) {}

    fn take_predictions(&mut self) -> Vec<NoPrediction> {
        Vec::new()
    }

    fn last_predictions(&mut self) -> Vec<NoPrediction> {
        Vec::new()
    }
}
