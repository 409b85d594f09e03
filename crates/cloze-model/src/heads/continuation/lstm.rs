use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, activation};

use crate::bridge::{LstmParameters, lstm_forward};
use crate::encoder::{Builder, affine};
use crate::parameter_source::{Init, ParameterError};

/// A layer of an LSTM (Hochreiter and Schmidhuber 1997) with the parameters and the names of
/// `torch.nn.LSTM`: input gate, forget gate, cell and output gate one below the other.
#[derive(Module, Debug)]
pub struct LstmLayer {
    /// `[4 · width, in]`; `weight_ih_l0` of the first layer.
    pub weight_ih: Param<Tensor<2>>,
    /// `[4 · width, width]`; `weight_hh_l0`.
    pub weight_hh: Param<Tensor<2>>,
    /// `[4 · width]`; `bias_ih_l0`.
    pub bias_ih: Param<Tensor<1>>,
    /// `[4 · width]`; `bias_hh_l0`.
    pub bias_hh: Param<Tensor<1>>,
}

impl LstmLayer {
    /// What a checkpoint lacks is drawn with the deviation of PyTorch's weights, which are uniform
    /// between `±1 / √width`; biases begin with 0.
    pub(super) fn new(
        builder: &mut Builder<'_>,
        name: &str,
        index: usize,
        inputs: usize,
        width: usize,
    ) -> Result<Self, ParameterError> {
        let weights = Init::Normal((3.0 * width as f64).sqrt().recip());
        let name = |tensor: &str| format!("{name}.{tensor}_l{index}");
        let gates = 4 * width;
        Ok(Self {
            weight_ih: builder.matrix_with(&name("weight_ih"), gates, inputs, weights)?,
            weight_hh: builder.matrix_with(&name("weight_hh"), gates, width, weights)?,
            bias_ih: builder.vector(&name("bias_ih"), gates, Init::Zeros)?,
            bias_hh: builder.vector(&name("bias_hh"), gates, Init::Zeros)?,
        })
    }

    /// The hidden state at every row, each sequence from a zero state: `[rows, in]` →
    /// `[rows, width]`. `offsets`, `[sequences + 1]`, are those of the sequences' first rows.
    pub fn forward(&self, input: Tensor<2>, offsets: &[usize]) -> Tensor<2> {
        let parameters = LstmParameters {
            weight_ih: self.weight_ih.val(),
            weight_hh: self.weight_hh.val(),
            bias_ih: self.bias_ih.val(),
            bias_hh: self.bias_hh.val(),
        };
        lstm_forward(parameters, &input, offsets)
            .unwrap_or_else(|| self.forward_composed(input, offsets))
    }

    /// The same out of the tensor library's operations: sequences are padded behind their end,
    /// which nothing before it sees.
    fn forward_composed(&self, input: Tensor<2>, offsets: &[usize]) -> Tensor<2> {
        let padded = Padded::new(offsets);
        let (sequences, steps) = (padded.sequences, padded.steps);
        let [_, width] = self.weight_hh.dims();
        let device = input.device();
        let gates = affine(self.weight_ih.val(), self.bias_ih.val(), input);
        let gates = gates.select(
            0,
            Tensor::<1, Int>::from_data(padded.rows.as_slice(), &device),
        );
        let mut hidden = Tensor::<2>::zeros([sequences, width], &device);
        let mut cell = hidden.clone();
        let mut states = Vec::with_capacity(steps);
        for step in 0..steps {
            let rows = gates.clone().narrow(0, step * sequences, sequences);
            let sums = rows + affine(self.weight_hh.val(), self.bias_hh.val(), hidden);
            let gate = |index: usize| sums.clone().narrow(1, index * width, width);
            let kept = activation::sigmoid(gate(1)) * cell;
            cell = kept + activation::sigmoid(gate(0)) * gate(2).tanh();
            hidden = activation::sigmoid(gate(3)) * cell.clone().tanh();
            states.push(hidden.clone());
        }
        let places = Tensor::<1, Int>::from_data(padded.places.as_slice(), &device);
        Tensor::cat(states, 0).select(0, places)
    }
}

/// Sequences side by side, a row of each at every step.
struct Padded {
    sequences: usize,
    steps: usize,
    /// For every step and sequence the row that stands there, or a row of the sequence itself where it
    /// has ended: `[steps · sequences]`.
    rows: Vec<i64>,
    /// For every row its step and sequence: `[rows]`.
    places: Vec<i64>,
}

impl Padded {
    fn new(offsets: &[usize]) -> Self {
        let sequences = offsets.len() - 1;
        let lengths = || offsets.windows(2).map(|pair| pair[1] - pair[0]);
        let steps = lengths().max().unwrap_or(0);
        let row = |step: usize, pair: &[usize]| (pair[0] + step).min(pair[1] - 1) as i64;
        let rows = (0..steps).flat_map(|step| offsets.windows(2).map(move |pair| row(step, pair)));
        let places = lengths().enumerate().flat_map(|(sequence, length)| {
            (0..length).map(move |step| (step * sequences + sequence) as i64)
        });
        Self {
            sequences,
            steps,
            rows: rows.collect(),
            places: places.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::*;

    fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
        Tensor::random(shape, Distribution::Normal(0.0, 0.5), device)
    }

    fn close<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> bool {
        (a - b).abs().max().into_scalar::<f32>() < 1e-5
    }

    #[test]
    fn output_and_gradients_equal_the_composed_ones() {
        let device = Device::flex().autodiff();
        let layer = LstmLayer {
            weight_ih: Param::from_tensor(random([24, 5], &device)),
            weight_hh: Param::from_tensor(random([24, 6], &device)),
            bias_ih: Param::from_tensor(random([24], &device)),
            bias_hh: Param::from_tensor(random([24], &device)),
        };
        let offsets = [0, 3, 10, 11, 15];
        let input = random([15, 5], &device).require_grad();
        let weights = random([15, 6], &device);
        let run = |output: Tensor<2>| {
            let gradients = (output.clone() * weights.clone()).sum().backward();
            (
                output.inner(),
                input.grad(&gradients).unwrap(),
                [&layer.weight_ih, &layer.weight_hh].map(|w| w.grad(&gradients).unwrap()),
                [&layer.bias_ih, &layer.bias_hh].map(|b| b.grad(&gradients).unwrap()),
            )
        };
        let fused = run(layer.forward(input.clone(), &offsets));
        let composed = run(layer.forward_composed(input.clone(), &offsets));
        assert!(close(fused.0, composed.0));
        assert!(close(fused.1, composed.1));
        for (fused, composed) in fused.2.into_iter().zip(composed.2) {
            assert!(close(fused, composed));
        }
        for (fused, composed) in fused.3.into_iter().zip(composed.3) {
            assert!(close(fused, composed));
        }
    }

    #[test]
    fn what_is_frozen_has_no_gradient() {
        let device = Device::flex().autodiff();
        let layer = LstmLayer {
            weight_ih: Param::from_tensor(random([8, 3], &device)),
            weight_hh: Param::from_tensor(random([8, 2], &device)).set_require_grad(false),
            bias_ih: Param::from_tensor(random([8], &device)).set_require_grad(false),
            bias_hh: Param::from_tensor(random([8], &device)),
        };
        let output = layer.forward(random([4, 3], &device), &[0, 4]);
        let gradients = output.sum().backward();
        assert!(layer.weight_ih.grad(&gradients).is_some());
        assert!(layer.weight_hh.grad(&gradients).is_none());
        assert!(layer.bias_ih.grad(&gradients).is_none());
        assert!(layer.bias_hh.grad(&gradients).is_some());
    }
}
