use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

/// When a window is handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Once it is full or the input ends: windows are then the same in every run.
    Full,
    /// As soon as nothing more is there: an answer does not wait for the next question.
    Immediate,
}

/// The items of a stream in groups of up to a fixed number, read ahead on a thread of its own.
///
/// Memory is flat: at most two windows are held that have not been asked for.
#[derive(Debug)]
pub struct Windows<T> {
    items: Receiver<T>,
    size: usize,
    arrival: Arrival,
}

/// The most items for which room is made before they are there.
const READ_AHEAD: usize = 1 << 16;

impl<T: Send + 'static> Windows<T> {
    /// Reads a source on a new thread, so that one that waits (standard input) never holds up
    /// what came before.
    pub fn read(
        size: NonZeroUsize,
        arrival: Arrival,
        source: impl Iterator<Item = T> + Send + 'static,
    ) -> Self {
        let size = size.get();
        let (sender, items) = sync_channel(size.min(READ_AHEAD));
        thread::spawn(move || {
            for item in source {
                // The other side is gone: nobody wants the rest.
                if sender.send(item).is_err() {
                    break;
                }
            }
        });
        Self {
            items,
            size,
            arrival,
        }
    }
}

impl<T> Iterator for Windows<T> {
    type Item = Vec<T>;

    fn next(&mut self) -> Option<Vec<T>> {
        let mut window = vec![self.items.recv().ok()?];
        while window.len() < self.size {
            let item = match self.arrival {
                Arrival::Full => self.items.recv().ok(),
                Arrival::Immediate => self.items.try_recv().ok(),
            };
            match item {
                Some(item) => window.push(item),
                None => break,
            }
        }
        Some(window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();

    #[test]
    fn full_windows_depend_on_the_input_alone() {
        let windows = Windows::read(THREE, Arrival::Full, 0..8);
        let windows: Vec<_> = windows.collect();
        assert_eq!(windows, [vec![0, 1, 2], vec![3, 4, 5], vec![6, 7]]);
    }

    #[test]
    fn a_window_may_be_larger_than_any_input() {
        let windows = Windows::read(NonZeroUsize::MAX, Arrival::Full, 0..3);
        assert_eq!(windows.collect::<Vec<_>>(), [vec![0, 1, 2]]);
    }

    #[test]
    fn an_immediate_window_does_not_wait_for_input_that_may_never_come() {
        let (sender, receiver) = channel();
        let mut windows = Windows::read(THREE, Arrival::Immediate, receiver.into_iter());
        sender.send('a').unwrap();
        assert_eq!(windows.next(), Some(vec!['a']));
        sender.send('b').unwrap();
        assert_eq!(windows.next(), Some(vec!['b']));
        drop(sender);
        assert_eq!(windows.next(), None);
    }

    #[test]
    fn a_source_without_end_is_read_only_as_far_as_it_is_asked_for() {
        let mut windows = Windows::read(THREE, Arrival::Full, 0_u64..);
        assert_eq!(windows.next(), Some(vec![0, 1, 2]));
    }
}
