//! Texts → examples, on all cores.

use cloze_data::reports::ExampleFacts;
use cloze_data::tokenizer::{
    EncodeOptions, Encoding, TextInput, Tokenizer, TokenizerError, Truncation,
};

use crate::Example;

/// Texts that are encoded between two reports of progress.
const CHUNK: usize = 4096;

/// Encodes texts or pairs; longer ones are cut to `max_length` tokens, the longer text of a pair
/// first. `progress` is told how many are done.
///
/// # Errors
/// If the tokenizer refuses a text.
pub fn encode_texts<'a>(
    tokenizer: &Tokenizer,
    texts: &[TextInput<'a>],
    max_length: usize,
    progress: impl FnMut(usize),
) -> Result<Vec<Example<()>>, TokenizerError> {
    encode_windows(tokenizer, texts, max_length, None, progress)
}

/// The part of a window that it repeats of the one before where nobody says how much: a quarter.
const STRIDE: usize = 4;

/// The stride of windows of this length where nobody says another.
pub fn usual_stride(max_length: usize) -> usize {
    max_length / STRIDE
}

/// Encodes texts or pairs. With a `stride` those with more than `max_length` tokens are read in
/// windows of at most as many, special tokens included, each of which repeats `stride` tokens of
/// the text in the one before, as `return_overflowing_tokens` of `transformers` has it; without one
/// they are cut. `progress` is told how many are done.
///
/// Of a pair the longer text is read in windows, each of which has all of the shorter one. Where
/// both are longer than half of a window they share it, and every window of the one is read with
/// every window of the other.
///
/// # Errors
/// If the tokenizer refuses a text, or the stride is not smaller than a window.
pub fn encode_windows<'a>(
    tokenizer: &Tokenizer,
    texts: &[TextInput<'a>],
    max_length: usize,
    stride: Option<usize>,
    mut progress: impl FnMut(usize),
) -> Result<Vec<Example<()>>, TokenizerError> {
    let options = EncodeOptions {
        max_length: Some(max_length),
        truncation: Truncation::LongestFirst,
        overflowing: stride.is_some(),
        stride: stride.unwrap_or(0),
        alignment: false,
        ..EncodeOptions::default()
    };
    let mut examples = Vec::with_capacity(texts.len());
    for chunk in texts.chunks(CHUNK) {
        for encoding in tokenizer.encode_batch(chunk, &options)? {
            examples.push(example(tokenizer, encoding, examples.len()));
        }
        progress(examples.len());
    }
    Ok(examples)
}

/// The example of a text with its windows, if there are any.
fn example(tokenizer: &Tokenizer, encoding: Encoding, row: usize) -> Example<()> {
    let mut example = Example {
        row,
        facts: ExampleFacts::new(&encoding, None, tokenizer.special()),
        ids: encoding.ids,
        type_ids: encoding.type_ids,
        windows: Vec::new(),
        target: (),
    };
    if !encoding.overflowing.is_empty() {
        example.windows.push(example.ids.len());
    }
    for window in encoding.overflowing {
        let facts = ExampleFacts::new(&window, None, tokenizer.special());
        example.facts.tokens += facts.tokens;
        example.facts.unknown += facts.unknown;
        example.windows.push(window.ids.len());
        example.ids.extend(window.ids);
        example.type_ids.extend(window.type_ids);
    }
    example
}

/// Gives examples their targets, in order.
///
/// # Panics
/// If there are more or fewer targets than examples.
pub fn with_targets<T>(
    examples: Vec<Example<()>>,
    targets: impl ExactSizeIterator<Item = T>,
) -> Vec<Example<T>> {
    assert_eq!(
        examples.len(),
        targets.len(),
        "every example needs one target"
    );
    examples
        .into_iter()
        .zip(targets)
        .map(|(example, target)| Example {
            ids: example.ids,
            type_ids: example.type_ids,
            windows: example.windows,
            target,
            row: example.row,
            facts: example.facts,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `[CLS]` is 2, `[SEP]` 3, the words are 5 and up.
    fn tokenizer() -> Tokenizer {
        let folder = tempfile::tempdir().unwrap();
        let words: Vec<String> = (0..26).map(|word| format!("w{word}")).collect();
        let vocabulary = format!("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n{}\n", words.join("\n"));
        std::fs::write(folder.path().join("vocab.txt"), vocabulary).unwrap();
        Tokenizer::from_folder(folder.path()).unwrap()
    }

    fn text(words: impl IntoIterator<Item = u32>) -> String {
        let words: Vec<String> = words.into_iter().map(|word| format!("w{word}")).collect();
        words.join(" ")
    }

    fn encode(text: TextInput<'_>, max_length: usize, stride: Option<usize>) -> Example<()> {
        let mut examples =
            encode_windows(&tokenizer(), &[text], max_length, stride, |_| ()).unwrap();
        examples.remove(0)
    }

    fn windows(example: &Example<()>) -> Vec<&[u32]> {
        let mut rest = example.ids.as_slice();
        let mut window = |&length: &usize| {
            let (window, others) = rest.split_at(length);
            rest = others;
            window
        };
        example.windows.iter().map(&mut window).collect()
    }

    #[test]
    fn a_long_text_is_read_in_windows_and_a_short_one_as_it_was() {
        let long = text(0..7);
        let example = encode(TextInput::Single(&long), 6, Some(2));
        let expected: [&[u32]; 3] = [
            &[2, 5, 6, 7, 8, 3],
            &[2, 7, 8, 9, 10, 3],
            &[2, 9, 10, 11, 3],
        ];
        assert_eq!(windows(&example), expected);
        assert_eq!(example.type_ids, vec![0; example.ids.len()]);
        assert_eq!(example.facts.length, 9);
        assert_eq!((example.facts.tokens, example.facts.unknown), (11, 0));
        let cut = encode(TextInput::Single(&long), 6, None);
        assert_eq!((cut.ids.as_slice(), cut.windows.len()), (expected[0], 0));
        let short = text(0..4);
        let fits = encode(TextInput::Single(&short), 6, Some(2));
        assert_eq!(fits, encode(TextInput::Single(&short), 6, None));
        assert!(fits.windows.is_empty());
    }

    #[test]
    fn the_longer_text_of_a_pair_is_read_in_windows_with_all_of_the_shorter() {
        let (short, long) = (text(20..22), text(0..6));
        let example = encode(TextInput::Pair(&short, &long), 9, Some(1));
        let expected: [&[u32]; 2] = [&[2, 25, 26, 3, 5, 6, 7, 8, 3], &[2, 25, 26, 3, 8, 9, 10, 3]];
        assert_eq!(windows(&example), expected);
        assert_eq!(example.type_ids[..9], [0, 0, 0, 0, 1, 1, 1, 1, 1]);
        assert_eq!(example.type_ids[9..], [0, 0, 0, 0, 1, 1, 1, 1]);
    }

    #[test]
    fn of_two_long_texts_every_window_is_read_with_every_other() {
        let (first, second) = (text(0..5), text(10..15));
        let example = encode(TextInput::Pair(&first, &second), 9, Some(1));
        let mut found = windows(&example);
        found.sort_unstable();
        // Each has 3 of the first text, 3 of the second.
        let mut expected = Vec::new();
        for first in [5..8, 7..10] {
            for second in [15..18, 17..20] {
                let both = [2]
                    .into_iter()
                    .chain(first.clone())
                    .chain([3])
                    .chain(second);
                expected.push(both.chain([3]).collect::<Vec<u32>>());
            }
        }
        expected.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_stride_as_long_as_a_window_is_refused() {
        let long = text(0..9);
        let texts = [TextInput::Single(&long)];
        let refused = encode_windows(&tokenizer(), &texts, 6, Some(4), |_| ());
        let refused = format!("{:?}", refused.unwrap_err());
        assert!(
            refused.contains("Stride { window: 4, stride: 4 }"),
            "{refused}"
        );
    }

    proptest! {
        #[test]
        fn windows_cover_a_text_and_overlap_by_the_stride(
            words in prop::collection::vec(0_u32..26, 1..60),
            room in 1_usize..9,
            stride in 0_usize..9,
        ) {
            prop_assume!(stride < room);
            let text = text(words.iter().copied());
            let example = encode(TextInput::Single(&text), room + 2, Some(stride));
            let mut read: Vec<u32> = Vec::new();
            for window in windows(&example) {
                prop_assert!(window.len() <= room + 2);
                let skipped = if read.is_empty() { 0 } else { stride };
                read.extend(&window[1 + skipped..window.len() - 1]);
            }
            if example.windows.is_empty() {
                prop_assert!(words.len() <= room);
                read.extend(&example.ids[1..example.ids.len() - 1]);
            }
            let ids: Vec<u32> = words.iter().map(|word| word + 5).collect();
            prop_assert_eq!(read, ids);
        }
    }
}
