//! Texts that are longer than a model reads, as windows that overlap.
//!
//! Every token of a text belongs to exactly one window, the one in which it has the most text
//! around it: there it is labelled and predicted, in the others it is read only. So nothing is
//! lost at an edge and nothing counts twice.

use std::ops::Range;

use crate::tokenizer::{Encoding, TokenizerError};

/// A part of a text, as the model reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextWindow {
    /// Token ids, special tokens included.
    pub ids: Vec<u32>,
    /// As many token type ids.
    pub type_ids: Vec<u32>,
    /// Positions of the tokens that belong to this window. No special token does.
    pub own: Range<usize>,
    /// What is added to a position in the window to have that in the whole text's encoding.
    pub start: usize,
}

/// The windows of a text that was encoded whole, with its special tokens and its alignment: each
/// has at most `max_length` tokens, special tokens included, and repeats at least `overlap` of the
/// one before. A text that fits is one window.
///
/// # Errors
/// If there is no room for a token beside the special ones, or windows could not go forward as
/// they repeat all of their tokens.
pub fn text_windows(
    encoding: &Encoding,
    max_length: usize,
    overlap: usize,
) -> Result<Vec<TextWindow>, TokenizerError> {
    let mask = &encoding.special_tokens_mask;
    let before = mask.iter().take_while(|&&special| special == 1).count();
    let after = mask[before..]
        .iter()
        .rev()
        .take_while(|&&special| special == 1)
        .count();
    let special = before + after;
    let tokens = before..encoding.len() - after;
    let room = max_length.saturating_sub(special);
    if room == 0 {
        return Err(TokenizerError::NoRoom {
            max_length,
            special,
        });
    }
    if tokens.len() > room && overlap >= room {
        return Err(TokenizerError::Stride {
            window: room,
            stride: overlap,
        });
    }
    let starts_word = |token: usize| {
        let words = &encoding.word_ids;
        let token = before + token;
        token == 0 || words[token] != words[token - 1]
    };
    let ranges = ranges(tokens.len(), room, overlap, starts_word);
    let windows = ranges.into_iter().map(|(range, own)| {
        let part = |all: &[u32]| {
            let text = &all[before + range.start..before + range.end];
            [&all[..before], text, &all[tokens.end..]].concat()
        };
        TextWindow {
            ids: part(&encoding.ids),
            type_ids: part(&encoding.type_ids),
            own: before + own.start - range.start..before + own.end - range.start,
            start: range.start,
        }
    });
    Ok(windows.collect())
}

/// The tokens of each window, and those of them that belong to it.
fn ranges(
    tokens: usize,
    room: usize,
    overlap: usize,
    starts_word: impl Fn(usize) -> bool,
) -> Vec<(Range<usize>, Range<usize>)> {
    // The nearest start of a word at or before a token, and after `least`; the token itself where
    // a word is so long that there is none.
    let word_start = |token: usize, least: usize| {
        let mut starts = (least + 1..=token).rev();
        starts.find(|&start| starts_word(start)).unwrap_or(token)
    };
    let mut windows: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    let mut start = 0;
    loop {
        let end = tokens.min(start + room);
        let mut own = start;
        if let Some((before, before_own)) = windows.last_mut() {
            let middle = start + (before.end - start) / 2;
            own = word_start(middle, before_own.start).max(start);
            before_own.end = own;
        }
        windows.push((start..end, own..end));
        if end == tokens {
            return windows;
        }
        start = word_start(end - overlap, start);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A text of words of so many tokens, between two special tokens.
    fn encoding(words: &[usize]) -> Encoding {
        let mut word_ids = vec![None];
        for (word, &tokens) in words.iter().enumerate() {
            word_ids.extend(vec![Some(word as u32); tokens]);
        }
        word_ids.push(None);
        let count = word_ids.len();
        Encoding {
            ids: (0..count as u32).collect(),
            type_ids: vec![0; count],
            attention_mask: vec![1; count],
            special_tokens_mask: word_ids
                .iter()
                .map(|word| u8::from(word.is_none()))
                .collect(),
            word_ids,
            untruncated_length: count,
            ..Encoding::default()
        }
    }

    #[test]
    fn a_text_that_fits_is_one_window() {
        let windows = text_windows(&encoding(&[2, 1]), 5, 1).unwrap();
        assert_eq!(windows.len(), 1);
        assert_eq!(
            (windows[0].ids.as_slice(), windows[0].own.clone()),
            (&[0, 1, 2, 3, 4][..], 1..4)
        );
    }

    #[test]
    fn windows_begin_with_words_and_share_what_they_repeat() {
        // Tokens 1 to 9, the words 1, 2 3, 4, 5 6, 7, 8, 9.
        let windows = text_windows(&encoding(&[1, 2, 1, 2, 1, 1, 1]), 8, 2).unwrap();
        let seen: Vec<(&[u32], Range<usize>)> = windows
            .iter()
            .map(|window| (window.ids.as_slice(), window.own.clone()))
            .collect();
        let first: &[u32] = &[0, 1, 2, 3, 4, 5, 6, 10];
        let second: &[u32] = &[0, 5, 6, 7, 8, 9, 10];
        assert_eq!(seen, [(first, 1..5), (second, 1..6)]);
        assert_eq!(windows[1].start, 4);
    }

    #[test]
    fn what_has_no_room_is_refused() {
        let text = encoding(&[1; 9]);
        assert!(matches!(
            text_windows(&text, 2, 0),
            Err(TokenizerError::NoRoom { .. })
        ));
        let refused = text_windows(&text, 6, 4);
        assert!(matches!(
            refused,
            Err(TokenizerError::Stride {
                window: 4,
                stride: 4
            })
        ));
        // Nothing is repeated where there is one window.
        assert!(text_windows(&text, 20, 50).is_ok());
    }

    proptest! {
        #[test]
        fn every_token_belongs_to_one_window_in_which_it_stands(
            words in prop::collection::vec(1_usize..9, 1..30),
            room in 1_usize..12,
            overlap in 0_usize..12,
        ) {
            prop_assume!(overlap < room);
            let text = encoding(&words);
            let windows = text_windows(&text, room + 2, overlap).unwrap();
            let tokens = text.len() - 2;
            let mut owned = Vec::new();
            for window in &windows {
                prop_assert!(window.ids.len() <= room + 2);
                prop_assert!(window.own.start >= 1 && window.own.end < window.ids.len());
                for position in window.own.clone() {
                    owned.push(window.ids[position]);
                    prop_assert_eq!(window.ids[position] as usize, position + window.start);
                }
            }
            let all: Vec<u32> = (1..=tokens as u32).collect();
            prop_assert_eq!(owned, all);
            for pair in windows.windows(2) {
                let end = pair[0].start + pair[0].ids.len() - 2;
                prop_assert!(end - pair[1].start >= overlap);
                prop_assert!(pair[1].start > pair[0].start);
            }
        }

        /// The first sub-word of a word has text on both sides: at least half of what is repeated.
        #[test]
        fn no_token_stands_at_an_inner_edge(
            count in 1_usize..80, room in 2_usize..12, overlap in 0_usize..12,
        ) {
            prop_assume!(overlap < room);
            let windows = text_windows(&encoding(&vec![1; count]), room + 2, overlap).unwrap();
            let last = windows.len() - 1;
            for (number, window) in windows.iter().enumerate() {
                prop_assert!(!window.own.is_empty());
                if number > 0 {
                    prop_assert!(window.own.start > overlap / 2);
                }
                if number < last {
                    prop_assert!(window.ids.len() - 1 - window.own.end >= overlap / 2);
                }
            }
        }
    }
}
