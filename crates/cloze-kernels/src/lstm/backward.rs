use pulp::Arch;
use rayon::prelude::*;

use super::cell::Backward;
use super::steps::Steps;
use super::{Lstm, LstmBackward, LstmGradients, step_product, with_panels};
use crate::buffers;
use crate::column_sums::column_sums;
use crate::matmul::{Matrix, Output, Panels, Start, multiply};

/// Sequences that a thread takes at a time.
const TOGETHER: usize = 4;

impl Lstm<'_> {
    /// The backward pass, on all threads.
    ///
    /// # Panics
    /// If a tensor has another length than the layer wants.
    pub fn backward(&self, backward: LstmBackward<'_>, gradients: LstmGradients<'_>) {
        self.check();
        let LstmBackward { input, output, .. } = backward;
        let (rows, inputs, hidden, gates) = (self.rows(), self.inputs, self.hidden, self.gates());
        assert_eq!(input.len(), rows * inputs, "an input a row");
        assert_eq!(output.len(), rows * hidden, "a hidden state a row");
        assert_eq!(backward.gradient.len(), rows * hidden, "a gradient a row");
        let mut of_gates = buffers::take(rows * gates);
        rayon::scope(|_| {
            let recurrent = Matrix::new(self.weights.recurrent, gates, hidden);
            with_panels(recurrent, |panels| {
                self.run_steps_back(panels, &backward, &mut of_gates);
            });
            let gradient = Matrix::new(&of_gates, rows, gates);
            if let Some(of_input) = gradients.input {
                let weight = Matrix::new(self.weights.input, gates, inputs);
                product(gradient, weight, of_input);
            }
            if let Some(of_weight) = gradients.input_weight {
                let input = Matrix::new(input, rows, inputs);
                product(gradient.transpose(), input, of_weight);
            }
            if let Some(of_weight) = gradients.recurrent_weight {
                let mut before = buffers::take(rows * hidden);
                self.states_before(output, &mut before);
                let states = Matrix::new(&before, rows, hidden);
                product(gradient.transpose(), states, of_weight);
                buffers::give(before);
            }
            if let Some(of_bias) = gradients.bias {
                column_sums(&of_gates, of_bias);
            }
        });
        buffers::give(of_gates);
    }

    /// The gradient of what the gates were given, `[rows, 4 · hidden]`, last step first.
    fn run_steps_back(
        &self,
        recurrent: &Panels,
        backward: &LstmBackward<'_>,
        of_gates: &mut [f32],
    ) {
        let (hidden, gates, offsets) = (self.hidden, self.gates(), self.offsets);
        let saved = backward.saved;
        let steps = Steps::new(offsets);
        let widest = steps.widest();
        let mut sequences = steps.split_mut(of_gates, gates, offsets);
        let gradient = steps.split(backward.gradient, hidden, offsets);
        let let_through = steps.split(&saved.gates, gates, offsets);
        let cells = steps.split(&saved.cells, hidden, offsets);
        let mut of_states = buffers::take(widest * hidden);
        let mut carried = buffers::take(widest * hidden);
        let mut of_step = buffers::take(widest * gates);
        // A sequence gets nothing from behind its last step.
        of_states.fill(0.0);
        carried.fill(0.0);
        let zeros = vec![0.0; hidden];
        let arch = Arch::new();
        for (step, &active) in steps.active.iter().enumerate().rev() {
            sequences[..active]
                .par_iter_mut()
                .zip(of_step.par_chunks_mut(gates))
                .zip(carried.par_chunks_mut(hidden))
                .zip(of_states.par_chunks(hidden))
                .enumerate()
                .with_min_len(TOGETHER)
                .for_each(
                    |(place, (((of_gates, step_gradient), carried), recurrent))| {
                        let cells = cells[place];
                        arch.dispatch(Backward {
                            hidden,
                            gradient: &gradient[place][step * hidden..][..hidden],
                            recurrent,
                            gates: &let_through[place][step * gates..][..gates],
                            cell: &cells[step * hidden..][..hidden],
                            before: match step {
                                0 => zeros.as_slice(),
                                _ => &cells[(step - 1) * hidden..][..hidden],
                            },
                            carried,
                            gate_gradient: &mut of_gates[step * gates..][..gates],
                            step_gradient,
                        });
                    },
                );
            if step > 0 {
                step_product(&of_step, active, recurrent, &mut of_states);
            }
        }
        for buffer in [of_states, carried, of_step] {
            buffers::give(buffer);
        }
    }

    /// The hidden state before every row: zeros before the first one of a sequence.
    fn states_before(&self, output: &[f32], before: &mut [f32]) {
        let hidden = self.hidden;
        for pair in self.offsets.windows(2) {
            let (first, end) = (pair[0] * hidden, pair[1] * hidden);
            if first < end {
                before[first..first + hidden].fill(0.0);
                before[first + hidden..end].copy_from_slice(&output[first..end - hidden]);
            }
        }
    }
}

/// Writes `left · right` into the output.
fn product(left: Matrix<'_>, right: Matrix<'_>, output: &mut [f32]) {
    let (rows, columns) = (left.rows(), right.columns());
    assert_eq!(output.len(), rows * columns, "a gradient for every element");
    let stride = columns;
    let output = Output {
        data: output,
        stride,
    };
    multiply(left, right, Start::Zero, output);
}
