use burn::tensor::{Device, Int, Tensor};
use cloze_core::PackedBatch;

use crate::parameter_source::f32_data;

/// The rows of a packed batch, `[tokens, hidden]`, as padded sequences, `[batch, seq, hidden]`
/// with zeros at padding. Gradients flow back through it.
pub fn unpack(rows: Tensor<2>, batch: &PackedBatch) -> Tensor<3> {
    let [tokens, hidden] = rows.dims();
    let (sequences, length) = (batch.sequences(), batch.max_length());
    if sequences * length == tokens {
        return rows.reshape([sequences, length, hidden]);
    }
    let device = rows.device();
    // One row of zeros stands for all padding.
    let rows = Tensor::cat(vec![rows, Tensor::zeros([1, hidden], &device)], 0);
    let indices = padded_rows(batch, length, tokens as i64);
    let indices = Tensor::<1, Int>::from_data(indices.as_slice(), &device);
    rows.select(0, indices).reshape([sequences, length, hidden])
}

/// For every place of a padded batch the packed row that stands there, or `padding`.
fn padded_rows(batch: &PackedBatch, length: usize, padding: i64) -> Vec<i64> {
    let mut rows = Vec::with_capacity(batch.sequences() * length);
    for sequence in batch.offsets().windows(2) {
        rows.extend(sequence[0] as i64..sequence[1] as i64);
        rows.resize(rows.len() + length - (sequence[1] - sequence[0]), padding);
    }
    rows
}

/// How attention finds the sequences of a packed batch: the only place that pads.
pub(crate) struct Padding {
    pub(crate) lengths: Vec<usize>,
    /// Length of the longest sequence.
    pub(crate) padded: usize,
    /// Where sequences differ in length.
    ragged: Option<Ragged>,
}

struct Ragged {
    /// For every padded place a packed row, `[batch * seq]`.
    packed_rows: Tensor<1, Int>,
    /// For every packed row its padded place, `[tokens]`.
    padded_rows: Tensor<1, Int>,
    /// Added to scores: 0 for tokens, the lowest number for padding, `[batch, 1, 1, seq]`.
    scores: Tensor<4>,
    /// 1 for tokens, 0 for padding, `[batch, 1, seq, 1]`.
    queries: Tensor<4>,
}

impl Padding {
    pub(crate) fn new(batch: &PackedBatch, device: &Device) -> Self {
        let lengths: Vec<usize> = batch.lengths().collect();
        let padded = batch.max_length();
        let ragged =
            (batch.sequences() * padded != batch.tokens()).then(|| Ragged::new(batch, device));
        Self {
            lengths,
            padded,
            ragged,
        }
    }

    /// `[tokens, heads * size]` → `[batch, heads, seq, size]`. What stands at padding is some
    /// row of the batch: finite, and never seen because of [`mask`](Self::mask).
    pub(crate) fn split_heads(&self, rows: Tensor<2>, heads: usize) -> Tensor<4> {
        let [_, hidden] = rows.dims();
        let rows = match &self.ragged {
            Some(ragged) => rows.select(0, ragged.packed_rows.clone()),
            None => rows,
        };
        rows.reshape([self.lengths.len(), self.padded, heads, hidden / heads])
            .swap_dims(1, 2)
    }

    /// `[batch, heads, seq, size]` → `[tokens, heads * size]`.
    pub(crate) fn merge_heads(&self, heads: Tensor<4>) -> Tensor<2> {
        let [batch, count, padded, size] = heads.dims();
        let rows = heads
            .swap_dims(1, 2)
            .reshape([batch * padded, count * size]);
        match &self.ragged {
            Some(ragged) => rows.select(0, ragged.padded_rows.clone()),
            None => rows,
        }
    }

    /// Lets no token see padding: scores `[batch, heads, seq, seq]` before the softmax.
    pub(crate) fn mask(&self, scores: Tensor<4>) -> Tensor<4> {
        match &self.ragged {
            Some(ragged) => scores + ragged.scores.clone(),
            None => scores,
        }
    }

    /// Weights with zeros in the rows of padding, for those who look at them.
    pub(crate) fn clear_padding(&self, weights: Tensor<4>) -> Tensor<4> {
        match &self.ragged {
            Some(ragged) => weights * ragged.queries.clone(),
            None => weights,
        }
    }
}

impl Ragged {
    fn new(batch: &PackedBatch, device: &Device) -> Self {
        let (sequences, padded) = (batch.sequences(), batch.max_length());
        let places = batch.lengths().enumerate().flat_map(|(sequence, length)| {
            (0..length).map(move |position| (sequence * padded + position) as i64)
        });
        let places: Vec<i64> = places.collect();
        let per_place = |token: f32, padding: f32, shape: [usize; 4]| {
            let values = batch.lengths().flat_map(|length| {
                (0..padded).map(move |position| if position < length { token } else { padding })
            });
            Tensor::from_data(f32_data(values.collect(), &shape), device)
        };
        Self {
            packed_rows: Tensor::from_data(padded_rows(batch, padded, 0).as_slice(), device),
            padded_rows: Tensor::from_data(places.as_slice(), device),
            scores: per_place(0.0, f32::MIN, [sequences, 1, 1, padded]),
            queries: per_place(1.0, 0.0, [sequences, 1, padded, 1]),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn batch(lengths: &[usize]) -> PackedBatch {
        let zeros = vec![0; lengths.iter().copied().max().unwrap_or(0)];
        let sequences = lengths
            .iter()
            .map(|&length| (&zeros[..length], &zeros[..length]));
        PackedBatch::from_sequences(sequences).unwrap()
    }

    /// Row `r` holds `4r, 4r + 1, …`, counted from 1.
    fn rows(tokens: usize) -> Tensor<2> {
        let values = (1..=4 * tokens).map(|value| value as f32).collect();
        Tensor::from_data(f32_data(values, &[tokens, 4]), &Device::flex())
    }

    #[test]
    fn unpacked_rows_stand_at_their_positions_with_zeros_behind_them() {
        let unpacked = unpack(rows(3), &batch(&[1, 2]));
        let values: Vec<f32> = unpacked.into_data().try_to_vec().unwrap();
        assert_eq!(values[..8], [1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(values[8..], [5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0]);
    }

    proptest! {
        #[test]
        fn heads_that_are_split_and_merged_are_the_rows_again(
            lengths in prop::collection::vec(1_usize..7, 1..6)
        ) {
            let batch = batch(&lengths);
            let padding = Padding::new(&batch, &Device::flex());
            let split = padding.split_heads(rows(batch.tokens()), 2);
            prop_assert_eq!(split.dims(), [lengths.len(), 2, batch.max_length(), 2]);
            let merged = padding.merge_heads(split);
            prop_assert_eq!(merged.to_data(), rows(batch.tokens()).to_data());
        }
    }
}
