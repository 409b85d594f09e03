//! mimalloc as the program's allocator.
//!
//! A training step frees and asks again for the same large buffers. Giving their pages back to
//! the system in between costs a page fault for each 4 KiB at the next step, which is why
//! mimalloc as it comes is slower here than no mimalloc, and with its purge off faster.

use libmimalloc_sys::{mi_option_set, mi_option_t};

/// The allocator; a binary that wants it says
/// `#[global_allocator] static ALLOCATOR: Allocator = Allocator;`.
pub use mimalloc::MiMalloc as Allocator;

// `mi_option_purge_delay` of mimalloc.h, the same number in mimalloc 2 and 3; the Rust bindings
// leave it out.
const PURGE_DELAY: mi_option_t = 15;

/// Keeps freed memory with the process instead of returning it to the system. Call it first
/// thing in `main`; without [`Allocator`] as the global allocator it has no effect. A user's own
/// `MIMALLOC_PURGE_DELAY` is left in force.
pub fn keep_freed_pages() {
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_some() {
        return;
    }
    // SAFETY: a plain C function that stores one number in mimalloc's static option table; the
    // index is within the table.
    unsafe { mi_option_set(PURGE_DELAY, -1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_purge_option_is_the_one_that_is_set() {
        keep_freed_pages();
        // SAFETY: reads one number from mimalloc's option table.
        let delay = unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(delay, -1);
    }
}
