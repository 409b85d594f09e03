//! Where tensors become slices: the kernels of `cloze-kernels` run on the CPU device, operations
//! of the tensor library everywhere else. Whoever calls from outside need not know which.

mod layer;
mod optimizer;
mod slices;

pub use cloze_kernels::adamw::{AdamW, WeightDecay};
pub use layer::compose_layers;
pub use optimizer::{adamw_step, sum_of_squares};

pub(crate) use layer::layer_forward;
