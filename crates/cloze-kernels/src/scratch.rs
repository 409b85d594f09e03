//! Working memory that stays with its thread: a kernel that is called again finds the pages of
//! the call before, already mapped and often still in cache.

use std::cell::RefCell;

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

/// Calls `work` with `length` elements that hold anything. Calls may be nested.
#[inline(always)]
pub(crate) fn with_scratch<T>(length: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    let mut buffer = FREE
        .with(|free| free.borrow_mut().pop())
        .unwrap_or_default();
    let result = work(buffer.first(length));
    FREE.with(|free| free.borrow_mut().push(buffer));
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_aligned_and_found_again() {
        let first = with_scratch(100, |buffer| {
            buffer.fill(7.0);
            assert_eq!(buffer.len(), 100);
            assert_eq!(buffer.as_ptr().addr() % 64, 0);
            buffer.as_ptr().addr()
        });
        assert_eq!(with_scratch(50, |buffer| buffer.as_ptr().addr()), first);
    }

    #[test]
    fn nested_calls_do_not_share() {
        with_scratch(20, |outer| {
            outer.fill(1.0);
            with_scratch(20, |inner| inner.fill(2.0));
            assert!(outer.iter().all(|&value| value == 1.0));
        });
    }

    #[test]
    fn a_buffer_of_nothing_is_empty() {
        with_scratch(0, |buffer| assert!(buffer.is_empty()));
        assert!(Buffer::default().filled(0).is_empty());
    }
}
