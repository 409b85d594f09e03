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
        let counted = |count: usize, what: &str| match count {
            0 => None,
            1 => Some(format!("1 {what}")),
            count => Some(format!("{count} {what}s")),
        };
        let tokens = counted(self.tokens.len(), "token");
        let words = counted(self.words.len(), "longer word");
        let banned: Vec<String> = tokens.into_iter().chain(words).collect();
        let is = match self.tokens.len() + self.words.len() {
            1 => "is",
            _ => "are",
        };
        format!("{} {is} never written", banned.join(" and "))
    }
}
