//! What the measuring programs in `src/bin` share. Each of them prints one line of JSON, and is
//! started by `bench/speed.py` in turns with its peer of `bench/peers`.
//!
//! - [`BatchFile`]: the batches that both sides get
//! - [`Memory`]: how much memory a model and its work took

mod batch_file;
mod memory;

pub use batch_file::{BatchFile, StoredBatch};
pub use memory::Memory;
