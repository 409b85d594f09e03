//! Progress on standard error: bars where that is a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Arc;

use cloze_model::checkpoint::{DownloadObserver, DownloadProgress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Whether a person reads along on standard error.
pub(crate) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// A bar that counts; hidden where nobody watches.
pub(crate) fn counter(total: usize, what: &'static str) -> ProgressBar {
    bar(
        total as u64,
        &format!("{{bar:24}} {{human_pos}} of {{human_len}} {what}  {{eta}} left"),
    )
}

/// A bar of a template; hidden where nobody watches.
pub(crate) fn bar(total: u64, template: &str) -> ProgressBar {
    if !is_watched() {
        return ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
    }
    // A template of this program that cannot be read is replaced by indicatif's own.
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸ ");
    ProgressBar::new(total).with_style(style)
}

/// Draws a bar while files arrive from the Hub; nothing where nobody watches.
pub(crate) fn downloads() -> Option<DownloadObserver> {
    if !is_watched() {
        return None;
    }
    let template = "{bar:24} {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
    let bar = bar(0, template);
    Some(Arc::new(move |progress: DownloadProgress| {
        bar.set_length(progress.total);
        bar.set_position(progress.bytes);
        if progress.bytes >= progress.total {
            bar.finish_and_clear();
        }
    }))
}
