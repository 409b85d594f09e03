//! A layer of an LSTM over the sequences of a packed batch, each from a zero state, forward and
//! backward.
//!
//! Hochreiter, Schmidhuber: *Long short-term memory*, 1997, with the forget gate of Gers,
//! Schmidhuber, Cummins: *Learning to forget*, 2000, and the parameters of `torch.nn.LSTM`: the rows
//! of input gate, forget gate, cell and output gate one below the other.
//!
//! What the gates are given of the input is one matrix product over all rows. What they are given
//! of the state before is one at every step, over the sequences that are still going on; they are
//! taken by falling length, so that these are the first ones. On the way back only that product
//! goes step by step: the gradients of weights and input are products over all rows.

mod backward;
mod cell;
mod forward;
mod steps;

#[cfg(test)]
mod tests;

use std::cell::Cell;

use crate::buffers;
use crate::matmul::{Matrix, Output, Panels, Start, multiply_packed};

/// Input gate, forget gate, cell, output gate.
const GATES: usize = 4;

/// The weights of a layer, in the layout of `torch.nn.LSTM`.
#[derive(Clone, Copy, Debug)]
pub struct LstmWeights<'a> {
    /// `weight_ih`, `[4 · hidden, inputs]`.
    pub input: &'a [f32],
    /// `weight_hh`, `[4 · hidden, hidden]`.
    pub recurrent: &'a [f32],
    /// `bias_ih`, `[4 · hidden]`.
    pub input_bias: &'a [f32],
    /// `bias_hh`, `[4 · hidden]`.
    pub recurrent_bias: &'a [f32],
}

/// A layer, and the sequences that go through it.
#[derive(Clone, Copy, Debug)]
pub struct Lstm<'a> {
    /// Where each sequence begins among the rows, and where the last one ends: `[sequences + 1]`.
    pub offsets: &'a [usize],
    /// Elements of a row of the input.
    pub inputs: usize,
    /// Elements of a hidden state.
    pub hidden: usize,
    /// The weights.
    pub weights: LstmWeights<'a>,
}

/// What the backward pass needs of the forward pass; its memory goes back to [`buffers`].
#[derive(Debug)]
pub struct SavedLstm {
    /// What the gates let through, `[rows, 4 · hidden]`.
    gates: Vec<f32>,
    /// Cell states, `[rows, hidden]`.
    cells: Vec<f32>,
}

impl Drop for SavedLstm {
    fn drop(&mut self) {
        buffers::give(std::mem::take(&mut self.gates));
        buffers::give(std::mem::take(&mut self.cells));
    }
}

/// What a backward pass reads.
#[derive(Clone, Copy, Debug)]
pub struct LstmBackward<'a> {
    /// What the forward pass was given, `[rows, inputs]`.
    pub input: &'a [f32],
    /// What it returned, `[rows, hidden]`.
    pub output: &'a [f32],
    /// What it saved.
    pub saved: &'a SavedLstm,
    /// The gradient of `output`.
    pub gradient: &'a [f32],
}

/// Receives the gradients that are wanted, each as long as what it belongs to.
#[derive(Debug, Default)]
pub struct LstmGradients<'a> {
    /// Of the input.
    pub input: Option<&'a mut [f32]>,
    /// Of `weight_ih`.
    pub input_weight: Option<&'a mut [f32]>,
    /// Of `weight_hh`.
    pub recurrent_weight: Option<&'a mut [f32]>,
    /// Of `bias_ih`, which is that of `bias_hh` too.
    pub bias: Option<&'a mut [f32]>,
}

impl Lstm<'_> {
    fn rows(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0)
    }

    /// Elements of the gates of a row.
    fn gates(&self) -> usize {
        GATES * self.hidden
    }

    fn check(&self) {
        let Self {
            offsets,
            inputs,
            hidden,
            weights,
        } = self;
        assert!(
            offsets.first().is_none_or(|&first| first == 0) && offsets.is_sorted(),
            "offsets begin with 0 and do not fall"
        );
        let gates = self.gates();
        assert!(*hidden > 0, "a hidden state has elements");
        assert_eq!(weights.input.len(), gates * inputs, "four gates an input");
        assert_eq!(
            weights.recurrent.len(),
            gates * hidden,
            "four gates a state"
        );
        assert_eq!(weights.input_bias.len(), gates, "a bias a gate");
        assert_eq!(weights.recurrent_bias.len(), gates, "a bias a gate");
    }
}

/// Writes `left · right` into the output, for a right factor that is packed.
fn step_product(left: &[f32], rows: usize, right: &Panels, output: &mut [f32]) {
    let (inputs, outputs) = (right.rows(), right.columns());
    multiply_packed(
        Matrix::new(&left[..rows * inputs], rows, inputs),
        right,
        Start::Zero,
        Output {
            data: &mut output[..rows * outputs],
            stride: outputs,
        },
    );
}

/// Calls with the recurrent weights packed, in memory that stays for the next call.
fn with_panels<T>(right: Matrix<'_>, call: impl FnOnce(&Panels) -> T) -> T {
    thread_local! {
        static PANELS: Cell<Panels> = Cell::default();
    }
    let mut panels = PANELS.take();
    panels.repack(right);
    let result = call(&panels);
    PANELS.set(panels);
    result
}
