//! The logits of rows: of a text that is read in several windows the mean over its windows.
//!
//! The mean of logits is what a single prediction is made of, so labels, losses and metrics stay
//! what they are for a text of one window; the gradient of a row's loss goes to all its windows in
//! equal parts.

use burn::tensor::Tensor;
use cloze_core::PackedBatch;
use cloze_model::{Features, ForwardError, ForwardOptions, SequenceClassifier};

use crate::Input;

/// Tokens that are computed together where rows have windows and nothing is trained: the longest
/// text needs no more memory than these.
const TOKENS: usize = 8192;

/// The logits of a batch's rows, `[rows, labels]`, with their graph if the model's parameters want
/// gradients.
pub(crate) fn logits(
    model: &SequenceClassifier,
    input: &Input<'_, Features>,
    options: &ForwardOptions,
) -> Result<Tensor<2>, ForwardError> {
    match input {
        Input::Tokens(batch) => {
            let output = model.forward(batch, options)?;
            Ok(mean_of_windows(output.logits, batch))
        }
        Input::Features(features, rows) => {
            model.classify_frozen(*features, (*rows).clone(), options)
        }
    }
}

/// The logits of a batch's rows without dropout, `[rows, labels]`, row by row.
///
/// # Errors
/// If the batch does not fit the model (an id above the vocabulary, a sequence too long).
pub fn logit_values(
    model: &SequenceClassifier,
    input: &Input<'_, Features>,
) -> Result<Vec<f32>, ForwardError> {
    let options = ForwardOptions::default();
    match input {
        Input::Tokens(batch) if batch.has_windows() => {
            let mut values = Vec::new();
            for part in parts(batch) {
                let output = model.forward(&part, &options)?;
                values.extend(output.logits.into_data().iter::<f32>());
            }
            Ok(mean_values(&values, batch))
        }
        _ => {
            let logits = logits(model, input, &options)?;
            Ok(logits.into_data().iter::<f32>().collect())
        }
    }
}

/// `[sequences, labels]` → `[rows, labels]`.
fn mean_of_windows(logits: Tensor<2>, batch: &PackedBatch) -> Tensor<2> {
    if !batch.has_windows() {
        return logits;
    }
    let sequence = |index: usize| logits.clone().narrow(0, index, 1);
    let rows = batch.windows().map(|windows| {
        let count = windows.len();
        let first = sequence(windows.start);
        if count == 1 {
            return first;
        }
        let others = windows.skip(1).map(sequence);
        others.fold(first, |sum, logits| sum + logits) / count as f64
    });
    Tensor::cat(rows.collect(), 0)
}

/// The same for numbers.
fn mean_values(logits: &[f32], batch: &PackedBatch) -> Vec<f32> {
    let labels = logits.len() / batch.sequences();
    let mut means = Vec::with_capacity(batch.rows() * labels);
    for windows in batch.windows() {
        for label in 0..labels {
            let sum: f32 = windows
                .clone()
                .map(|row| logits[row * labels + label])
                .sum();
            means.push(sum / windows.len() as f32);
        }
    }
    means
}

/// The sequences of a batch in batches of few tokens.
fn parts(batch: &PackedBatch) -> Vec<PackedBatch> {
    let mut parts = Vec::new();
    let mut first = 0;
    let offsets = batch.offsets();
    for end in 1..=batch.sequences() {
        let is_full = |end: usize| offsets[end] - offsets[first] > TOKENS;
        if end == batch.sequences() || is_full(end + 1) {
            let sequence = |tokens: &[usize]| {
                let tokens = tokens[0]..tokens[1];
                let ids = &batch.input_ids()[tokens.clone()];
                (ids, &batch.token_type_ids()[tokens])
            };
            let sequences = offsets[first..=end].windows(2).map(sequence);
            let part = PackedBatch::from_sequences(sequences);
            parts.push(part.expect("sequences of a batch are a batch"));
            first = end;
        }
    }
    parts
}

#[cfg(test)]
mod tests;
