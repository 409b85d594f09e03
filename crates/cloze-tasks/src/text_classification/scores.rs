use serde::Serialize;

/// A label and how likely it is; the fields of a `transformers` pipeline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelScore {
    /// The label.
    pub label: String,
    /// Its probability.
    pub score: f64,
}

/// Natural logarithms of the probabilities of one row of logits.
pub(super) fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let shifted: Vec<f64> = logits
        .iter()
        .map(|&logit| f64::from(logit) - f64::from(highest))
        .collect();
    let total: f64 = shifted.iter().map(|value| value.exp()).sum();
    shifted
        .into_iter()
        .map(|value| value - total.ln())
        .collect()
}

/// Probabilities of one row of logits.
pub fn softmax(logits: &[f32]) -> Vec<f64> {
    log_softmax(logits).into_iter().map(f64::exp).collect()
}
