use proptest::prelude::*;

use super::*;
use crate::philox::fill_normal;

fn random(length: usize, stream: u64, deviation: f64) -> Vec<f32> {
    let mut values = vec![0.0; length];
    fill_normal(&mut values, 33, stream, deviation);
    values
}

/// A layer with tensors of its own, and what comes back for its output.
#[derive(Clone)]
struct Case {
    offsets: Vec<usize>,
    inputs: usize,
    hidden: usize,
    /// `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`.
    parameters: [Vec<f32>; 4],
    input: Vec<f32>,
    gradient: Vec<f32>,
}

/// Gradients of the input, the weights and the bias.
type Gradients = [Vec<f32>; 4];

impl Case {
    fn new(lengths: &[usize], inputs: usize, hidden: usize) -> Self {
        let mut offsets = vec![0];
        offsets.extend(lengths.iter().scan(0, |end, length| {
            *end += length;
            Some(*end)
        }));
        let (rows, gates) = (offsets[lengths.len()], 4 * hidden);
        let deviation = 1.0 / (inputs.max(hidden) as f64).sqrt();
        Self {
            offsets,
            inputs,
            hidden,
            parameters: [
                random(gates * inputs, 1, deviation),
                random(gates * hidden, 2, deviation),
                random(gates, 3, 0.5),
                random(gates, 4, 0.5),
            ],
            input: random(rows * inputs, 5, 1.0),
            gradient: random(rows * hidden, 6, 1.0),
        }
    }

    fn lstm(&self) -> Lstm<'_> {
        let [input, recurrent, input_bias, recurrent_bias] = &self.parameters;
        Lstm {
            offsets: &self.offsets,
            inputs: self.inputs,
            hidden: self.hidden,
            weights: LstmWeights {
                input,
                recurrent,
                input_bias,
                recurrent_bias,
            },
        }
    }

    fn forward(&self) -> (Vec<f32>, SavedLstm) {
        let mut output = vec![f32::NAN; self.gradient.len()];
        let saved = self.lstm().forward(&self.input, &mut output);
        (output, saved)
    }

    fn backward(&self) -> Gradients {
        let (output, saved) = self.forward();
        let [input_weight, recurrent_weight, bias, _] = &self.parameters;
        let sizes = [&self.input, input_weight, recurrent_weight, bias];
        let mut gradients = sizes.map(|values| vec![f32::NAN; values.len()]);
        let [of_input, of_input_weight, of_recurrent_weight, of_bias] = &mut gradients;
        let backward = LstmBackward {
            input: &self.input,
            output: &output,
            saved: &saved,
            gradient: &self.gradient,
        };
        self.lstm().backward(
            backward,
            LstmGradients {
                input: Some(of_input),
                input_weight: Some(of_input_weight),
                recurrent_weight: Some(of_recurrent_weight),
                bias: Some(of_bias),
            },
        );
        gradients
    }
}

/// The layer in `f64`, one row and one element after the other.
struct Reference<'a> {
    case: &'a Case,
    /// `[rows, 4 · hidden]`.
    gates: Vec<f64>,
    cells: Vec<f64>,
    states: Vec<f64>,
}

impl<'a> Reference<'a> {
    fn new(case: &'a Case) -> Self {
        let (rows, hidden) = (case.offsets[case.offsets.len() - 1], case.hidden);
        let mut reference = Self {
            case,
            gates: vec![0.0; rows * 4 * hidden],
            cells: vec![0.0; rows * hidden],
            states: vec![0.0; rows * hidden],
        };
        for pair in case.offsets.windows(2) {
            for row in pair[0]..pair[1] {
                reference.step(row, row == pair[0]);
            }
        }
        reference
    }

    fn step(&mut self, row: usize, is_first: bool) {
        let Case { inputs, hidden, .. } = *self.case;
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        for unit in 0..hidden {
            let gate = |gate: usize| self.given(row, gate * hidden + unit, is_first);
            let [i, f, g, o] = [
                sigmoid(gate(0)),
                sigmoid(gate(1)),
                gate(2).tanh(),
                sigmoid(gate(3)),
            ];
            let before = match is_first {
                true => 0.0,
                false => self.cells[(row - 1) * hidden + unit],
            };
            let cell = f * before + i * g;
            for (index, value) in [i, f, g, o].into_iter().enumerate() {
                self.gates[(row * 4 + index) * hidden + unit] = value;
            }
            self.cells[row * hidden + unit] = cell;
            self.states[row * hidden + unit] = o * cell.tanh();
        }
        let _ = inputs;
    }

    /// What a gate is given.
    fn given(&self, row: usize, gate: usize, is_first: bool) -> f64 {
        let Case { inputs, hidden, .. } = *self.case;
        let [input_weight, recurrent_weight, input_bias, recurrent_bias] = &self.case.parameters;
        let mut sum = f64::from(input_bias[gate]) + f64::from(recurrent_bias[gate]);
        for column in 0..inputs {
            let weight = f64::from(input_weight[gate * inputs + column]);
            sum += weight * f64::from(self.case.input[row * inputs + column]);
        }
        if !is_first {
            for column in 0..hidden {
                let weight = f64::from(recurrent_weight[gate * hidden + column]);
                sum += weight * self.states[(row - 1) * hidden + column];
            }
        }
        sum
    }

    /// Gradients of input, weights and bias.
    fn backward(&self) -> [Vec<f64>; 4] {
        let case = self.case;
        let Case { inputs, hidden, .. } = *case;
        let [input_weight, recurrent_weight, ..] = &case.parameters;
        let mut gradients = [
            vec![0.0; case.input.len()],
            vec![0.0; input_weight.len()],
            vec![0.0; recurrent_weight.len()],
            vec![0.0; 4 * hidden],
        ];
        for pair in case.offsets.windows(2) {
            let (mut of_state, mut carried) = (vec![0.0; hidden], vec![0.0; hidden]);
            for row in (pair[0]..pair[1]).rev() {
                let is_first = row == pair[0];
                let of_gates = self.gates_back(row, is_first, &of_state, &mut carried);
                of_state.fill(0.0);
                for (gate, &of_gate) in of_gates.iter().enumerate() {
                    gradients[3][gate] += of_gate;
                    for column in 0..inputs {
                        let (weight, input) = (gate * inputs + column, row * inputs + column);
                        gradients[0][input] += of_gate * f64::from(input_weight[weight]);
                        gradients[1][weight] += of_gate * f64::from(case.input[input]);
                    }
                    if !is_first {
                        for (column, sum) in of_state.iter_mut().enumerate() {
                            let weight = gate * hidden + column;
                            *sum += of_gate * f64::from(recurrent_weight[weight]);
                            let state = self.states[(row - 1) * hidden + column];
                            gradients[2][weight] += of_gate * state;
                        }
                    }
                }
            }
        }
        gradients
    }

    fn gates_back(
        &self,
        row: usize,
        is_first: bool,
        of_state: &[f64],
        carried: &mut [f64],
    ) -> Vec<f64> {
        let hidden = self.case.hidden;
        let mut of_gates = vec![0.0; 4 * hidden];
        for unit in 0..hidden {
            let [i, f, g, o] = [0, 1, 2, 3].map(|g| self.gates[(row * 4 + g) * hidden + unit]);
            let bounded = self.cells[row * hidden + unit].tanh();
            let before = match is_first {
                true => 0.0,
                false => self.cells[(row - 1) * hidden + unit],
            };
            let of_output = f64::from(self.case.gradient[row * hidden + unit]) + of_state[unit];
            let of_cell = carried[unit] + of_output * o * (1.0 - bounded * bounded);
            carried[unit] = of_cell * f;
            of_gates[unit] = of_cell * g * i * (1.0 - i);
            of_gates[hidden + unit] = of_cell * before * f * (1.0 - f);
            of_gates[2 * hidden + unit] = of_cell * i * (1.0 - g * g);
            of_gates[3 * hidden + unit] = of_output * bounded * o * (1.0 - o);
        }
        of_gates
    }
}

/// The largest difference, against the largest element that is wanted.
fn distance(found: &[f32], wanted: &[f64]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let size = wanted
        .iter()
        .fold(1e-3_f64, |size, value| size.max(value.abs()));
    let pairs = found.iter().zip(wanted);
    let differences = pairs.map(|(&found, wanted)| (f64::from(found) - wanted).abs());
    differences.fold(0.0, |largest, difference| {
        // A NaN is no small difference.
        if difference <= largest {
            largest
        } else {
            difference
        }
    }) / size
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn output_and_gradients_equal_the_reference(
        lengths in prop::collection::vec(0_usize..9, 1..12),
        inputs in prop_oneof![1_usize..9, Just(33)],
        hidden in prop_oneof![1_usize..9, Just(17), Just(40)],
    ) {
        let case = Case::new(&lengths, inputs, hidden);
        let reference = Reference::new(&case);
        prop_assert!(distance(&case.forward().0, &reference.states) < 2e-6);
        for (found, wanted) in case.backward().iter().zip(&reference.backward()) {
            prop_assert!(distance(found, wanted) < 1e-5);
        }
    }
}

#[test]
fn windows_of_one_length_equal_the_reference() {
    let case = Case::new(&[32; 24], 70, 50);
    let reference = Reference::new(&case);
    assert!(distance(&case.forward().0, &reference.states) < 2e-6);
    for (found, wanted) in case.backward().iter().zip(&reference.backward()) {
        assert!(distance(found, wanted) < 1e-5);
    }
}

/// Changes an element and back, and compares how the weighted sum of the output changes with what
/// the gradient says.
#[test]
fn gradients_equal_finite_differences() {
    let case = Case::new(&[3, 1, 5], 4, 3);
    let sum = |case: &Case| -> f64 {
        let states = Reference::new(case).states;
        let weights = case.gradient.iter();
        states
            .iter()
            .zip(weights)
            .map(|(s, &w)| s * f64::from(w))
            .sum()
    };
    type Pick = fn(&mut Case) -> &mut Vec<f32>;
    let picks: [Pick; 4] = [
        |case| &mut case.input,
        |case| &mut case.parameters[0],
        |case| &mut case.parameters[1],
        |case| &mut case.parameters[3],
    ];
    for (which, (pick, gradient)) in picks.into_iter().zip(case.backward()).enumerate() {
        for (index, &found) in gradient.iter().enumerate() {
            let shifted = |step: f32| {
                let mut case = case.clone();
                pick(&mut case)[index] += step;
                sum(&case)
            };
            let slope = (shifted(1e-3) - shifted(-1e-3)) / 2e-3;
            assert!(
                (slope - f64::from(found)).abs() < 2e-3,
                "{which}, {index}: slope {slope}, gradient {found}"
            );
        }
    }
}

#[test]
fn a_sequence_has_the_states_that_it_has_alone_to_the_bit() {
    let lengths = [4, 9, 2, 9, 1];
    let together = Case::new(&lengths, 20, 33);
    let states = together.forward().0;
    for pair in together.offsets.windows(2) {
        let alone = Case {
            offsets: vec![0, pair[1] - pair[0]],
            input: together.input[pair[0] * 20..pair[1] * 20].to_vec(),
            gradient: vec![0.0; (pair[1] - pair[0]) * 33],
            ..together.clone()
        };
        assert_eq!(alone.forward().0, states[pair[0] * 33..pair[1] * 33]);
    }
}

#[test]
fn one_thread_computes_what_many_compute_to_the_bit() {
    let case = Case::new(&[7, 30, 12, 1, 30, 18, 5, 9, 22], 70, 66);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| (case.forward().0, case.backward()))
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn only_wanted_gradients_are_computed() {
    let case = Case::new(&[3, 2], 5, 4);
    let (output, saved) = case.forward();
    let mut bias = vec![0.0; 16];
    let backward = LstmBackward {
        input: &case.input,
        output: &output,
        saved: &saved,
        gradient: &case.gradient,
    };
    let gradients = LstmGradients {
        bias: Some(&mut bias),
        ..LstmGradients::default()
    };
    case.lstm().backward(backward, gradients);
    assert_eq!(bias, case.backward()[3]);
}

#[test]
fn no_rows_are_no_work() {
    let case = Case::new(&[0, 0], 3, 2);
    assert!(case.forward().0.is_empty());
    let [of_input, of_weight, of_recurrent, of_bias] = case.backward();
    assert!(of_input.is_empty());
    for gradient in [of_weight, of_recurrent, of_bias] {
        assert!(gradient.iter().all(|&value| value == 0.0));
    }
}
