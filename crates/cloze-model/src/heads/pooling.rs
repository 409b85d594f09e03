use burn::tensor::{Device, Int, Tensor};
use cloze_core::PackedBatch;
use serde::{Deserialize, Serialize};

use super::Features;
use crate::encoder::{Encoder, ForwardError, unpack};
use crate::parameter_source::f32_data;

/// How the states of a text's tokens become one vector, under the names that
/// `sentence-transformers` has for it. Special tokens are pooled like all others.
///
/// Some tokens in front may be skipped, those of a prompt; at least the last token stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The first token that is not skipped: `[CLS]`.
    Cls,
    /// The largest value of each dimension.
    Max,
    /// The mean.
    Mean,
    /// The sum over the square root of the number of tokens.
    #[serde(rename = "mean_sqrt_len_tokens")]
    MeanSqrtLength,
    /// The mean in which a token weighs as much as its position, counted from 1 (Muennighoff 2022).
    WeightedMean,
    /// The last token, `[SEP]`.
    LastToken,
    /// The pooled output of the encoder: a dense layer and tanh over `[CLS]`, whatever is skipped.
    /// `sentence-transformers` has no name for it.
    Pooled,
}

impl Pooling {
    /// All of them, those of `sentence-transformers` in the order in which it concatenates them.
    pub const ALL: [Self; 7] = [
        Self::Cls,
        Self::Max,
        Self::Mean,
        Self::MeanSqrtLength,
        Self::WeightedMean,
        Self::LastToken,
        Self::Pooled,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cls => "cls",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::MeanSqrtLength => "mean_sqrt_len_tokens",
            Self::WeightedMean => "weightedmean",
            Self::LastToken => "lasttoken",
            Self::Pooled => "pooled",
        }
    }

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pooling| pooling.name() == name)
    }

    /// Last hidden states, `[tokens, hidden]` → `[batch, hidden]`, without the first `skipped`
    /// tokens of each sequence.
    ///
    /// # Errors
    /// If pooled output is wanted and the encoder has no pooler.
    pub fn apply(
        self,
        encoder: &Encoder,
        hidden: Tensor<2>,
        batch: &PackedBatch,
        skipped: usize,
    ) -> Result<Tensor<2>, ForwardError> {
        let kept = Kept { batch, skipped };
        let device = &hidden.device();
        Ok(match self {
            Self::Pooled => return encoder.pooled(hidden, batch),
            Self::Cls if skipped == 0 => encoder.first_rows(hidden, batch),
            Self::Cls => select(hidden, kept.rows().map(|(first, _)| first)),
            Self::LastToken => select(hidden, kept.rows().map(|(_, end)| end - 1)),
            Self::Max => kept.max(hidden),
            Self::Mean => kept.sum(hidden) / kept.counts(device, |count| count),
            Self::MeanSqrtLength => kept.sum(hidden) / kept.counts(device, f32::sqrt),
            Self::WeightedMean => kept.weighted_mean(hidden),
        })
    }
}

impl From<Features> for Pooling {
    fn from(features: Features) -> Self {
        match features {
            Features::Pooled => Self::Pooled,
            Features::Cls => Self::Cls,
            Features::Mean => Self::Mean,
        }
    }
}

/// The tokens of a batch that are pooled.
#[derive(Clone, Copy)]
struct Kept<'a> {
    batch: &'a PackedBatch,
    skipped: usize,
}

impl Kept<'_> {
    /// For every sequence the first row that is kept, and the row behind its last.
    fn rows(self) -> impl Iterator<Item = (usize, usize)> {
        let sequences = self.batch.offsets().windows(2);
        sequences.map(move |rows| ((rows[0] + self.skipped).min(rows[1] - 1), rows[1]))
    }

    /// A function of the number of kept tokens: `[batch, 1]`.
    fn counts(self, device: &Device, function: impl Fn(f32) -> f32) -> Tensor<2> {
        let counts = self
            .rows()
            .map(|(first, end)| function((end - first) as f32));
        column(counts.collect(), device)
    }

    /// The sum over the kept rows of every sequence, `[batch, hidden]`.
    fn sum(self, hidden: Tensor<2>) -> Tensor<2> {
        let hidden = match self.skipped {
            0 => hidden,
            _ => self.weighted(hidden, |_| 1.0),
        };
        self.sum_all(hidden)
    }

    fn sum_all(self, hidden: Tensor<2>) -> Tensor<2> {
        unpack(hidden, self.batch).sum_dim(1).squeeze_dim(1)
    }

    /// Kept rows times a weight that follows from the position in the sequence, the others zero.
    fn weighted(self, hidden: Tensor<2>, weight: impl Fn(usize) -> f32) -> Tensor<2> {
        let mut weights = vec![0.0; self.batch.tokens()];
        for ((first, end), &start) in self.rows().zip(self.batch.offsets()) {
            for (position, place) in (first - start..).zip(&mut weights[first..end]) {
                *place = weight(position);
            }
        }
        let weights = column(weights, &hidden.device());
        hidden * weights
    }

    fn weighted_mean(self, hidden: Tensor<2>) -> Tensor<2> {
        let weight = |position: usize| (position + 1) as f32;
        let sums = self
            .rows()
            .zip(self.batch.offsets())
            .map(|((first, end), &start)| (first - start..end - start).map(weight).sum());
        let sums = column(sums.collect(), &hidden.device());
        self.sum_all(self.weighted(hidden, weight)) / sums
    }

    /// The largest value of each column over the kept rows: the last one stands for padding too.
    fn max(self, hidden: Tensor<2>) -> Tensor<2> {
        let [_, width] = hidden.dims();
        let sequences = self.batch.sequences();
        let longest = self.rows().map(|(first, end)| end - first).max();
        let longest = longest.unwrap_or(0);
        let padded = self
            .rows()
            .flat_map(|(first, end)| (first..first + longest).map(move |row| row.min(end - 1)));
        select(hidden, padded)
            .reshape([sequences, longest, width])
            .max_dim(1)
            .squeeze_dim(1)
    }
}

fn column(values: Vec<f32>, device: &Device) -> Tensor<2> {
    let rows = values.len();
    Tensor::from_data(f32_data(values, &[rows, 1]), device)
}

fn select(hidden: Tensor<2>, rows: impl Iterator<Item = usize>) -> Tensor<2> {
    let rows: Vec<i64> = rows.map(|row| row as i64).collect();
    let rows = Tensor::<1, Int>::from_data(rows.as_slice(), &hidden.device());
    hidden.select(0, rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RandomParameters;
    use crate::testing::{batch, tiny_config};

    const SEQUENCES: [&[u32]; 3] = [&[1, 5, 7, 2], &[1, 2], &[1, 9, 9, 4, 2]];
    const WIDTH: usize = 8;

    /// The formulas, one sequence and one dimension at a time.
    fn expected(pooling: Pooling, values: &[(usize, f32)]) -> f32 {
        let count = values.len() as f32;
        let sum: f32 = values.iter().map(|(_, value)| value).sum();
        let weight = |position: usize| (position + 1) as f32;
        match pooling {
            Pooling::Cls => values[0].1,
            Pooling::LastToken => values[values.len() - 1].1,
            Pooling::Max => values
                .iter()
                .fold(f32::MIN, |max, (_, value)| max.max(*value)),
            Pooling::Mean => sum / count,
            Pooling::MeanSqrtLength => sum / count.sqrt(),
            Pooling::WeightedMean => {
                let products = values.iter().map(|&(at, value)| weight(at) * value);
                products.sum::<f32>() / values.iter().map(|&(at, _)| weight(at)).sum::<f32>()
            }
            Pooling::Pooled => unreachable!("it is not read off the states alone"),
        }
    }

    #[test]
    fn every_pooling_is_its_formula_over_the_tokens_that_are_kept() {
        let device = Device::flex();
        let encoder = Encoder::new(&tiny_config(), &mut RandomParameters::new(1), &device).unwrap();
        let batch = batch(&SEQUENCES);
        // All values negative, so that a padding of zeros would be the largest.
        let states: Vec<f32> = (0..batch.tokens() * WIDTH)
            .map(|at| -1.0 - ((at * 7) % 13) as f32)
            .collect();
        for skipped in 0..4 {
            for pooling in Pooling::ALL {
                if pooling == Pooling::Pooled {
                    continue;
                }
                let hidden = f32_data(states.clone(), &[batch.tokens(), WIDTH]);
                let hidden = Tensor::from_data(hidden, &device);
                let found = pooling.apply(&encoder, hidden, &batch, skipped).unwrap();
                assert_eq!(found.dims(), [3, WIDTH]);
                let found: Vec<f32> = found.into_data().try_to_vec().unwrap();
                for (sequence, rows) in batch.offsets().windows(2).enumerate() {
                    let length = rows[1] - rows[0];
                    for column in 0..WIDTH {
                        let kept: Vec<(usize, f32)> = (skipped.min(length - 1)..length)
                            .map(|at| (at, states[(rows[0] + at) * WIDTH + column]))
                            .collect();
                        let wanted = expected(pooling, &kept);
                        let found = found[sequence * WIDTH + column];
                        assert!(
                            (found - wanted).abs() < 1e-5,
                            "{pooling:?}, {skipped} skipped: {found}, wanted {wanted}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn names_are_found_again() {
        for pooling in Pooling::ALL {
            assert_eq!(Pooling::from_name(pooling.name()), Some(pooling));
            assert_eq!(serde_json::json!(pooling), pooling.name());
        }
        assert_eq!(Pooling::from_name("median"), None);
    }
}
