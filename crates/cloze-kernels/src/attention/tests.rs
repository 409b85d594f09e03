use proptest::prelude::*;

use super::*;
use crate::philox::fill_normal;

fn random(length: usize, stream: u64) -> Vec<f32> {
    let mut values = vec![0.0; length];
    fill_normal(&mut values, 11, stream, 1.0);
    values
}

/// Everything that both passes compute, with tensors of its own.
struct Case {
    offsets: Vec<usize>,
    heads: usize,
    head_size: usize,
    dropout: Option<Dropout>,
    projected: Vec<f32>,
}

impl Case {
    fn new(lengths: &[usize], heads: usize, head_size: usize, dropout: Option<f64>) -> Self {
        let mut offsets = vec![0];
        offsets.extend(lengths.iter().scan(0, |end, length| {
            *end += length;
            Some(*end)
        }));
        let tokens: usize = lengths.iter().sum();
        Self {
            offsets,
            heads,
            head_size,
            dropout: dropout.map(|probability| Dropout::new(3, 1, 2, probability)),
            projected: random(tokens * 3 * heads * head_size, 1),
        }
    }

    fn attention(&self) -> Attention<'_> {
        Attention {
            offsets: &self.offsets,
            heads: self.heads,
            head_size: self.head_size,
            dropout: self.dropout.as_ref(),
        }
    }

    fn tokens(&self) -> usize {
        self.attention().tokens()
    }

    fn hidden(&self) -> usize {
        self.heads * self.head_size
    }

    fn padded(&self) -> usize {
        let lengths = self.offsets.windows(2).map(|pair| pair[1] - pair[0]);
        lengths.max().unwrap_or(0)
    }

    /// Context, sums and weights.
    fn forward(&self) -> [Vec<f32>; 3] {
        let padded = self.padded();
        let mut context = vec![f32::NAN; self.tokens() * self.hidden()];
        let mut log_sums = vec![f32::NAN; self.tokens() * self.heads];
        let sequences = self.offsets.len() - 1;
        let mut weights = vec![f32::NAN; sequences * self.heads * padded * padded];
        self.attention().forward(AttentionForward {
            projected: &self.projected,
            context: &mut context,
            log_sums: &mut log_sums,
            weights: Some((&mut weights, padded)),
        });
        [context, log_sums, weights]
    }

    fn backward(&self, gradient: &[f32]) -> Vec<f32> {
        let [context, log_sums, _] = self.forward();
        let mut projected_gradient = vec![f32::NAN; self.projected.len()];
        self.attention().backward(AttentionBackward {
            projected: &self.projected,
            context: &context,
            log_sums: &log_sums,
            gradient,
            projected_gradient: &mut projected_gradient,
        });
        projected_gradient
    }

    /// Context and weights by their definition, in `f64`.
    fn naive(&self, projected: &[f64]) -> [Vec<f64>; 2] {
        let (hidden, padded) = (self.hidden(), self.padded());
        let mut context = vec![0.0; self.tokens() * hidden];
        let mut all_weights = vec![0.0; (self.offsets.len() - 1) * self.heads * padded * padded];
        let scale = (self.head_size as f64).sqrt();
        for (sequence, bounds) in self.offsets.windows(2).enumerate() {
            for head in 0..self.heads {
                let part = |token: usize, part: usize, element: usize| {
                    projected[token * 3 * hidden + part * hidden + head * self.head_size + element]
                };
                for query in bounds[0]..bounds[1] {
                    let scores: Vec<f64> = (bounds[0]..bounds[1])
                        .map(|key| {
                            let products = (0..self.head_size)
                                .map(|element| part(query, 0, element) * part(key, 1, element));
                            (products.sum::<f64>() / scale).exp()
                        })
                        .collect();
                    let sum: f64 = scores.iter().sum();
                    for (column, score) in scores.iter().enumerate() {
                        let row = query - bounds[0];
                        let factor = self.dropout.map_or(1.0, |dropout| {
                            f64::from(dropout.attention_factor(sequence, head, row, column))
                        });
                        let weight = score / sum * factor;
                        let matrix = sequence * self.heads + head;
                        all_weights[(matrix * padded + row) * padded + column] = weight;
                        for element in 0..self.head_size {
                            context[query * hidden + head * self.head_size + element] +=
                                weight * part(bounds[0] + column, 2, element);
                        }
                    }
                }
            }
        }
        [context, all_weights]
    }
}

fn close(found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (index, (&found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (f64::from(found) - expected).abs();
        assert!(
            difference < tolerance,
            "element {index}: {found} {expected}"
        );
    }
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| value.into()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn the_forward_pass_is_its_definition(
        lengths in prop::collection::vec(prop_oneof![0_usize..20, Just(67), Just(130)], 0..4),
        heads in 1_usize..4,
        head_size in prop_oneof![1_usize..9, Just(64)],
        dropout in prop::option::of(Just(0.3)),
    ) {
        let case = Case::new(&lengths, heads, head_size, dropout);
        let [context, _, weights] = case.forward();
        let [expected, expected_weights] = case.naive(&wide(&case.projected));
        close(&context, &expected, 2e-5);
        close(&weights, &expected_weights, 1e-5);
    }

    #[test]
    fn the_backward_pass_is_the_slope(
        lengths in prop::collection::vec(prop_oneof![0_usize..8, Just(131)], 1..3),
        heads in 1_usize..3,
        head_size in 1_usize..6,
        dropout in prop::option::of(Just(0.3)),
        seed in 0_usize..1000,
    ) {
        let case = Case::new(&lengths, heads, head_size, dropout);
        prop_assume!(!case.projected.is_empty());
        let gradient = random(case.tokens() * case.hidden(), 2);
        let found = case.backward(&gradient);
        let value = |projected: &[f64]| -> f64 {
            let [context, _] = case.naive(projected);
            context.iter().zip(&gradient).map(|(c, &g)| c * f64::from(g)).sum()
        };
        // A few elements: each costs two forward passes of the definition.
        for step in 0..4 {
            let index = (seed + step * 7919) % found.len();
            let mut projected = wide(&case.projected);
            projected[index] += 1e-4;
            let above = value(&projected);
            projected[index] -= 2e-4;
            let slope = (above - value(&projected)) / 2e-4;
            let difference = (f64::from(found[index]) - slope).abs();
            prop_assert!(difference < 1e-4 * (1.0 + slope.abs()), "{index}: {} {slope}", found[index]);
        }
    }
}

#[test]
fn sequences_do_not_see_each_other_and_threads_do_not_matter() {
    let lengths = [5, 0, 130, 1, 40];
    let case = Case::new(&lengths, 2, 8, None);
    let gradient = random(case.tokens() * case.hidden(), 2);
    let run = |case: &Case, gradient: &[f32]| (case.forward(), case.backward(gradient));
    let ([context, ..], backward) = pool(1).install(|| run(&case, &gradient));
    let ([other, ..], other_backward) = pool(3).install(|| run(&case, &gradient));
    assert!(context == other && backward == other_backward);
    for (bounds, &length) in case.offsets.windows(2).zip(&lengths) {
        let tokens = |width: usize| bounds[0] * width..bounds[1] * width;
        let alone = Case {
            projected: case.projected[tokens(48)].to_vec(),
            ..Case::new(&[length], 2, 8, None)
        };
        let ([alone_context, ..], alone_backward) = run(&alone, &gradient[tokens(16)]);
        assert_eq!(alone_context, context[tokens(16)], "bit for bit");
        assert_eq!(alone_backward, backward[tokens(48)], "bit for bit");
    }
}

#[test]
fn large_scores_neither_overflow_nor_vanish() {
    let mut case = Case::new(&[9], 1, 4, None);
    case.projected.iter_mut().for_each(|value| *value *= 100.0);
    let [context, _, weights] = case.forward();
    assert!(context.iter().all(|value| value.is_finite()));
    for row in weights.chunks(9) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
}
