use std::num::NonZeroUsize;

use super::{EXCLUDED, LogitsProcessor, Written, exclude, kth_highest};
use crate::generation::GenerationSettings;

/// No token stands again that is among the last N generated ones.
///
/// Where tokens are drawn of the top k, these are the k best of all, and the choice is among those
/// of them that are left. If none is left, k widens to the best token that is.
#[derive(Clone, Copy, Debug)]
pub struct NoRepeat {
    last: NonZeroUsize,
    top_k: Option<NonZeroUsize>,
}

impl NoRepeat {
    pub(super) fn of(settings: &GenerationSettings) -> Option<Self> {
        let last = NonZeroUsize::new(settings.no_repeat_last)?;
        let top_k = NonZeroUsize::new(settings.top_k).filter(|_| settings.samples());
        Some(Self { last, top_k })
    }
}

impl LogitsProcessor for NoRepeat {
    fn process(&self, written: &Written<'_>, scores: &mut [f32]) {
        let kth = self.top_k.map(|k| kth_highest(scores, k.get()));
        let generated = written.generated();
        let recent = &generated[generated.len().saturating_sub(self.last.get())..];
        recent.iter().for_each(|&id| exclude(scores, id));
        if let Some(kth) = kth {
            let best = kth_highest(scores, 1);
            for score in scores {
                if *score < kth.min(best) {
                    *score = EXCLUDED;
                }
            }
        }
    }

    fn describe(&self) -> String {
        match self.last.get() {
            1 => "the last written token does not come again".into(),
            last => format!("none of the last {last} written tokens comes again"),
        }
    }

    fn gives_way(&self) -> bool {
        true
    }
}
