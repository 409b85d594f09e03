use serde::Serialize;

use super::{MASKED_LOSS, NEXT_SENTENCE_LOSS};
use crate::Evaluator;
use crate::metrics::{Evaluation, Metrics, perplexity};

/// What is said about a single text: nothing, as a data set has as many masked tokens as others have
/// rows, and more.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum NoPrediction {}

/// Sums of losses and hits over a data set.
#[derive(Clone, Debug, Default)]
pub struct MaskedEvaluator {
    masked: Sums,
    /// Of next-sentence prediction, where there is such.
    pairs: Option<Sums>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    loss: f64,
    hits: usize,
    total: usize,
}

impl Sums {
    fn add(&mut self, mean_loss: f64, found: &[usize], expected: &[usize]) {
        let pairs = found.iter().zip(expected);
        self.loss += mean_loss * expected.len() as f64;
        self.hits += pairs.filter(|(found, expected)| found == expected).count();
        self.total += expected.len();
    }

    /// 0 of nothing.
    fn mean(&self, sum: f64) -> f64 {
        if self.total == 0 {
            return 0.0;
        }
        sum / self.total as f64
    }

    fn mean_loss(&self) -> f64 {
        self.mean(self.loss)
    }

    fn accuracy(&self) -> f64 {
        self.mean(self.hits as f64)
    }
}

impl MaskedEvaluator {
    pub(super) fn new(next_sentence: bool) -> Self {
        Self {
            masked: Sums::default(),
            pairs: next_sentence.then(Sums::default),
        }
    }

    /// Adds masked tokens: their mean loss, the likeliest words and the right ones.
    pub(super) fn add_masked(&mut self, mean_loss: f64, found: &[usize], expected: &[usize]) {
        self.masked.add(mean_loss, found, expected);
    }

    /// Adds pairs of texts, in the same way.
    pub(super) fn add_pairs(&mut self, mean_loss: f64, found: &[usize], expected: &[usize]) {
        if let Some(pairs) = &mut self.pairs {
            pairs.add(mean_loss, found, expected);
        }
    }
}

impl Evaluator for MaskedEvaluator {
    type Prediction = NoPrediction;

    fn evaluation(&self) -> Evaluation {
        let masked = self.masked.mean_loss();
        let mut metrics = Metrics::new();
        metrics.set("perplexity", perplexity(masked));
        metrics.set("masked_accuracy", self.masked.accuracy());
        match &self.pairs {
            Some(pairs) => {
                metrics.set("next_sentence_accuracy", pairs.accuracy());
                metrics.set(MASKED_LOSS, masked);
                metrics.set(NEXT_SENTENCE_LOSS, pairs.mean_loss());
                metrics.set("loss", masked + pairs.mean_loss());
            }
            None => metrics.set("loss", masked),
        }
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
