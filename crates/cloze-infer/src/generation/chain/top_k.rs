use std::num::NonZeroUsize;

use super::{EXCLUDED, LogitsProcessor, Written, kth_highest};
use crate::generation::GenerationSettings;

/// Keeps the k tokens with the highest scores, and those that are as high as the last of them (Fan,
/// Lewis and Dauphin, "Hierarchical Neural Story Generation", 2018).
#[derive(Clone, Copy, Debug)]
pub struct TopK {
    k: NonZeroUsize,
}

impl TopK {
    pub(super) fn of(settings: &GenerationSettings) -> Option<Self> {
        let k = NonZeroUsize::new(settings.top_k)?;
        Some(Self { k })
    }
}

impl LogitsProcessor for TopK {
    fn process(&self, _: &Written<'_>, scores: &mut [f32]) {
        let kth = kth_highest(scores, self.k.get());
        for score in scores {
            if *score < kth {
                *score = EXCLUDED;
            }
        }
    }

    fn describe(&self) -> String {
        match self.k.get() {
            1 => "the likeliest token alone (top-k 1)".into(),
            k => format!("the {k} likeliest tokens (top-k)"),
        }
    }
}
