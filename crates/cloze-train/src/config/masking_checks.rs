//! Keys of `[masking]`, and of `[data]` about long texts, that exclude or need each other.

use cloze_core::InputError;

use super::document::Document;
use super::{RunConfig, TaskKind};

pub(super) fn check(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    let shares = config.masking.shares;
    let together: f64 = shares.iter().sum();
    if (together - 1.0).abs() > 1e-9 {
        return Err(document.error(
            "masking.shares",
            format!("{shares:?}, {together} together"),
            "three shares that are 1 together",
        ));
    }
    let data = &config.data;
    if data.line_by_line && data.chunk_size.is_some() {
        return Err(document.error(
            "data.chunk_size",
            "`line_by_line = true` beside it",
            "blocks or lines; `max_length` cuts lines",
        ));
    }
    if !data.line_by_line && config.task == TaskKind::MaskedLm && data.max_length.is_some() {
        return Err(document.error(
            "data.max_length",
            "blocks, which are as long as `chunk_size` says",
            "`chunk_size`, or `line_by_line = true` beside it",
        ));
    }
    Ok(())
}
