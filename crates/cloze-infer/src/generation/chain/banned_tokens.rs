use super::{LogitsProcessor, Written, exclude};
use crate::generation::GenerationSettings;

/// Tokens that are never written, and words of several tokens that are never finished.
#[derive(Clone, Debug)]
pub struct BannedTokens {
    tokens: Vec<u32>,
    words: Vec<Vec<u32>>,
}

impl BannedTokens {
    pub(super) fn of(settings: &GenerationSettings, always: &[u32]) -> Option<Self> {
        let (single, words): (Vec<_>, Vec<_>) = settings
            .bad_words_ids
            .iter()
            .filter(|word| !word.is_empty())
            .cloned()
            .partition(|word| word.len() == 1);
        let mut tokens = single.concat();
        tokens.extend(always.iter().chain(&settings.suppress_tokens));
        tokens.sort_unstable();
        tokens.dedup();
        (!tokens.is_empty() || !words.is_empty()).then_some(Self { tokens, words })
    }
}

impl LogitsProcessor for BannedTokens {
    fn process(&self, written: &Written<'_>, scores: &mut [f32]) {
        self.tokens.iter().for_each(|&id| exclude(scores, id));
        for word in &self.words {
            if let Some((last, before)) = word.split_last()
                && written.ids.ends_with(before)
            {
                exclude(scores, *last);
            }
        }
    }

    fn describe(&self) -> String {
        let tokens = self.tokens.len();
        match self.words.len() {
            0 => format!("{tokens} tokens never"),
            words => format!("{tokens} tokens and {words} words of several tokens never"),
        }
    }
}
