use burn::module::{Module, Param};
use burn::tensor::{Tensor, activation};
use cloze_core::PackedBatch;

use super::rows::HeadRows;
use crate::bridge::{affine_forward, linear_forward, row_attention_forward};
use crate::encoder::{Builder, Linear, Padding};
use crate::parameter_source::{Init, ParameterError};

/// Self-attention over the rows of a sequence (Vaswani et al. 2017), with the parameters and the
/// names of `torch.nn.MultiheadAttention`.
#[derive(Module, Debug)]
pub struct RowAttention {
    /// Queries, keys and values one below the other, `[3 · width, width]`.
    pub in_proj_weight: Param<Tensor<2>>,
    /// `[3 · width]`.
    pub in_proj_bias: Param<Tensor<1>>,
    /// `[width, width]`.
    pub out_proj: Linear,
}

impl RowAttention {
    pub(super) fn new(
        builder: &mut Builder<'_>,
        name: &str,
        width: usize,
    ) -> Result<Self, ParameterError> {
        Ok(Self {
            in_proj_weight: builder.matrix(&format!("{name}.in_proj_weight"), 3 * width, width)?,
            in_proj_bias: builder.vector(
                &format!("{name}.in_proj_bias"),
                3 * width,
                Init::Zeros,
            )?,
            out_proj: Linear::new(builder, &format!("{name}.out_proj"), width, width)?,
        })
    }

    /// What the rows that are read get to see of all rows of their sequence: `[rows, width]` →
    /// `[batch, width]`.
    pub(super) fn forward(&self, states: Tensor<2>, rows: &HeadRows, heads: usize) -> Tensor<2> {
        let (weight, bias) = (self.in_proj_weight.val(), self.in_proj_bias.val());
        let projected = affine_forward(weight, bias, states);
        let offsets = rows.offsets();
        let context = row_attention_forward(&projected, offsets, heads)
            .unwrap_or_else(|| attend_composed(projected, offsets, heads));
        linear_forward(&self.out_proj, rows.select_read(context))
    }
}

/// Queries, keys and values side by side, `[rows, 3 · width]` → what every row gets to see,
/// `[rows, width]`, out of the tensor library's operations.
fn attend_composed(projected: Tensor<2>, offsets: &[usize], heads: usize) -> Tensor<2> {
    let device = projected.device();
    let [_, columns] = projected.dims();
    let width = columns / 3;
    let scale = ((width / heads) as f64).sqrt().recip();
    // Only where sequences begin counts of it.
    let ids = vec![0; projected.dims()[0]];
    let batch = PackedBatch::new(ids.clone(), ids, offsets.to_vec())
        // A model refuses a batch without sequences, and sequences without rows.
        .expect("every sequence has a row");
    let padding = Padding::new(&batch, &device);
    let part = |index: usize| {
        let rows = projected.clone().narrow(1, index * width, width);
        padding.split_heads(rows, heads)
    };
    let scores = part(0).matmul(part(1).swap_dims(2, 3)) * scale;
    let weights = activation::softmax(padding.mask(scores), 3);
    padding.merge_heads(weights.matmul(part(2)))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::*;

    #[test]
    fn what_rows_see_and_its_gradient_equal_the_composed_ones() {
        let device = Device::flex().autodiff();
        let random =
            |shape: [usize; 2]| Tensor::<2>::random(shape, Distribution::Normal(0.0, 1.0), &device);
        let offsets = [0, 3, 10, 11, 15];
        let projected = random([15, 3 * 12]).require_grad();
        let weights = random([15, 12]);
        let run = |context: Tensor<2>| {
            let gradients = (context.clone() * weights.clone()).sum().backward();
            [context.inner(), projected.grad(&gradients).unwrap()]
        };
        let fused = row_attention_forward(&projected, &offsets, 4).unwrap();
        let composed = attend_composed(projected.clone(), &offsets, 4);
        for (fused, composed) in run(fused).into_iter().zip(run(composed)) {
            let difference = (fused - composed).abs().max().into_scalar::<f32>();
            assert!(difference < 1e-5, "{difference}");
        }
    }
}
