//! Where tensors become slices: the kernels of `cloze-kernels` run on the CPU device, operations
//! of the tensor library everywhere else. Whoever calls from outside need not know which.

mod embeddings;
mod layer;
mod linear;
mod losses;
mod lstm;
mod moving_average;
mod operation;
mod optimizer;
mod packed;
mod row_attention;
mod slices;

pub use cloze_kernels::adamw::{AdamW, WeightDecay};
pub use layer::compose_layers;
pub use moving_average::move_towards;
pub use optimizer::{adamw_step, sum_of_squares};
pub use packed::{PackedLayers, PackedMatrix};

pub(crate) use embeddings::embeddings_forward;
pub(crate) use layer::layer_forward;
pub(crate) use linear::{affine_forward, linear_forward};
pub(crate) use losses::{binary_cross_entropy_forward, cross_entropy_forward};
pub(crate) use lstm::{LstmParameters, lstm_forward};
pub(crate) use row_attention::row_attention_forward;
