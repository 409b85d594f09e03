//! Buffers that outlive a call and come back: the activations of a training step, and its
//! gradients. A step that takes what the step before gave back asks the system for no page, and
//! nobody has to clear what is about to be overwritten.

use std::sync::{Mutex, MutexGuard, PoisonError};

static SHARED: Mutex<Buffers> = Mutex::new(Buffers(Vec::new()));

fn shared() -> MutexGuard<'static, Buffers> {
    // A thread that panicked while it held the lock left a list of buffers, whole or shorter.
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A buffer of this length that holds anything: the smallest of those given back that is large
/// enough, as long as most of it is used, or else a new one.
pub fn take(length: usize) -> Vec<f32> {
    let found = shared().take(length);
    found.unwrap_or_else(|| vec![0.0; length])
}

/// Gives a buffer back.
pub fn give(buffer: Vec<f32>) {
    if buffer.capacity() > 0 {
        shared().give(buffer);
    }
}

/// Lets go of all buffers that nobody uses: memory for what comes after training.
pub fn clear() {
    shared().0.clear();
}

/// Buffers that nobody uses.
struct Buffers(Vec<Vec<f32>>);

impl Buffers {
    fn take(&mut self, length: usize) -> Option<Vec<f32>> {
        let Self(free) = self;
        let sizes = || free.iter().map(Vec::len).enumerate();
        let fits =
            |&(_, size): &(usize, usize)| (length..=length.saturating_mul(2)).contains(&size);
        if let Some((index, _)) = sizes().filter(fits).min_by_key(|(_, size)| *size) {
            let mut buffer = free.swap_remove(index);
            buffer.truncate(length);
            return Some(buffer);
        }
        // A smaller one makes room, so that buffers grow with the batches instead of in number.
        let smaller = sizes().filter(|(_, size)| *size < length);
        if let Some((index, _)) = smaller.max_by_key(|(_, size)| *size) {
            free.swap_remove(index);
        }
        None
    }

    fn give(&mut self, mut buffer: Vec<f32>) {
        // What was cut off when it was taken.
        buffer.resize(buffer.capacity(), 0.0);
        self.0.push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_at_the_length_that_is_wanted() {
        let mut buffers = Buffers(vec![vec![1.0; 1000]]);
        let address = buffers.0[0].as_ptr();
        for length in [700, 1000, 500] {
            let buffer = buffers.take(length).unwrap();
            assert_eq!((buffer.as_ptr(), buffer.len()), (address, length));
            buffers.give(buffer);
        }
    }

    #[test]
    fn most_of_a_buffer_must_be_used() {
        let mut buffers = Buffers(vec![vec![1.0; 1000]]);
        assert!(buffers.take(499).is_none());
        assert_eq!(buffers.0.len(), 1);
    }

    #[test]
    fn what_is_too_small_makes_room() {
        let mut buffers = Buffers(vec![vec![1.0; 10], vec![1.0; 20]]);
        assert!(buffers.take(30).is_none());
        assert_eq!(buffers.0, [vec![1.0; 10]]);
    }
}
