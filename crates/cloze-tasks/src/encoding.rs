//! Texts → examples, on all cores.

use cloze_data::reports::ExampleFacts;
use cloze_data::tokenizer::{EncodeOptions, TextInput, Tokenizer, TokenizerError, Truncation};

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
    mut progress: impl FnMut(usize),
) -> Result<Vec<Example<()>>, TokenizerError> {
    let options = EncodeOptions {
        max_length: Some(max_length),
        truncation: Truncation::LongestFirst,
        alignment: false,
        ..EncodeOptions::default()
    };
    let mut examples = Vec::with_capacity(texts.len());
    for chunk in texts.chunks(CHUNK) {
        for encoding in tokenizer.encode_batch(chunk, &options)? {
            examples.push(Example {
                row: examples.len(),
                facts: ExampleFacts::new(&encoding, None, tokenizer.special()),
                ids: encoding.ids,
                type_ids: encoding.type_ids,
                windows: Vec::new(),
                target: (),
            });
        }
        progress(examples.len());
    }
    Ok(examples)
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
