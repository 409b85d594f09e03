//! Ctrl-C: the first one asks, the second one ends.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use cloze_train::StopFlag;

use crate::failure::INTERRUPTED;
use crate::terminal::note;

/// Lets the first SIGINT or SIGTERM ask the run to save and stop, and the second one end the
/// program.
pub(crate) fn stop_on_signals(stop: StopFlag) -> anyhow::Result<()> {
    let asked = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::SeqCst) {
            process::exit(i32::from(INTERRUPTED));
        }
        stop.request();
        note("\nsaving a checkpoint; press Ctrl-C again to stop at once");
    })
    .context("cannot listen for Ctrl-C")
}
