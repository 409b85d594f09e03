//! What a model's scores go through before the next token is chosen.

mod banned_tokens;
mod no_repeat;
mod no_repeat_ngram;
mod repetition_penalty;
mod temperature;
mod top_k;
mod top_p;

use std::fmt::Debug;

pub use banned_tokens::BannedTokens;
pub use no_repeat::NoRepeat;
pub use no_repeat_ngram::NoRepeatNgram;
pub use repetition_penalty::RepetitionPenalty;
pub use temperature::Temperature;
pub use top_k::TopK;
pub use top_p::TopP;

use super::GenerationSettings;

/// What was written when a token is to be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// All tokens: those that were given and those that were generated.
    pub ids: &'a [u32],
    /// How many of them were given.
    pub prompt: usize,
}

impl<'a> Written<'a> {
    /// The tokens that were generated.
    pub fn generated(&self) -> &'a [u32] {
        &self.ids[self.prompt..]
    }
}

/// A rule that changes the scores of the next token, a `LogitsProcessor` of `transformers`.
pub trait LogitsProcessor: Debug + Send + Sync {
    /// Changes the scores, `[vocab]`; minus infinity excludes a token.
    fn process(&self, written: &Written<'_>, scores: &mut [f32]);

    /// The rule in a few words, with its setting.
    fn describe(&self) -> String;

    /// Whether the rule is passed over where all rules together leave no token: those that keep a
    /// text from repeating itself are.
    fn gives_way(&self) -> bool {
        false
    }
}

/// The rules in the order in which they are applied.
///
/// | | rule | setting |
/// |---|---|---|
/// | 1 | [`RepetitionPenalty`] | `repetition_penalty` |
/// | 2 | [`NoRepeatNgram`] | `no_repeat_ngram_size` |
/// | 3 | [`BannedTokens`] | `bad_words_ids`, `suppress_tokens` |
/// | 4 | [`NoRepeat`] | `no_repeat_last` |
/// | 5 | [`Temperature`] | `temperature` |
/// | 6 | [`TopK`] | `top_k` |
/// | 7 | [`TopP`] | `top_p` |
///
/// The last three are for sampling alone. That is the order of `transformers`, where rule 4, which
/// it lacks, stands where `generate` puts the processors that it is given.
#[derive(Debug)]
pub struct Chain {
    rules: Vec<Box<dyn LogitsProcessor>>,
}

impl Chain {
    /// The rules that the settings ask for; `banned` are tokens that are never written.
    pub fn new(settings: &GenerationSettings, banned: &[u32]) -> Self {
        let sampling = settings.samples();
        let rules = [
            rule(RepetitionPenalty::of(settings)),
            rule(NoRepeatNgram::of(settings)),
            rule(BannedTokens::of(settings, banned)),
            rule(NoRepeat::of(settings)),
            rule(Temperature::of(settings).filter(|_| sampling)),
            rule(TopK::of(settings).filter(|_| sampling)),
            rule(TopP::of(settings).filter(|_| sampling)),
        ];
        Self {
            rules: rules.into_iter().flatten().collect(),
        }
    }

    /// Applies every rule to the scores, `[vocab]`. Where that would leave no token, rules against
    /// repeated tokens are passed over; so there is one, unless all are banned.
    pub fn process(&self, written: &Written<'_>, scores: &mut [f32]) {
        let given = self
            .rules
            .iter()
            .any(|rule| rule.gives_way())
            .then(|| scores.to_vec());
        for rule in &self.rules {
            rule.process(written, scores);
        }
        let Some(given) = given.filter(|_| scores.iter().all(|&score| score == EXCLUDED)) else {
            return;
        };
        scores.copy_from_slice(&given);
        for rule in self.rules.iter().filter(|rule| !rule.gives_way()) {
            rule.process(written, scores);
        }
    }

    /// The rules in words, in their order.
    pub fn describe(&self) -> Vec<String> {
        self.rules.iter().map(|rule| rule.describe()).collect()
    }
}

fn rule<R: LogitsProcessor + 'static>(rule: Option<R>) -> Option<Box<dyn LogitsProcessor>> {
    Some(Box::new(rule?))
}

/// What excludes a token.
const EXCLUDED: f32 = f32::NEG_INFINITY;

/// Excludes a token, if the model knows it.
fn exclude(scores: &mut [f32], id: u32) {
    if let Some(score) = scores.get_mut(id as usize) {
        *score = EXCLUDED;
    }
}

/// The k-th highest score, k from 1. NaN counts as lowest.
fn kth_highest(scores: &[f32], k: usize) -> f32 {
    let key = |score: f32| if score.is_nan() { EXCLUDED } else { score };
    let mut scores: Vec<f32> = scores.iter().map(|&score| key(score)).collect();
    let k = k.clamp(1, scores.len());
    let (_, kth, _) = scores.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
    *kth
}

#[cfg(test)]
mod tests;
