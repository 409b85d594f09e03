//! What the measuring programs in `src/bin` share. Each of them prints one line of JSON, and is
//! started by `bench/speed.py` in turns with its peer of `bench/peers`.
//!
//! - [`read_batches`]: the batches that both sides get
//! - [`time_steps`]: training steps, timed one by one
//! - [`Memory`]: how much memory a model and its work took

mod batch_file;
mod memory;
mod steps;

pub use batch_file::{MaskedBatch, StoredBatch, TaggedBatch, labels, packed, read_batches};
pub use memory::Memory;
pub use steps::{SEED, StepArguments, time_steps};
