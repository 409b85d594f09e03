//! The machine: file mapping, allocator settings, thread counts. Small, and the only place
//! besides the kernels where `unsafe` is allowed.
//!
//! - [`MappedFile`]: a file's bytes without reading them
//! - [`allocator`]: mimalloc, set so that freed pages stay with the process
//! - [`CountingAllocator`]: the same, counting, for tests
//! - [`threads`]: how many threads are worth starting, and the pool that has them

pub mod allocator;
mod counting_allocator;
mod mapped_file;
pub mod threads;

pub use counting_allocator::{Allocations, CountingAllocator};
pub use mapped_file::MappedFile;
