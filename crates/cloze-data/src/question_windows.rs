//! Questions with their contexts, as windows that overlap: `[CLS] question [SEP] part of the
//! context [SEP]`.
//!
//! Every window has the whole question. Where the context is longer than the room beside it, each
//! window but the first repeats some tokens of the one before, so that an answer that is cut by the
//! end of one window is whole in the next.

use std::ops::Range;

use crate::tokenizer::{EncodeOptions, Encoding, TextInput, Tokenizer, TokenizerError, Truncation};

/// How long windows are, and how far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuestionWindowOptions {
    /// The most tokens of a window, question and special tokens included.
    pub max_length: usize,
    /// How many tokens of the context a window repeats of the one before, as `doc_stride` in
    /// `transformers`.
    pub doc_stride: usize,
    /// The most tokens of a question; longer ones are cut.
    pub max_question_length: usize,
}

/// A question with a part of its context, as the model reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionWindow {
    /// Token ids, special tokens included.
    pub ids: Vec<u32>,
    /// As many token type ids.
    pub type_ids: Vec<u32>,
    /// Positions of the tokens of the context.
    pub context: Range<usize>,
    /// For each of these the characters of the context that it stands for, from 0: the first one,
    /// and the one behind the last.
    pub offsets: Vec<(u32, u32)>,
}

/// The windows of a question and its context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionWindows {
    /// At least one, in the order of the context.
    pub windows: Vec<QuestionWindow>,
    /// Tokens of question and context whole, special tokens included.
    pub length: usize,
    /// Tokens of the two alone.
    pub tokens: usize,
    /// How many of these the vocabulary does not know.
    pub unknown: usize,
    /// Whether the question was cut.
    pub is_question_cut: bool,
}

/// The windows of each question with its context, `(question, context)`.
///
/// # Errors
/// If the tokenizer refuses a text, there is no room for a token of a context beside its question,
/// or windows could not go forward as they repeat all of their tokens.
pub fn question_windows(
    tokenizer: &Tokenizer,
    inputs: &[(&str, &str)],
    options: &QuestionWindowOptions,
) -> Result<Vec<QuestionWindows>, TokenizerError> {
    let pairs: Vec<TextInput<'_>> = inputs.iter().map(|&pair| pair.into()).collect();
    let questions: Vec<TextInput<'_>> = inputs.iter().map(|&(text, _)| text.into()).collect();
    let whole = EncodeOptions {
        truncation: Truncation::None,
        ..EncodeOptions::default()
    };
    let alone = EncodeOptions {
        add_special_tokens: false,
        alignment: false,
        ..whole.clone()
    };
    let questions = tokenizer.encode_batch(&questions, &alone)?;
    let pairs = tokenizer.encode_batch(&pairs, &whole)?;
    let unknown = tokenizer.special().unk.id;
    let windows = pairs.iter().zip(&questions).map(|(pair, question)| {
        let parts = Parts::of(pair, question.len());
        let text = pair.ids.iter().zip(&pair.special_tokens_mask);
        let is_unknown = |(id, special): &(&u32, &u8)| **id == unknown && **special == 0;
        Ok(QuestionWindows {
            windows: parts.windows(pair, options)?,
            length: pair.len(),
            tokens: parts.question.len() + parts.context.len(),
            unknown: text.filter(is_unknown).count(),
            is_question_cut: parts.question.len() > options.max_question_length,
        })
    });
    windows.collect()
}

/// Where the two texts stand in their encoding.
struct Parts {
    question: Range<usize>,
    context: Range<usize>,
}

impl Parts {
    /// Whatever special tokens a tokenizer adds before, between and behind the two.
    fn of(pair: &Encoding, question: usize) -> Self {
        let mask = &pair.special_tokens_mask;
        let special_from = |at: usize| mask[at..].iter().take_while(|&&mask| mask == 1).count();
        let first = special_from(0);
        let question = first..first + question;
        let start = match question.is_empty() {
            true => first,
            false => question.end + special_from(question.end),
        };
        let text = mask[start..].iter().take_while(|&&mask| mask == 0).count();
        Self {
            question,
            context: start..start + text,
        }
    }

    fn windows(
        &self,
        pair: &Encoding,
        options: &QuestionWindowOptions,
    ) -> Result<Vec<QuestionWindow>, TokenizerError> {
        let kept = self.question.len().min(options.max_question_length);
        let cut = self.question.start + kept..self.question.end;
        let context_start = self.context.start - cut.len();
        let added = context_start + (pair.len() - self.context.end);
        let max_length = options.max_length;
        let room = max_length.saturating_sub(added);
        if room == 0 {
            return Err(TokenizerError::NoRoom {
                max_length,
                special: added,
            });
        }
        if self.context.len() > room && options.doc_stride >= room {
            return Err(TokenizerError::Stride {
                window: room,
                stride: options.doc_stride,
            });
        }
        let window = |range: Range<usize>| {
            let range = self.context.start + range.start..self.context.start + range.end;
            let part = |all: &[u32]| {
                let before = [&all[..cut.start], &all[cut.end..self.context.start]].concat();
                [&before, &all[range.clone()], &all[self.context.end..]].concat()
            };
            let offset = |&(start, end): &(usize, usize)| (start as u32, end as u32);
            QuestionWindow {
                ids: part(&pair.ids),
                type_ids: part(&pair.type_ids),
                context: context_start..context_start + range.len(),
                offsets: pair.offsets[range].iter().map(offset).collect(),
            }
        };
        let ranges = ranges(self.context.len(), room, options.doc_stride);
        Ok(ranges.into_iter().map(window).collect())
    }
}

/// The tokens of each window, from 0; `stride` is below `room` where there are several.
fn ranges(tokens: usize, room: usize, stride: usize) -> Vec<Range<usize>> {
    let mut windows = Vec::new();
    let mut start = 0;
    loop {
        let end = tokens.min(start + room);
        windows.push(start..end);
        if end == tokens {
            return windows;
        }
        start = end - stride;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokenizer() -> Tokenizer {
        let folder = tempfile::tempdir().unwrap();
        let vocabulary =
            "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nwho\nsat\nthe\ncat\n##s\nmat\n天\n气\n";
        std::fs::write(folder.path().join("vocab.txt"), vocabulary).unwrap();
        let config = r#"{"do_lower_case": true, "tokenizer_class": "BertTokenizer"}"#;
        std::fs::write(folder.path().join("tokenizer_config.json"), config).unwrap();
        Tokenizer::from_folder(folder.path()).unwrap()
    }

    fn options(max_length: usize, doc_stride: usize) -> QuestionWindowOptions {
        QuestionWindowOptions {
            max_length,
            doc_stride,
            max_question_length: 3,
        }
    }

    fn windows(question: &str, context: &str, options: &QuestionWindowOptions) -> QuestionWindows {
        let mut found = question_windows(&tokenizer(), &[(question, context)], options).unwrap();
        found.remove(0)
    }

    #[test]
    fn a_context_that_fits_is_one_window_with_characters_of_the_original() {
        let found = windows("who", "The  天气 zzz 👍 cats", &options(20, 4));
        assert_eq!(found.windows.len(), 1);
        let window = &found.windows[0];
        // [CLS] who [SEP] the 天 气 [UNK] [UNK] cat ##s [SEP]
        assert_eq!(window.ids, [2, 5, 3, 7, 11, 12, 1, 1, 8, 9, 3]);
        assert_eq!(window.type_ids, [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(window.context, 3..10);
        let places = [
            (0, 3),
            (5, 6),
            (6, 7),
            (8, 11),
            (12, 13),
            (14, 17),
            (17, 18),
        ];
        assert_eq!(window.offsets, places);
        assert_eq!((found.length, found.unknown), (11, 2));
        assert!(!found.is_question_cut);
    }

    #[test]
    fn windows_repeat_the_stride_and_all_have_the_question() {
        let found = windows("who sat", "the cat cats mat the mat", &options(8, 2));
        // Four tokens beside [CLS] who sat [SEP] and [SEP] are three.
        let ids: Vec<&[u32]> = found
            .windows
            .iter()
            .map(|window| &window.ids[4..])
            .collect();
        let expected: [&[u32]; 5] = [
            &[7, 8, 8, 3],
            &[8, 8, 9, 3],
            &[8, 9, 10, 3],
            &[9, 10, 7, 3],
            &[10, 7, 10, 3],
        ];
        assert_eq!(ids, expected);
        assert!(
            found
                .windows
                .iter()
                .all(|window| window.ids[..4] == [2, 5, 6, 3])
        );
        assert_eq!(found.windows[1].offsets, [(4, 7), (8, 11), (11, 12)]);
        assert_eq!((found.length, found.tokens), (12, 9));
    }

    #[test]
    fn a_long_question_is_cut_and_a_text_without_tokens_has_a_window() {
        let found = windows("who sat the cat", "mat", &options(20, 2));
        assert!(found.is_question_cut);
        assert_eq!(found.windows[0].ids, [2, 5, 6, 7, 3, 10, 3]);
        assert_eq!(found.windows[0].context, 5..6);
        let nothing = windows("who", "\u{200b}", &options(20, 2));
        assert_eq!(nothing.windows[0].ids, [2, 5, 3, 3]);
        assert!(nothing.windows[0].offsets.is_empty());
        let nothing = windows("\u{200b}", "mat", &options(20, 2));
        assert_eq!(
            nothing.windows[0].ids[nothing.windows[0].context.clone()],
            [10]
        );
    }

    #[test]
    fn what_has_no_room_is_refused() {
        let refused = |max_length, stride| {
            let pair = [("who sat", "the cat the cat")];
            question_windows(&tokenizer(), &pair, &options(max_length, stride)).unwrap_err()
        };
        let error = refused(5, 0);
        assert!(
            matches!(error, TokenizerError::NoRoom { special: 5, .. }),
            "{error}"
        );
        let error = refused(8, 3);
        assert!(
            matches!(
                error,
                TokenizerError::Stride {
                    window: 3,
                    stride: 3
                }
            ),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn windows_cover_the_context_and_overlap_by_the_stride(
            tokens in 0_usize..90, room in 1_usize..12, stride in 0_usize..12,
        ) {
            prop_assume!(stride < room);
            let found = ranges(tokens, room, stride);
            prop_assert_eq!((found[0].start, found[found.len() - 1].end), (0, tokens));
            for pair in found.windows(2) {
                prop_assert_eq!(pair[0].len(), room);
                prop_assert_eq!(pair[0].end - pair[1].start, stride);
                prop_assert!(pair[1].end > pair[0].end);
            }
        }
    }
}
