use std::num::NonZeroUsize;

use super::{LogitsProcessor, Written, exclude};
use crate::generation::GenerationSettings;

/// No n tokens in a row stand twice in the text, prompt included.
#[derive(Clone, Copy, Debug)]
pub struct NoRepeatNgram {
    size: NonZeroUsize,
}

impl NoRepeatNgram {
    pub(super) fn of(settings: &GenerationSettings) -> Option<Self> {
        let size = NonZeroUsize::new(settings.no_repeat_ngram_size)?;
        Some(Self { size })
    }
}

impl LogitsProcessor for NoRepeatNgram {
    fn process(&self, written: &Written<'_>, scores: &mut [f32]) {
        let ids = written.ids;
        let size = self.size.get();
        let Some(begin) = (ids.len() + 1).checked_sub(size) else {
            return;
        };
        let started = &ids[begin..];
        for ngram in ids.windows(size) {
            // A window is not empty.
            let (last, before) = ngram.split_last().unwrap_or((&0, &[]));
            if before == started {
                exclude(scores, *last);
            }
        }
    }

    fn describe(&self) -> String {
        match self.size.get() {
            1 => "no token stands twice".into(),
            size => format!("no {size} tokens in a row stand twice"),
        }
    }

    fn gives_way(&self) -> bool {
        true
    }
}
