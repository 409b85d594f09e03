use proptest::prelude::*;

use super::*;
use crate::philox::fill_normal;

const EPSILON: f32 = 1e-5;

fn random(length: usize, stream: u64, deviation: f64) -> Vec<f32> {
    let mut values = vec![0.0; length];
    fill_normal(&mut values, 21, stream, deviation);
    values
}

/// A layer with tensors of its own.
#[derive(Clone)]
struct Case {
    offsets: Vec<usize>,
    hidden: usize,
    intermediate: usize,
    heads: usize,
    activation: Activation,
    dropout: bool,
    /// Weight and bias of each part, in the order of [`LayerWeights`].
    parameters: Vec<Vec<f32>>,
    input: Vec<f32>,
}

impl Case {
    fn new(lengths: &[usize], heads: usize, head_size: usize, intermediate: usize) -> Self {
        let hidden = heads * head_size;
        let mut offsets = vec![0];
        offsets.extend(lengths.iter().scan(0, |end, length| {
            *end += length;
            Some(*end)
        }));
        let (h, f) = (hidden, intermediate);
        let sizes = [
            h * h,
            h,
            h * h,
            h,
            h * h,
            h,
            h * h,
            h,
            h,
            h,
            f * h,
            f,
            h * f,
            h,
            h,
            h,
        ];
        let mut parameters: Vec<Vec<f32>> = sizes
            .iter()
            .zip(1..)
            .map(|(&size, stream)| random(size, stream, 0.4))
            .collect();
        for norm in [8, 14] {
            parameters[norm]
                .iter_mut()
                .for_each(|weight| *weight += 1.0);
        }
        Self {
            hidden,
            intermediate,
            heads,
            activation: Activation::Gelu,
            dropout: false,
            parameters,
            input: random(offsets[lengths.len()] * hidden, 99, 1.0),
            offsets,
        }
    }

    fn settings(&self) -> LayerSettings<'_> {
        let dropout = |site| self.dropout.then(|| Dropout::new(1, 2, site, 0.2));
        LayerSettings {
            offsets: &self.offsets,
            hidden: self.hidden,
            intermediate: self.intermediate,
            heads: self.heads,
            activation: self.activation,
            attention_dropout: dropout(1),
            attention_output_dropout: dropout(2),
            output_dropout: dropout(3),
        }
    }

    fn weights(&self) -> LayerWeights<'_> {
        let p = &self.parameters;
        let linear = |index: usize| Linear {
            weight: &p[index],
            bias: &p[index + 1],
        };
        let norm = |index: usize| LayerNorm {
            weight: &p[index],
            bias: &p[index + 1],
            epsilon: EPSILON,
        };
        LayerWeights {
            query: linear(0),
            key: linear(2),
            value: linear(4),
            attention_output: linear(6),
            attention_norm: norm(8),
            intermediate: linear(10),
            output: linear(12),
            output_norm: norm(14),
        }
    }

    fn forward(&self) -> (Vec<f32>, SavedActivations) {
        let mut output = vec![f32::NAN; self.input.len()];
        let saved = self
            .weights()
            .forward(&self.settings(), &self.input, &mut output);
        (output, saved)
    }

    /// Gradients of the parameters that are wanted, and of the input at the end.
    fn backward(&self, gradient: &[f32], wanted: &[bool]) -> Vec<Option<Vec<f32>>> {
        let (_, saved) = self.forward();
        let tensors = self.parameters.iter().chain([&self.input]);
        let mut gradients: Vec<Option<Vec<f32>>> = tensors
            .zip(wanted)
            .map(|(tensor, wanted)| wanted.then(|| vec![f32::NAN; tensor.len()]))
            .collect();
        let mut slots = gradients.iter_mut().map(Option::as_deref_mut);
        let mut pair = || (slots.next().flatten(), slots.next().flatten());
        let [query, key, value, attention_output] = [pair(), pair(), pair(), pair()].map(linear);
        let attention_norm = norm(pair());
        let [intermediate, output] = [pair(), pair()].map(linear);
        let output_norm = norm(pair());
        let slots = LayerGradients {
            query,
            key,
            value,
            attention_output,
            attention_norm,
            intermediate,
            output,
            output_norm,
            hidden: pair().0,
        };
        self.weights()
            .backward(&self.settings(), &saved, &self.input, gradient, slots);
        gradients
    }

    /// The layer by its definition, in `f64`.
    fn naive(&self) -> Vec<f64> {
        let p: Vec<Vec<f64>> = self.parameters.iter().map(|tensor| wide(tensor)).collect();
        let input = wide(&self.input);
        let settings = self.settings();
        let linear = |x: &[f64], index: usize| naive_linear(x, &p[index], &p[index + 1]);
        let norm = |x: &[f64], y: &[f64], index: usize| -> Vec<f64> {
            let sums: Vec<f64> = x.iter().zip(y).map(|(x, y)| x + y).collect();
            naive_norm(&sums, &p[index], &p[index + 1])
        };
        let [q, k, v] = [0, 2, 4].map(|index| linear(&input, index));
        let context = self.naive_attention(&q, &k, &v);
        let added = drop(&linear(&context, 6), settings.attention_output_dropout);
        let attended = norm(&added, &input, 8);
        let hidden = linear(&attended, 10);
        let hidden: Vec<f64> = hidden
            .iter()
            .map(|&x| activate(self.activation, x))
            .collect();
        let added = drop(&linear(&hidden, 12), settings.output_dropout);
        norm(&added, &attended, 14)
    }

    fn naive_attention(&self, q: &[f64], k: &[f64], v: &[f64]) -> Vec<f64> {
        let (h, size) = (self.hidden, self.hidden / self.heads);
        let dropout = self.settings().attention_dropout;
        let mut context = vec![0.0; q.len()];
        for (sequence, bounds) in self.offsets.windows(2).enumerate() {
            for (head, query) in (0..self.heads)
                .flat_map(|head| (bounds[0]..bounds[1]).map(move |query| (head, query)))
            {
                let row = |token: usize| token * h + head * size..token * h + (head + 1) * size;
                let score = |key| -> f64 {
                    let products = q[row(query)].iter().zip(&k[row(key)]);
                    (products.map(|(a, b)| a * b).sum::<f64>() / (size as f64).sqrt()).exp()
                };
                let sum: f64 = (bounds[0]..bounds[1]).map(score).sum();
                for key in bounds[0]..bounds[1] {
                    let factor = dropout.map_or(1.0, |dropout| {
                        let (row, column) = (query - bounds[0], key - bounds[0]);
                        dropout.attention_factor(sequence, head, row, column).into()
                    });
                    let weight = score(key) / sum * factor;
                    for (context, value) in context[row(query)].iter_mut().zip(&v[row(key)]) {
                        *context += weight * value;
                    }
                }
            }
        }
        context
    }
}

fn linear<'a>(
    (weight, bias): (Option<&'a mut [f32]>, Option<&'a mut [f32]>),
) -> LinearGradients<'a> {
    LinearGradients { weight, bias }
}

fn norm<'a>((weight, bias): (Option<&'a mut [f32]>, Option<&'a mut [f32]>)) -> NormGradients<'a> {
    NormGradients { weight, bias }
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| value.into()).collect()
}

fn naive_linear(x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let inputs = weight.len() / bias.len();
    let rows = x.chunks(inputs).flat_map(|x| {
        let outputs = weight.chunks(inputs).zip(bias);
        outputs.map(move |(w, bias)| bias + x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>())
    });
    rows.collect()
}

fn naive_norm(x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let rows = x.chunks(weight.len()).flat_map(|row| {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / row.len() as f64;
        let root = (variance + f64::from(EPSILON)).sqrt();
        let scaled = row.iter().zip(weight).zip(bias);
        scaled.map(move |((x, weight), bias)| (x - mean) / root * weight + bias)
    });
    rows.collect()
}

fn drop(x: &[f64], dropout: Option<Dropout>) -> Vec<f64> {
    let factor = |index| dropout.map_or(1.0, |dropout| f64::from(dropout.mask_factor(index)));
    x.iter()
        .enumerate()
        .map(|(index, x)| x * factor(index))
        .collect()
}

fn activate(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Gelu => {
            // The error function to 1e-7: Abramowitz and Stegun 7.1.26.
            let z = x.abs() / 2_f64.sqrt();
            let t = 1.0 / (1.0 + 0.327_591_1 * z);
            let terms = [
                1.061_405_429,
                -1.453_152_027,
                1.421_413_741,
                -0.284_496_736,
                0.254_829_592,
            ];
            let polynomial = terms.iter().fold(0.0, |sum, term| (sum + term) * t);
            x * 0.5 * (1.0 + (1.0 - polynomial * (-z * z).exp()).copysign(x))
        }
        Activation::GeluTanh => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
            x * 0.5 * (1.0 + inner.tanh())
        }
        Activation::Relu => x.max(0.0),
        Activation::Tanh => x.tanh(),
    }
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![0_usize..9, Just(23)], 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_forward_pass_is_its_definition(
        lengths in lengths(), heads in 1_usize..4, head_size in 2_usize..9,
        intermediate in 1_usize..40, dropout: bool,
        activation in prop::sample::select(vec![
            Activation::Gelu, Activation::GeluTanh, Activation::Relu, Activation::Tanh,
        ]),
    ) {
        let mut case = Case::new(&lengths, heads, head_size, intermediate);
        (case.dropout, case.activation) = (dropout, activation);
        let (output, _) = case.forward();
        for (found, expected) in output.iter().zip(case.naive()) {
            prop_assert!((f64::from(*found) - expected).abs() < 2e-4, "{found} {expected}");
        }
    }

    // Rows of a few elements are normalised to signs, whose slope nothing can follow.
    #[test]
    fn the_backward_pass_is_the_slope(
        lengths in lengths(), heads in 1_usize..3, head_size in 5_usize..8, dropout: bool, seed: u32
    ) {
        let mut case = Case::new(&lengths, heads, head_size, 7);
        prop_assume!(!case.input.is_empty());
        (case.dropout, case.activation) = (dropout, Activation::GeluTanh);
        let gradient = random(case.input.len(), 50, 1.0);
        let gradients = case.backward(&gradient, &[true; 17]);
        let value = |case: &Case| -> f64 {
            case.naive().iter().zip(&gradient).map(|(y, &g)| y * f64::from(g)).sum()
        };
        for (tensor, found) in gradients.iter().enumerate() {
            let found = found.as_ref().unwrap();
            let index = seed as usize % found.len();
            let mut near = case.clone();
            let mut shifted = |by: f32| {
                let place = match near.parameters.get_mut(tensor) {
                    Some(parameter) => &mut parameter[index],
                    None => &mut near.input[index],
                };
                *place += by;
                (f64::from(*place), value(&near))
            };
            let (high, above) = shifted(2e-4);
            let (low, below) = shifted(-4e-4);
            let slope = (above - below) / (high - low);
            let difference = (f64::from(found[index]) - slope).abs();
            prop_assert!(
                difference < 2e-3 * (1.0 + slope.abs()),
                "tensor {tensor} element {index}: {} {slope}", found[index]
            );
        }
    }

    #[test]
    fn what_is_frozen_changes_no_other_gradient(
        wanted in prop::collection::vec(any::<bool>(), 17), dropout: bool
    ) {
        let mut case = Case::new(&[5, 1, 12], 2, 4, 11);
        case.dropout = dropout;
        let gradient = random(case.input.len(), 50, 1.0);
        let all = case.backward(&gradient, &[true; 17]);
        for (index, (some, all)) in case.backward(&gradient, &wanted).iter().zip(all).enumerate() {
            if let Some(some) = some {
                prop_assert_eq!(some, &all.unwrap(), "tensor {}", index);
            }
        }
    }

    #[test]
    fn packed_weights_give_the_same_bits(lengths in lengths(), heads in 1_usize..4) {
        let case = Case::new(&lengths, heads, 5, 17);
        let packed = PackedLayer::new(&case.weights(), case.hidden, case.intermediate);
        let mut hidden = case.input.clone();
        packed.forward(&case.settings(), &mut hidden, None);
        prop_assert_eq!(hidden, case.forward().0);
    }
}

#[test]
fn threads_and_neighbours_do_not_change_a_bit() {
    let pool = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    };
    let mut case = Case::new(&[40, 3, 0, 130], 2, 16, 64);
    let gradient = random(case.input.len(), 50, 1.0);
    let run = || (case.forward().0, case.backward(&gradient, &[true; 17]));
    let (one, three) = (pool(1).install(run), pool(3).install(run));
    assert!(one == three);
    case.offsets = vec![0, 130];
    case.input.drain(..43 * 32);
    assert_eq!(case.forward().0, one.0[43 * 32..]);
}
