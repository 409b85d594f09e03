use super::{EXCLUDED, LogitsProcessor, Written};
use crate::generation::GenerationSettings;
use crate::generation::choice::likelihood;

/// Keeps the likeliest tokens that together have the probability p, and always the likeliest one:
/// nucleus sampling (Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020).
#[derive(Clone, Copy, Debug)]
pub struct TopP {
    p: f32,
}

impl TopP {
    pub(super) fn of(settings: &GenerationSettings) -> Option<Self> {
        let p = settings.top_p as f32;
        (p < 1.0).then_some(Self { p })
    }
}

impl LogitsProcessor for TopP {
    fn process(&self, _: &Written<'_>, scores: &mut [f32]) {
        let mut left: Vec<u32> = (0..scores.len() as u32)
            .filter(|&id| scores[id as usize] > EXCLUDED)
            .collect();
        // The least likely first, and of equal ones the later, which `transformers` leaves open.
        left.sort_unstable_by(|&a, &b| {
            scores[a as usize]
                .total_cmp(&scores[b as usize])
                .then(b.cmp(&a))
        });
        let Some((&best, rest)) = left.split_last() else {
            return;
        };
        let highest = scores[best as usize];
        let probability = |id: u32| likelihood(scores[id as usize], highest);
        let total: f64 = left.iter().map(|&id| probability(id)).sum();
        let mut below = 0.0;
        let tail = rest.iter().take_while(|&&id| {
            below += probability(id) / total;
            below <= f64::from(1.0 - self.p)
        });
        for &id in tail.collect::<Vec<_>>() {
            scores[id as usize] = EXCLUDED;
        }
    }

    fn describe(&self) -> String {
        format!(
            "the likeliest tokens with the probability {} (top-p)",
            self.p
        )
    }
}
