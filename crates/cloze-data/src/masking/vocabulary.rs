use crate::random::RandomStream;
use crate::tokenizer::Tokenizer;

/// The tokens of a vocabulary as masking sees them.
///
/// Ordinary ones can be hidden and are drawn in the place of others. Special ones are neither:
/// `[CLS]`, `[SEP]`, `[PAD]`, `[MASK]`, `[UNK]` (nothing can be learnt from predicting what is not
/// known) and all others that the tokenizer calls special. Ids that the vocabulary lacks count as
/// special.
#[derive(Clone, Debug)]
pub struct MaskVocabulary {
    mask: u32,
    /// By id.
    hides: Vec<bool>,
    /// The ids of the ordinary tokens.
    ordinary: Vec<u32>,
}

impl MaskVocabulary {
    /// The vocabulary of a tokenizer.
    pub fn of(tokenizer: &Tokenizer) -> Self {
        let ids = tokenizer.vocabulary().into_iter().map(|(_, id)| id);
        let special = tokenizer.special();
        let five = special.by_key().map(|(_, token)| token.id);
        let is_special = |id: u32| five.contains(&id) || tokenizer.is_special(id);
        Self::new(special.mask.id, ids.filter(|&id| !is_special(id)))
    }

    /// A vocabulary of these ordinary tokens, and the one that hides others.
    pub fn new(mask: u32, ordinary: impl IntoIterator<Item = u32>) -> Self {
        let mut ordinary: Vec<u32> = ordinary.into_iter().filter(|&id| id != mask).collect();
        ordinary.sort_unstable();
        ordinary.dedup();
        let length = ordinary.last().map_or(0, |&last| last as usize + 1);
        let mut hides = vec![false; length];
        for &id in &ordinary {
            hides[id as usize] = true;
        }
        Self {
            mask,
            hides,
            ordinary,
        }
    }

    /// The id that stands in the place of a hidden token.
    pub fn mask(&self) -> u32 {
        self.mask
    }

    /// Whether a token can be hidden: an ordinary one can.
    pub fn hides(&self, id: u32) -> bool {
        self.hides.get(id as usize) == Some(&true)
    }

    /// The ids of the tokens that can be hidden, ascending.
    pub fn ordinary(&self) -> &[u32] {
        &self.ordinary
    }

    /// A random ordinary token; the one that hides others where there is none.
    pub(super) fn draw(&self, random: &mut RandomStream) -> u32 {
        match self.ordinary.len() {
            0 => self.mask,
            count => self.ordinary[random.below(count)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::small_tokenizer::tokenizer;

    #[test]
    fn special_tokens_are_those_of_the_tokenizer() {
        let mut tokenizer = tokenizer("我 爱 ##国 [unused1]");
        tokenizer.add_tokens(&["<event>"]).unwrap();
        let vocabulary = MaskVocabulary::of(&tokenizer);
        assert_eq!(vocabulary.mask(), 4);
        // A word that was added is ordinary, and so is what a vocabulary keeps in reserve.
        assert_eq!(vocabulary.ordinary(), [5, 6, 7, 8, 9]);
        let hidden: Vec<u32> = (0..12).filter(|&id| vocabulary.hides(id)).collect();
        assert_eq!(hidden, [5, 6, 7, 8, 9]);
        assert!(!vocabulary.hides(u32::MAX));
    }
}
