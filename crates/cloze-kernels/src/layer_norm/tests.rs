use super::*;
use crate::philox::fill_normal;
use proptest::prelude::*;
use pulp::WithSimd;

/// Everything that a layer normalisation is given and gives back.
#[derive(Clone, Debug, PartialEq)]
struct Case {
    size: usize,
    values: Vec<f32>,
    residual: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    output_gradient: Vec<f32>,
}

fn random(length: usize, stream: u64) -> Vec<f32> {
    let mut values = vec![0.0; length];
    fill_normal(&mut values, 1, stream, 1.0);
    values
}

const EPSILON: f32 = 1e-5;

impl Case {
    fn new(rows: usize, size: usize) -> Self {
        Self {
            size,
            values: random(rows * size, 1),
            residual: random(rows * size, 2),
            weight: random(size, 3),
            bias: random(size, 4),
            output_gradient: random(rows * size, 5),
        }
    }

    fn norm(&self) -> LayerNorm<'_> {
        LayerNorm {
            weight: &self.weight,
            bias: &self.bias,
            epsilon: EPSILON,
        }
    }

    fn forward(&self, dropout: Option<Dropout>, residual: bool) -> Forward {
        let rows = self.values.len() / self.size;
        let mut forward = Forward {
            normalised: self.values.clone(),
            rstd: vec![f32::NAN; rows],
            output: vec![f32::NAN; self.values.len()],
        };
        self.norm().forward(LayerNormForward {
            values: &mut forward.normalised,
            dropout,
            residual: residual.then_some(&self.residual),
            rstd: &mut forward.rstd,
            output: &mut forward.output,
        });
        forward
    }

    fn backward(&self, dropout: Option<Dropout>, forward: &Forward) -> Backward {
        let nan = |length| vec![f32::NAN; length];
        let mut backward = Backward {
            gradient: nan(self.values.len()),
            of_values: nan(self.values.len()),
            column_sums: nan(self.size),
            weight: nan(self.size),
            bias: nan(self.size),
        };
        self.norm().backward(LayerNormBackward {
            output_gradient: Some(&self.output_gradient),
            normalised: &forward.normalised,
            rstd: &forward.rstd,
            gradient: &mut backward.gradient,
            through_dropout: dropout.map(|dropout| ThroughDropout {
                dropout,
                gradient: &mut backward.of_values,
            }),
            column_sums: Some(&mut backward.column_sums),
            weight_gradient: Some(&mut backward.weight),
            bias_gradient: Some(&mut backward.bias),
        });
        if dropout.is_none() {
            backward.of_values.clone_from(&backward.gradient);
        }
        backward
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Forward {
    normalised: Vec<f32>,
    rstd: Vec<f32>,
    output: Vec<f32>,
}

#[derive(Clone, Debug, PartialEq)]
struct Backward {
    gradient: Vec<f32>,
    of_values: Vec<f32>,
    column_sums: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// The output for one row, in `f64`.
fn reference(row: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let size = row.len() as f64;
    let mean = row.iter().sum::<f64>() / size;
    let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / size;
    let rstd = 1.0 / (variance + f64::from(EPSILON)).sqrt();
    let normalised = row.iter().map(|x| (x - mean) * rstd);
    normalised
        .zip(weight.iter().zip(bias))
        .map(|(x, (w, b))| x * w + b)
        .collect()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| value.into()).collect()
}

/// The derivative of the inner product of a row's output with `gradient`, by central differences
/// with respect to every element of the row, the weight and the bias: `[row, weight, bias]`.
fn slopes(row: &[f64], weight: &[f64], bias: &[f64], gradient: &[f64]) -> [Vec<f64>; 3] {
    let step = 1e-5;
    let mut arguments = [row.to_vec(), weight.to_vec(), bias.to_vec()];
    [0, 1, 2].map(|argument| {
        (0..row.len())
            .map(|index| {
                let mut at = |shift: f64| {
                    arguments[argument][index] += shift;
                    let output = reference(&arguments[0], &arguments[1], &arguments[2]);
                    arguments[argument][index] -= shift;
                    output.iter().zip(gradient).map(|(y, g)| y * g).sum::<f64>()
                };
                (at(step) - at(-step)) / (2.0 * step)
            })
            .collect()
    })
}

fn add(sums: &mut [f64], row: &[f64]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += value;
    }
}

fn assert_close(name: &str, found: &[f32], wanted: &[f64], bound: f64) {
    assert_eq!(found.len(), wanted.len());
    for (index, (&found, wanted)) in found.iter().zip(wanted).enumerate() {
        let error = (f64::from(found) - wanted).abs();
        assert!(
            error <= bound * (1.0 + wanted.abs()),
            "{name}[{index}]: {found} {wanted}"
        );
    }
}

/// The sum that is normalised, in `f64`.
fn summed(case: &Case, dropout: Option<Dropout>, residual: bool) -> Vec<f64> {
    (0..case.values.len())
        .map(|index| {
            let factor = dropout.map_or(1.0, |dropout| dropout.mask_factor(index));
            let residual = if residual { case.residual[index] } else { 0.0 };
            f64::from(case.values[index]) * f64::from(factor) + f64::from(residual)
        })
        .collect()
}

#[test]
fn one_thread_computes_what_many_compute() {
    let case = Case::new(2503, 37);
    let dropout = Some(Dropout::new(3, 1, 4, 0.1));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let forward = case.forward(dropout, true);
            let backward = case.backward(dropout, &forward);
            (forward, backward)
        })
    };
    assert!(run(1) == run(3));
}

#[test]
fn every_width_gives_the_same_bits() {
    for size in [1, 15, 64, 97, 768] {
        let case = Case::new(3, size);
        let dropout = Some(Dropout::new(3, 1, 4, 0.1));
        let native = case.forward(dropout, true);
        let mut scalar = Forward {
            normalised: case.values.clone(),
            rstd: vec![0.0; 3],
            output: vec![0.0; 3 * size],
        };
        ForwardBlock {
            norm: case.norm(),
            start: 0,
            dropout,
            residual: Some(&case.residual),
            values: &mut scalar.normalised,
            output: &mut scalar.output,
            rstd: &mut scalar.rstd,
        }
        .with_simd(pulp::Scalar);
        assert_eq!(native, scalar);
        let native = case.backward(dropout, &native);
        let mut gradient = case.output_gradient.clone();
        let (mut dropped, mut sums) = (vec![0.0; 3 * size], vec![0.0; 3 * size]);
        BackwardBlock {
            norm: case.norm(),
            start: 0,
            output_gradient: None,
            normalised: &scalar.normalised,
            rstd: &scalar.rstd,
            gradient: &mut gradient,
            output_dropout: None,
            dropout,
            dropped: &mut dropped,
            wanted: [true; 3],
            sums: &mut sums,
        }
        .with_simd(pulp::Scalar);
        assert_eq!((native.gradient, native.of_values), (gradient, dropped));
        assert_eq!(
            [native.weight, native.bias, native.column_sums].concat(),
            sums
        );
    }
}

/// `torch.nn.functional.layer_norm` 2.15 of `[1, 2, 4]`, weight `[1, 2, 3]`, bias `[0, 1, -1]`,
/// epsilon 1e-5, and its gradients for the output gradient `[1, -1, 2]`, in double precision.
#[test]
fn a_row_equals_pytorch() {
    let case = Case {
        size: 3,
        values: vec![1.0, 2.0, 4.0],
        residual: vec![],
        weight: vec![1.0, 2.0, 3.0],
        bias: vec![0.0, 1.0, -1.0],
        output_gradient: vec![1.0, -1.0, 2.0],
    };
    let forward = case.forward(None, false);
    let backward = case.backward(None, &forward);
    for (found, wanted) in [
        (forward.output, [-1.069041531, 0.465479234, 3.008905743]),
        (backward.gradient, [1.603548552, -2.405346882, 0.801798330]),
        (backward.weight, [-1.069041531, 0.267260383, 2.672603829]),
        (backward.bias, [1.0, -1.0, 2.0]),
    ] {
        assert_close("row", &found, &wanted, 4e-7);
    }
}

#[test]
fn a_large_mean_costs_no_accuracy() {
    let mut case = Case::new(1, 768);
    for value in &mut case.values {
        *value += 1000.0;
    }
    let wanted = reference(&wide(&case.values), &wide(&case.weight), &wide(&case.bias));
    assert_close("output", &case.forward(None, false).output, &wanted, 2e-4);
}

#[test]
fn what_is_not_wanted_is_not_needed() {
    let case = Case::new(40, 19);
    let forward = case.forward(None, true);
    let mut gradient = case.output_gradient.clone();
    case.norm().backward(LayerNormBackward {
        output_gradient: None,
        normalised: &forward.normalised,
        rstd: &forward.rstd,
        gradient: &mut gradient,
        through_dropout: None,
        column_sums: None,
        weight_gradient: None,
        bias_gradient: None,
    });
    assert_eq!(gradient, case.backward(None, &forward).gradient);
}

#[test]
#[should_panic(expected = "one rstd for every row")]
fn a_missing_rstd_is_refused() {
    let case = Case::new(2, 3);
    case.norm().forward(LayerNormForward {
        values: &mut [0.0; 6],
        dropout: None,
        residual: None,
        rstd: &mut [0.0; 1],
        output: &mut [0.0; 6],
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_equals_the_reference(
        rows in prop_oneof![0_usize..20, Just(131)],
        size in prop_oneof![2_usize..20, Just(97), Just(131)],
        with_dropout: bool, residual: bool,
    ) {
        let case = Case::new(rows, size);
        let dropout = with_dropout.then(|| Dropout::new(3, 1, 4, 0.3));
        let sum = summed(&case, dropout, residual);
        let (weight, bias) = (wide(&case.weight), wide(&case.bias));
        let forward = case.forward(dropout, residual);
        let backward = case.backward(dropout, &forward);
        let mut wanted = [vec![], vec![], vec![]];
        let mut sums = [vec![0.0; size], vec![0.0; size], vec![0.0; size]];
        for (row, gradient) in sum.chunks(size).zip(case.output_gradient.chunks(size)) {
            wanted[0].extend(reference(row, &weight, &bias));
            let [of_row, of_weight, of_bias] = slopes(row, &weight, &bias, &wide(gradient));
            let start = wanted[1].len();
            let of_values: Vec<f64> = of_row
                .iter()
                .enumerate()
                .map(|(i, g)| g * dropout.map_or(1.0, |d| f64::from(d.mask_factor(start + i))))
                .collect();
            for (sums, row) in sums.iter_mut().zip([&of_weight, &of_bias, &of_values]) {
                add(sums, row);
            }
            wanted[1].extend(of_row);
            wanted[2].extend(of_values);
        }
        // Rows that are nearly constant magnify the last bit by their rstd.
        let scale = forward.rstd.iter().fold(1.0_f32, |a, &b| a.max(b));
        let bound = 3e-6 * f64::from(scale).powi(2);
        assert_close("output", &forward.output, &wanted[0], bound);
        assert_close("gradient", &backward.gradient, &wanted[1], bound);
        assert_close("of values", &backward.of_values, &wanted[2], bound);
        let bound = bound * (1.0 + rows as f64).sqrt();
        assert_close("weight", &backward.weight, &sums[0], bound);
        assert_close("bias", &backward.bias, &sums[1], bound);
        assert_close("column sums", &backward.column_sums, &sums[2], bound);
    }

    #[test]
    fn the_form_for_inference_gives_the_same_bits(
        rows in 0_usize..20, size in 1_usize..100, residual: bool,
    ) {
        let case = Case::new(rows, size);
        let mut values = case.values.clone();
        case.norm().forward_in_place(&mut values, residual.then_some(&case.residual));
        prop_assert_eq!(values, case.forward(None, residual).output);
    }
}
