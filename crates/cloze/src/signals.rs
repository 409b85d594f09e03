//! Ctrl-C: the first one asks, the second one ends.

use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

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

/// Lets SIGINT or SIGTERM end a command that is making a folder, and take away the folder that is put
/// into the place that this returns: half of it is of no use to anybody. A signal waits while the place
/// is locked. Where signals cannot be listened for the folder stays, until the next command finds it.
pub(crate) fn remove_on_signals() -> Arc<Mutex<Option<PathBuf>>> {
    let place = Arc::new(Mutex::new(None::<PathBuf>));
    let made = Arc::clone(&place);
    let _ = ctrlc::set_handler(move || {
        if let Ok(made) = made.lock()
            && let Some(folder) = &*made
        {
            let _ = fs::remove_dir_all(folder);
        }
        process::exit(i32::from(INTERRUPTED));
    });
    place
}
