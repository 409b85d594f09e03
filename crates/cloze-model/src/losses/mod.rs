//! What training minimises.

mod binary_cross_entropy;
mod cross_entropy;
mod error;
mod mean_squared_error;
mod span;

pub use binary_cross_entropy::{BinaryCrossEntropy, binary_cross_entropy};
pub use cross_entropy::{CrossEntropy, cross_entropy};
pub use error::LossError;
pub use mean_squared_error::mean_squared_error;
pub use span::{SpanPositions, span_cross_entropy};
