use burn::tensor::{Int, Tensor};

use super::{CrossEntropy, LossError, cross_entropy};
use crate::parameter_source::f32_data;

/// Where the answer stands in a sequence, as positions of its first and its last token from 0. A
/// position that is absent, or behind the sequence, is ignored: it counts in no mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanPositions {
    /// The first token of the answer.
    pub start: Option<usize>,
    /// The last token of the answer.
    pub end: Option<usize>,
}

/// What stands behind the shorter sequences where all are laid side by side: its `exp` is 0.
const BEHIND: f32 = -1e30;

/// The loss of extractive question answering, as in `transformers`' `BertForQuestionAnswering`:
/// half the mean cross-entropy of the starts and half that of the ends, `[1]`. Each is over the
/// tokens of its own sequence, and over nothing else, where `transformers` counts padding too.
///
/// `logits` are those of the tokens of all sequences, one sequence after another, `[tokens, 2]`:
/// a start and an end for each; `lengths` are the sequences' numbers of tokens.
///
/// # Errors
/// If there are more or fewer positions than sequences, the lengths are not those of the logits,
/// or every start, or every end, is ignored.
pub fn span_cross_entropy(
    logits: Tensor<2>,
    lengths: &[usize],
    positions: &[SpanPositions],
) -> Result<Tensor<1>, LossError> {
    let [tokens, columns] = logits.dims();
    if columns != 2 || lengths.iter().sum::<usize>() != tokens {
        return Err(LossError::TargetTable {
            rows: tokens,
            columns,
            targets: 2 * lengths.iter().sum::<usize>(),
        });
    }
    if lengths.len() != positions.len() {
        return Err(LossError::Targets {
            rows: lengths.len(),
            targets: positions.len(),
        });
    }
    let behind = f32_data(vec![BEHIND], &[1]);
    let behind = Tensor::<1>::from_data(behind, &logits.device());
    let logits = Tensor::cat(vec![logits.reshape([2 * tokens]), behind], 0);
    let side = |column, position: fn(&SpanPositions) -> Option<usize>| {
        let positions = positions.iter().map(position);
        of_column(&logits, lengths, positions, column)
    };
    let starts = side(0, |positions| positions.start)?;
    let ends = side(1, |positions| positions.end)?;
    Ok((starts + ends) / 2.0)
}

/// The mean cross-entropy of the starts (column 0) or the ends (1). The last of `logits` stands
/// behind shorter sequences.
fn of_column(
    logits: &Tensor<1>,
    lengths: &[usize],
    positions: impl Iterator<Item = Option<usize>>,
    column: usize,
) -> Result<Tensor<1>, LossError> {
    let behind = logits.dims()[0] - 1;
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let (mut indices, mut targets) = (Vec::new(), Vec::new());
    let mut first = 0;
    for (&length, position) in lengths.iter().zip(positions) {
        if let Some(position) = position.filter(|&position| position < length) {
            targets.push(position);
            let own = (first..first + length).map(|token| 2 * token + column);
            let others = std::iter::repeat_n(behind, longest - length);
            indices.extend(own.chain(others).map(|index| index as i64));
        }
        first += length;
    }
    if targets.is_empty() {
        return Err(LossError::Empty);
    }
    let indices = Tensor::<1, Int>::from_data(indices.as_slice(), &logits.device());
    let rows = logits.clone().select(0, indices);
    let rows = rows.reshape([targets.len(), longest]);
    cross_entropy(rows, &targets, &CrossEntropy::default())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use proptest::prelude::*;

    use super::*;

    fn tensor(values: &[f32], device: &Device) -> Tensor<2> {
        Tensor::from_data(f32_data(values.to_vec(), &[values.len() / 2, 2]), device)
    }

    fn span(start: usize, end: usize) -> SpanPositions {
        SpanPositions {
            start: Some(start),
            end: Some(end),
        }
    }

    fn loss(values: &[f32], lengths: &[usize], spans: &[SpanPositions]) -> Result<f64, LossError> {
        let logits = tensor(values, &Device::flex());
        let loss = span_cross_entropy(logits, lengths, spans)?;
        Ok(f64::from(loss.into_scalar::<f32>()))
    }

    /// The cross-entropy of one sequence's starts or ends, from its definition.
    fn naive(values: &[f32], first: usize, length: usize, column: usize, target: usize) -> f64 {
        let logit = |token: usize| f64::from(values[2 * (first + token) + column]);
        let total: f64 = (0..length).map(|token| logit(token).exp()).sum();
        total.ln() - logit(target)
    }

    #[test]
    fn what_is_ignored_counts_in_no_mean() {
        let values = [0.5, -1.0, 2.0, 0.25, -0.75, 1.5, 0.0, 3.0, 1.0, -2.0];
        let lengths = [2, 3];
        let whole = loss(&values, &lengths, &[span(1, 1), span(0, 2)]).unwrap();
        let start = [naive(&values, 0, 2, 0, 1), naive(&values, 2, 3, 0, 0)];
        let end = [naive(&values, 0, 2, 1, 1), naive(&values, 2, 3, 1, 2)];
        let expected = (start[0] + start[1] + end[0] + end[1]) / 4.0;
        assert!((whole - expected).abs() < 1e-6, "{whole} {expected}");

        let no_end = SpanPositions {
            start: Some(1),
            end: None,
        };
        for first in [no_end, span(1, 2)] {
            let some = loss(&values, &lengths, &[first, span(0, 2)]).unwrap();
            let expected = ((start[0] + start[1]) / 2.0 + end[1]) / 2.0;
            assert!((some - expected).abs() < 1e-6, "{some} {expected}");
        }
        assert_eq!(
            loss(&values, &lengths, &[no_end, no_end]),
            Err(LossError::Empty)
        );
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let values = [0.0; 6];
        assert!(matches!(
            loss(&values, &[2], &[span(0, 0)]),
            Err(LossError::TargetTable { rows: 3, .. })
        ));
        assert!(matches!(
            loss(&values, &[3], &[]),
            Err(LossError::Targets {
                rows: 1,
                targets: 0
            })
        ));
    }

    proptest! {
        /// A sequence's loss and gradient are those that it has alone, whatever stands beside it.
        #[test]
        fn sequences_do_not_see_each_other(
            lengths in prop::collection::vec(1_usize..9, 1..5),
            seed in 0_u32..1000,
        ) {
            let count = 2 * lengths.iter().sum::<usize>();
            let value = |index: usize| ((index as f32 + 1.0) * (seed as f32 + 0.37)).sin() * 4.0;
            let values: Vec<f32> = (0..count).map(value).collect();
            let spans: Vec<_> = lengths.iter().map(|&n| span(seed as usize % n, n - 1)).collect();
            let device = Device::flex().autodiff();
            let logits = tensor(&values, &device).require_grad();
            let together = span_cross_entropy(logits.clone(), &lengths, &spans).unwrap();
            let gradients = together.backward();
            let gradient: Vec<f32> =
                logits.grad(&gradients).unwrap().into_data().try_to_vec().unwrap();
            let mut mean = 0.0;
            let mut first = 0;
            for (&length, span) in lengths.iter().zip(&spans) {
                let (start, end) = (span.start.unwrap(), span.end.unwrap());
                for (column, target) in [(0, start), (1, end)] {
                    mean += naive(&values, first, length, column, target);
                    for token in 0..length {
                        let share = -naive(&values, first, length, column, token);
                        let own = f64::from(u8::from(token == target));
                        let expected = (share.exp() - own) / (2 * lengths.len()) as f64;
                        let found = f64::from(gradient[2 * (first + token) + column]);
                        prop_assert!((found - expected).abs() < 1e-5, "{} {}", found, expected);
                    }
                }
                first += length;
            }
            mean /= (2 * lengths.len()) as f64;
            let found = f64::from(together.into_scalar::<f32>());
            prop_assert!((found - mean).abs() < 1e-4, "{} {}", found, mean);
        }
    }
}
