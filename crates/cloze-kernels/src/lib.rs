//! CPU arithmetic on slices, with a naive reference beside every kernel.
//!
//! Nothing in here knows a tensor library: slices in, slices out. Every kernel gives the same
//! bits for any number of threads and any vector width: work is cut into blocks whose borders
//! depend on the length alone, sums run in a fixed number of lanes, and a multiply-add is fused
//! where the code says so, at every width, and nowhere else.
//!
//! - [`encoder_layer`]: all of a layer, forward, backward, and with packed weights for inference
//! - [`matmul`]: matrix products, one chain of multiply-adds an element
//! - [`attention`]: attention within the sequences of a packed batch, forward and backward
//! - [`embeddings`]: the rows of the three tables, summed and normalised, forward and backward
//! - [`layer_norm`]: layer normalisation of a sum with dropout, forward and backward
//! - [`activation`]: GELU, ReLU and tanh, forward and backward
//! - [`losses`]: softmax and sigmoid cross-entropy with their gradients
//! - [`lstm`]: a layer of an LSTM over the sequences of a packed batch, forward and backward
//! - [`dropout`]: masks that are recomputed instead of stored
//! - [`elementary`]: `exp`, `erf`, `tanh` and the normal distribution of a vector
//! - [`column_sums`], [`scatter`]: sums over the rows of a matrix, and of rows by id
//! - [`philox`]: the counter-based random numbers that all others draw from
//! - [`adamw`]: one pass of AdamW or Adam over a tensor, in place
//! - [`gradient_norm`]: sums of squares
//! - [`moving_average`]: one step of an exponential moving average over a tensor, in place
//! - [`buffers`]: memory that one training step leaves to the next

pub mod activation;
pub mod adamw;
pub mod attention;
pub mod buffers;
pub mod column_sums;
pub mod dropout;
pub mod elementary;
mod elementwise;
pub mod embeddings;
pub mod encoder_layer;
pub mod gradient_norm;
pub mod layer_norm;
pub mod losses;
pub mod lstm;
pub mod matmul;
pub mod moving_average;
pub mod philox;
mod reductions;
pub mod scatter;
mod scratch;
