//! What training minimises.

mod cross_entropy;

pub use cross_entropy::{CrossEntropy, LossError, cross_entropy};
