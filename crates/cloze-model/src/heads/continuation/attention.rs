use burn::module::{Module, Param};
use burn::tensor::{Tensor, activation};
use cloze_core::PackedBatch;

use super::rows::HeadRows;
use crate::bridge::{affine_forward, linear_forward};
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
        let context = attend_composed(projected, rows.offsets(), heads);
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
