//! How many threads are worth starting. All parallel work of the program (matrix products,
//! tokenization, the optimizer) shares one pool, so there are never more than these.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use thiserror::Error;

/// Why the thread pool could not be set up.
#[derive(Debug, Error)]
pub enum ThreadError {
    /// The pool exists already, with another number of threads.
    #[error("cannot start {wanted} threads")]
    Start {
        /// How many were asked for.
        wanted: NonZeroUsize,
        /// What the pool says.
        source: rayon::ThreadPoolBuildError,
    },
}

/// The number of threads that arithmetic gains from: the physical cores that this process may
/// use, by affinity and by cgroup quota. Two threads on one core share its vector units.
pub fn worthwhile() -> NonZeroUsize {
    let allowed = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    NonZeroUsize::new(num_cpus::get_physical()).map_or(allowed, |cores| cores.min(allowed))
}

/// Starts the shared pool with `threads` threads, or with as many as are
/// [`worthwhile`]. Returns how many there are.
///
/// # Errors
/// If the pool was started before.
pub fn start(threads: Option<NonZeroUsize>) -> Result<NonZeroUsize, ThreadError> {
    let wanted = threads.unwrap_or_else(worthwhile);
    rayon::ThreadPoolBuilder::new()
        .num_threads(wanted.get())
        .thread_name(|index| format!("cloze-{index}"))
        .build_global()
        .map_err(|source| ThreadError::Start { wanted, source })?;
    Ok(wanted)
}

/// How many threads the shared pool has; it is started if need be.
pub fn running() -> usize {
    rayon::current_num_threads()
}

/// Does work on a thread of the shared pool, and waits for it. Work that consists of many small
/// pieces for all threads is handed over once then, not piece by piece: a thread that does not
/// belong to the pool goes to sleep, and is woken up again, at every one.
///
/// On a thread of the pool it is a plain call.
pub fn run<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| work())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test, as a process has one pool and whoever comes first starts it.
    #[test]
    fn the_pool_starts_once_with_the_threads_that_were_asked_for_and_work_stays_on_them() {
        assert!(worthwhile() <= available_parallelism().unwrap());
        let two = NonZeroUsize::new(2);
        assert_eq!(start(two).unwrap(), two.unwrap());
        assert_eq!(running(), 2);
        assert!(start(two).is_err());

        assert_eq!(rayon::current_thread_index(), None);
        let (outer, inner) = run(|| {
            let inner = run(rayon::current_thread_index);
            (rayon::current_thread_index(), inner)
        });
        assert!(outer.is_some());
        assert_eq!(outer, inner);
    }
}
