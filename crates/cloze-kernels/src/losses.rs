//! Losses and their gradients, in one pass over the logits.

mod binary_cross_entropy;
mod cross_entropy;

pub use binary_cross_entropy::{BinaryCrossEntropy, BinaryLogits};
pub use cross_entropy::{CrossEntropy, Logits};

/// Logits that a thread takes at a time, in whole rows.
const BLOCK: usize = 1 << 14;

/// The rows of a block, for rows of this size.
fn rows_per_block(classes: usize) -> usize {
    BLOCK.checked_div(classes).unwrap_or(1).max(1)
}
