//! Labels of words → labels of the sub-words that a tokenizer makes of them.

use serde::{Deserialize, Serialize};

/// What stands for "no label" in `transformers` and PyTorch.
pub const IGNORED: i64 = -100;

/// Which sub-words of a word have a label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelledSubWords {
    /// All of them.
    #[default]
    All,
    /// The first one alone.
    First,
}

/// The label of every token, from the labels of words: none on special tokens, nor, by the rule,
/// on sub-words after a word's first. `continuation` has, for every label, the one that these
/// have where they have one (`I-PER` for `B-PER`).
///
/// ```
/// use cloze_data::alignment::{LabelledSubWords, align_labels};
/// // [CLS] EU la ##mb [SEP], with the labels O, B-X, I-X
/// let words = [None, Some(0), Some(1), Some(1), None];
/// let all = align_labels(&words, &[0, 1], &[0, 2, 2], LabelledSubWords::All);
/// assert_eq!(all, [None, Some(0), Some(1), Some(2), None]);
/// let first = align_labels(&words, &[0, 1], &[0, 2, 2], LabelledSubWords::First);
/// assert_eq!(first, [None, Some(0), Some(1), None, None]);
/// ```
///
/// # Panics
/// If a token belongs to a word without a label, or a label has no continuation.
pub fn align_labels(
    word_ids: &[Option<u32>],
    labels: &[usize],
    continuation: &[usize],
    rule: LabelledSubWords,
) -> Vec<Option<usize>> {
    let mut before = None;
    word_ids
        .iter()
        .map(|&word| {
            let is_first = word != before;
            before = word;
            let label = labels[word? as usize];
            match (is_first, rule) {
                (true, _) => Some(label),
                (false, LabelledSubWords::All) => Some(continuation[label]),
                (false, LabelledSubWords::First) => None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_word_has_its_label_once(
            words in prop::collection::vec((0_usize..3, 1_usize..4), 1..10),
        ) {
            let mut word_ids = vec![None];
            for (word, (_, tokens)) in words.iter().enumerate() {
                word_ids.extend(vec![Some(word as u32); *tokens]);
            }
            word_ids.push(None);
            let labels: Vec<usize> = words.iter().map(|(label, _)| *label).collect();
            let first = align_labels(&word_ids, &labels, &[0, 2, 2], LabelledSubWords::First);
            prop_assert_eq!(first.iter().flatten().copied().collect::<Vec<_>>(), labels.clone());
            let all = align_labels(&word_ids, &labels, &[0, 2, 2], LabelledSubWords::All);
            for (place, word) in word_ids.iter().enumerate() {
                prop_assert_eq!(word.is_some(), all[place].is_some());
                if first[place].is_some() {
                    prop_assert_eq!(first[place], all[place]);
                } else if let Some(word) = word {
                    let expected = [0, 2, 2][labels[*word as usize]];
                    prop_assert_eq!(all[place], Some(expected));
                }
            }
        }
    }
}
