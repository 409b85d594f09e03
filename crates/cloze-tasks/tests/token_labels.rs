//! Labels of words as the model sees them: on sub-words, and in windows.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy exempts only functions marked as tests"
)]

use std::path::Path;

use cloze_core::LabelSet;
use cloze_data::alignment::LabelledSubWords;
use cloze_data::tokenizer::Tokenizer;
use cloze_tasks::{Evaluator, Example, TagTarget, Task, TokenClassification};

const LAMB: [&str; 9] = [
    "EU", "rejects", "German", "call", "to", "boycott", "British", "lamb", ".",
];
const LAMB_TAGS: [usize; 9] = [3, 0, 7, 0, 0, 0, 7, 0, 0];

fn tokenizer() -> Tokenizer {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/news");
    Tokenizer::from_folder(&folder).unwrap()
}

/// The labels of CoNLL-2003, in the order of its data set on the Hub.
fn task(max_length: usize) -> TokenClassification {
    let names = [
        "O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC",
    ];
    let names = names.map(str::to_owned).to_vec();
    TokenClassification::new(LabelSet::from_names(names).unwrap(), max_length)
}

fn encode(task: &TokenClassification, words: &[&str], tags: &[usize]) -> Vec<Example<TagTarget>> {
    task.examples(&tokenizer(), [words], &[tags.to_vec()], |_| ())
        .unwrap()
}

#[test]
fn labels_stand_on_sub_words_and_not_on_special_tokens() {
    let all = encode(&task(32), &LAMB, &LAMB_TAGS);
    assert_eq!(all.len(), 1);
    let labels = [-100, 3, 0, 7, 0, 0, 0, 7, 0, 0, 0, -100];
    assert_eq!(all[0].target.label_ids(), labels);
    let first = task(32).with_labelled_sub_words(LabelledSubWords::First);
    let labels = [-100, 3, 0, 7, 0, 0, 0, 7, 0, -100, 0, -100];
    assert_eq!(
        encode(&first, &LAMB, &LAMB_TAGS)[0].target.label_ids(),
        labels
    );
}

#[test]
fn an_entity_goes_on_in_the_sub_words_of_its_first_word() {
    let found = encode(
        &task(32),
        &["unbreakable", "lamb", "unbreakable"],
        &[7, 8, 5],
    );
    let labels = [-100, 7, 8, 8, 8, 8, 5, 6, 6, -100];
    assert_eq!(found[0].target.label_ids(), labels);
}

#[test]
fn a_word_that_is_no_token_keeps_its_label_on_an_unknown_one() {
    let found = encode(&task(32), &["EU", "\u{200b}", "lamb"], &[3, 4, 0]);
    let tokenizer = tokenizer();
    let tokens = tokenizer.tokens(&found[0].ids).unwrap();
    assert_eq!(tokens, ["[CLS]", "EU", "[UNK]", "la", "##mb", "[SEP]"]);
    assert_eq!(found[0].target.label_ids(), [-100, 3, 4, 0, 0, -100]);
}

/// A sentence that fills several windows: each word is labelled and judged once.
#[test]
fn long_sentences_lose_no_word_in_their_windows() {
    let words: Vec<&str> = LAMB.iter().copied().cycle().take(50).collect();
    let tags: Vec<usize> = LAMB_TAGS.iter().copied().cycle().take(50).collect();
    for max_length in [5, 8, 13, 30] {
        let task = task(max_length);
        let examples = encode(&task, &words, &tags);
        assert!(examples.len() > 1);
        let mut evaluator = task.evaluator();
        evaluator.keep_predictions();
        let mut judged = Vec::new();
        for example in &examples {
            assert!(example.ids.len() <= max_length);
            assert_eq!((example.target.length, example.row), (example.ids.len(), 0));
            judged.extend(example.target.tokens.iter().filter_map(|token| token.word));
        }
        assert_eq!(judged, (0..50).collect::<Vec<u32>>());
        // Windows may come in any order.
        for example in examples.iter().rev() {
            let right: Vec<usize> = example.target.tokens.iter().map(|t| t.label).collect();
            evaluator.add(std::slice::from_ref(&example.target), 0.5, &right);
        }
        let metrics = evaluator.evaluation().metrics;
        assert_eq!(
            (metrics.get("f1"), metrics.get("loss")),
            (Some(1.0), Some(0.5))
        );
        let predictions = evaluator.take_predictions();
        assert_eq!(predictions.len(), 1);
        assert_eq!(predictions[0].tags.len(), 50);
    }
}

#[test]
fn a_word_longer_than_a_window_is_labelled_once() {
    let long = format!("un{}", "breakable".repeat(8));
    let words = ["EU", long.as_str(), "lamb"];
    let examples = encode(&task(8), &words, &[3, 5, 0]);
    let tokens = || examples.iter().flat_map(|example| &example.target.tokens);
    let judged: Vec<u32> = tokens().filter_map(|token| token.word).collect();
    assert_eq!(judged, [0, 1, 2]);
    assert_eq!(tokens().filter(|token| token.label == 6).count(), 16);
    let first = task(8).with_labelled_sub_words(LabelledSubWords::First);
    let examples = encode(&first, &words, &[3, 5, 0]);
    // Windows without a label are left out: there is nothing to learn in them.
    assert!(
        examples
            .iter()
            .all(|example| !example.target.tokens.is_empty())
    );
    let count: usize = examples
        .iter()
        .map(|example| example.target.tokens.len())
        .sum();
    assert_eq!(count, 3);
}
