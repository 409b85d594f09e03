//! Working memory that stays with its thread: a kernel that is called again finds the pages of
//! the call before, already mapped and often still in cache.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

thread_local! {
    /// Buffers that no call of this thread is using, the one used last at the end.
    static FREE: RefCell<Vec<Buffer>> = const { RefCell::new(Vec::new()) };
}

/// Memory that begins at the border of a cache line, so that no vector load crosses one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffer(Vec<CacheLine>);

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct CacheLine([f32; LINE]);

const LINE: usize = 16;

impl Buffer {
    /// The first `length` elements, whatever they hold; the buffer grows if it is shorter.
    pub(crate) fn first(&mut self, length: usize) -> &mut [f32] {
        let lines = length.div_ceil(LINE);
        if self.0.len() < lines {
            self.0 = vec![CacheLine([0.0; LINE]); lines];
        }
        self.0[..lines]
            .as_flattened_lines_mut()
            .split_at_mut(length)
            .0
    }

    /// The first `length` elements, which must be there.
    pub(crate) fn filled(&self, length: usize) -> &[f32] {
        let lines = length.div_ceil(LINE);
        &self.0[..lines].as_flattened_lines()[..length]
    }
}

trait Lines {
    fn as_flattened_lines(&self) -> &[f32];
    fn as_flattened_lines_mut(&mut self) -> &mut [f32];
}

impl Lines for [CacheLine] {
    fn as_flattened_lines(&self) -> &[f32] {
        // SAFETY: a `CacheLine` is 16 `f32` without padding (64 bytes in size and alignment), so
        // the same memory holds 16 times as many of them, initialised and of stricter alignment.
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), self.len() * LINE) }
    }

    fn as_flattened_lines_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above; the exclusive borrow passes from the one slice to the other.
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr().cast(), self.len() * LINE) }
    }
}

/// Elements that hold anything, lent to this thread until they are dropped.
///
/// Not a function that calls back: what a closure does with vectors would not be inlined into the
/// function that turns vector instructions on.
pub(crate) struct Scratch {
    buffer: Buffer,
    length: usize,
}

impl Scratch {
    pub(crate) fn new(length: usize) -> Self {
        let mut buffer = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
        buffer.first(length);
        Self { buffer, length }
    }
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        self.buffer.filled(self.length)
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        self.buffer.first(self.length)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        // While a thread ends there is no list any more; then the memory goes.
        let _ = FREE.try_with(|free| free.borrow_mut().push(buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_aligned_and_found_again() {
        let mut scratch = Scratch::new(100);
        scratch.fill(7.0);
        assert_eq!(scratch.len(), 100);
        let first = scratch.as_ptr().addr();
        assert_eq!(first % 64, 0);
        drop(scratch);
        assert_eq!(Scratch::new(50).as_ptr().addr(), first);
    }

    #[test]
    fn what_is_lent_twice_is_not_shared() {
        let mut outer = Scratch::new(20);
        outer.fill(1.0);
        Scratch::new(20).fill(2.0);
        assert!(outer.iter().all(|&value| value == 1.0));
    }

    #[test]
    fn a_buffer_of_nothing_is_empty() {
        assert!(Scratch::new(0).is_empty());
        assert!(Buffer::default().filled(0).is_empty());
    }
}
