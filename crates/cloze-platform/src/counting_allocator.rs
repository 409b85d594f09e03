use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::allocator::Allocator;

/// The program's allocator with a count of what is asked of it, for tests that hold a piece of
/// work to a number of allocations.
///
/// A test that wants it says `#[global_allocator] static ALLOCATOR: CountingAllocator =
/// CountingAllocator::new();`, in a test binary of its own: it counts for the whole process.
#[derive(Debug)]
pub struct CountingAllocator {
    allocations: AtomicU64,
    bytes: AtomicU64,
    given_back: AtomicU64,
}

/// What was asked of a [`CountingAllocator`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocations {
    /// How often; a buffer that grows counts again.
    pub count: u64,
    /// Bytes of all of them together, given back or not.
    pub bytes: u64,
}

impl CountingAllocator {
    /// An allocator that has counted nothing.
    #[expect(
        clippy::new_without_default,
        reason = "a static needs a constant function, which `default` is not"
    )]
    pub const fn new() -> Self {
        Self {
            allocations: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            given_back: AtomicU64::new(0),
        }
    }

    /// Bytes that were asked for and not yet given back.
    pub fn held(&self) -> u64 {
        let given_back = self.given_back.load(Ordering::Relaxed);
        self.bytes
            .load(Ordering::Relaxed)
            .saturating_sub(given_back)
    }

    /// What was asked so far.
    pub fn total(&self) -> Allocations {
        Allocations {
            count: self.allocations.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    fn count(&self, bytes: usize) {
        self.allocations.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn count_back(&self, bytes: usize) {
        self.given_back.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

// SAFETY: every call goes on to mimalloc unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size());
        // SAFETY: the caller's promises are those that mimalloc wants.
        unsafe { Allocator.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size());
        // SAFETY: as in `alloc`.
        unsafe { Allocator.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.count_back(layout.size());
        // SAFETY: the pointer came from mimalloc with this layout, as the caller promises.
        unsafe { Allocator.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        self.count(new_size);
        self.count_back(layout.size());
        // SAFETY: as in `dealloc`.
        unsafe { Allocator.realloc(pointer, layout, new_size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocations_count_and_frees_do_not() {
        let allocator = CountingAllocator::new();
        let layout = Layout::from_size_align(100, 8).unwrap();
        // SAFETY: the layout has a size, and each pointer is given back once with its layout.
        unsafe {
            let pointer = allocator.alloc(layout);
            let pointer = allocator.realloc(pointer, layout, 200);
            assert_eq!(allocator.held(), 200);
            allocator.dealloc(pointer, Layout::from_size_align(200, 8).unwrap());
        }
        let wanted = Allocations {
            count: 2,
            bytes: 300,
        };
        assert_eq!((allocator.total(), allocator.held()), (wanted, 0));
    }
}
