use pulp::Arch;
use rayon::prelude::*;

use super::cell::Forward;
use super::steps::Steps;
use super::{Lstm, SavedLstm, step_product, with_panels};
use crate::buffers;
use crate::matmul::{Matrix, Output, Panels, Start, multiply};

/// Sequences that a thread takes at a time.
const TOGETHER: usize = 4;

impl Lstm<'_> {
    /// Hidden states of all rows, `[rows, hidden]`, of an input, `[rows, inputs]`, on all threads.
    ///
    /// # Panics
    /// If a tensor has another length than the layer wants.
    pub fn forward(&self, input: &[f32], output: &mut [f32]) -> SavedLstm {
        self.check();
        let (rows, hidden, gates) = (self.rows(), self.hidden, self.gates());
        assert_eq!(input.len(), rows * self.inputs, "an input a row");
        assert_eq!(output.len(), rows * hidden, "a hidden state a row");
        let mut saved = SavedLstm {
            gates: buffers::take(rows * gates),
            cells: buffers::take(rows * hidden),
        };
        let weights = &self.weights;
        let biases = weights.input_bias.iter().zip(weights.recurrent_bias);
        let bias: Vec<f32> = biases.map(|(a, b)| a + b).collect();
        // Once on a thread of the pool, every step finds its threads awake.
        rayon::scope(|_| {
            multiply(
                Matrix::new(input, rows, self.inputs),
                Matrix::new(weights.input, gates, self.inputs).transpose(),
                Start::Bias(&bias),
                Output {
                    data: &mut saved.gates,
                    stride: gates,
                },
            );
            let recurrent = Matrix::new(weights.recurrent, gates, hidden).transpose();
            with_panels(recurrent, |panels| {
                self.run_steps(panels, &mut saved, output);
            });
        });
        saved
    }

    fn run_steps(&self, recurrent: &Panels, saved: &mut SavedLstm, output: &mut [f32]) {
        let (hidden, gates, offsets) = (self.hidden, self.gates(), self.offsets);
        let steps = Steps::new(offsets);
        let widest = steps.widest();
        let mut sequences = Sequence::all(&steps, self, saved, output);
        let (mut states, mut sums) = (
            buffers::take(widest * hidden),
            buffers::take(widest * gates),
        );
        // The state before the first step.
        let zeros = vec![0.0; hidden];
        sums.fill(0.0);
        let arch = Arch::new();
        for (step, &active) in steps.active.iter().enumerate() {
            if step > 0 {
                step_product(&states, active, recurrent, &mut sums);
            }
            sequences[..active]
                .par_iter_mut()
                .zip(states.par_chunks_mut(hidden))
                .zip(sums.par_chunks(gates))
                .with_min_len(TOGETHER)
                .for_each(|((sequence, state), sums)| {
                    arch.dispatch(sequence.step(step, &zeros, sums, state));
                });
        }
        buffers::give(states);
        buffers::give(sums);
    }
}

/// What the forward pass writes of a sequence.
struct Sequence<'a> {
    hidden: usize,
    gates: &'a mut [f32],
    cells: &'a mut [f32],
    output: &'a mut [f32],
}

impl<'a> Sequence<'a> {
    fn all(
        steps: &Steps,
        lstm: &Lstm<'_>,
        saved: &'a mut SavedLstm,
        output: &'a mut [f32],
    ) -> Vec<Self> {
        let (hidden, offsets) = (lstm.hidden, lstm.offsets);
        let gates = steps.split_mut(&mut saved.gates, lstm.gates(), offsets);
        let cells = steps.split_mut(&mut saved.cells, hidden, offsets);
        let outputs = steps.split_mut(output, hidden, offsets);
        let parts = gates.into_iter().zip(cells).zip(outputs);
        let sequence = |((gates, cells), output)| Sequence {
            hidden,
            gates,
            cells,
            output,
        };
        parts.map(sequence).collect()
    }

    fn step<'b>(
        &'b mut self,
        step: usize,
        zeros: &'b [f32],
        sums: &'b [f32],
        state: &'b mut [f32],
    ) -> Forward<'b> {
        let hidden = self.hidden;
        let (done, rest) = self.cells.split_at_mut(step * hidden);
        Forward {
            hidden,
            sums,
            before: match step {
                0 => zeros,
                _ => &done[(step - 1) * hidden..],
            },
            gates: &mut self.gates[step * 4 * hidden..][..4 * hidden],
            cell: &mut rest[..hidden],
            output: &mut self.output[step * hidden..][..hidden],
            state,
        }
    }
}
