use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks a run to save a checkpoint and return. Clones share the request, so a signal handler can
/// hold one.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks. The run stops after the optimizer step that it is in.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has asked.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
