use super::{LogitsProcessor, Written};
use crate::generation::GenerationSettings;

/// Makes every token that stands in the text, prompt included, less likely: a positive score is
/// divided by the penalty, a negative one multiplied with it (Keskar et al., "CTRL: A Conditional
/// Transformer Language Model for Controllable Generation", 2019).
#[derive(Clone, Copy, Debug)]
pub struct RepetitionPenalty {
    penalty: f32,
}

impl RepetitionPenalty {
    pub(super) fn of(settings: &GenerationSettings) -> Option<Self> {
        let penalty = settings.repetition_penalty as f32;
        (penalty != 1.0).then_some(Self { penalty })
    }
}

impl LogitsProcessor for RepetitionPenalty {
    fn process(&self, written: &Written<'_>, scores: &mut [f32]) {
        // All are read before one is changed: a token is punished once however often it was written.
        let known = written.ids.iter().filter_map(|&id| {
            let score = *scores.get(id as usize)?;
            Some((id as usize, score))
        });
        for (id, score) in known.collect::<Vec<_>>() {
            scores[id] = match score < 0.0 {
                true => score * self.penalty,
                false => score / self.penalty,
            };
        }
    }

    fn describe(&self) -> String {
        format!("repetition penalty {}", self.penalty)
    }
}
