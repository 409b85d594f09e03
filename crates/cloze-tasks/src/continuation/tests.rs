use std::collections::BTreeSet;

use cloze_core::Activation;
use cloze_data::corpus::{CorpusError, Token, TokenFileWriter};
use cloze_model::{ContinuationHeadConfig, ContinuationHeadKind, ContinuationSamples};
use std::sync::Arc;

use super::*;
use crate::ExampleSource;

const CLS: u32 = 1;
const SEP: u32 = 2;
const MASK: u32 = 3;

fn config(samples: ContinuationSamples, length: usize) -> ContinuationConfig {
    ContinuationConfig {
        samples,
        length,
        stride: 1,
        head: ContinuationHeadConfig {
            kind: ContinuationHeadKind::Linear,
            hidden_size: 8,
            layers: 1,
            attention_heads: 1,
            activation: Activation::Gelu,
            dropout: 0.0,
            special_rows: true,
        },
    }
}

fn input(samples: ContinuationSamples, length: usize) -> ContinuationInput {
    use cloze_data::tokenizer::{SpecialToken, SpecialTokens};
    let token = |id: u32| SpecialToken {
        token: id.to_string(),
        id,
    };
    let special = SpecialTokens {
        cls: token(CLS),
        sep: token(SEP),
        pad: token(0),
        mask: token(MASK),
        unk: token(4),
    };
    ContinuationInput::new(&config(samples, length), &special)
}

/// The tokens 100, 101, … of a text, of which a part is taken.
fn part(tokens: u32, span: std::ops::Range<u64>) -> TextPart {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = TokenFileWriter::create(&folder.path().join("t")).unwrap();
    let ids: Vec<Token> = (100..100 + tokens).map(Token::new).collect();
    writer.push(&ids, true).unwrap();
    TextPart {
        file: Arc::new(writer.finish().unwrap()),
        span,
        name: "train",
    }
}

fn examples(samples: ContinuationSamples, length: usize, stride: usize) -> ContinuationExamples {
    ContinuationExamples::new(part(30, 10..20), input(samples, length), stride, 7).unwrap()
}

fn all(examples: &ContinuationExamples, epoch: u64) -> Vec<(Vec<u32>, u32)> {
    (0..examples.len())
        .map(|index| {
            let example = examples.example(index, epoch).unwrap();
            assert_eq!(examples.tokens(index, epoch).unwrap(), example.ids.len());
            assert_eq!(example.type_ids, vec![0; example.ids.len()]);
            (example.ids.clone(), example.target)
        })
        .collect()
}

#[test]
fn windows_stand_a_stride_apart_within_their_part() {
    let windows = all(&examples(ContinuationSamples::Windows, 4, 2), 0);
    assert_eq!(
        windows,
        [
            (vec![CLS, 110, 111, 112, 113, SEP], 114),
            (vec![CLS, 112, 113, 114, 115, SEP], 116),
            (vec![CLS, 114, 115, 116, 117, SEP], 118),
        ]
    );
    let sliding = all(&examples(ContinuationSamples::Windows, 4, 1), 3);
    assert_eq!(sliding.len(), 6);
    assert_eq!(sliding[5], (vec![CLS, 115, 116, 117, 118, SEP], 119));
}

#[test]
fn a_prefix_has_any_length_up_to_the_maximum_and_a_mask_for_the_next_token() {
    let prefixes = examples(ContinuationSamples::Prefixes, 4, 1);
    let mut lengths = BTreeSet::new();
    for epoch in 0..20 {
        let prefixes = all(&prefixes, epoch);
        assert_eq!(prefixes.len(), 9);
        for (index, (ids, target)) in prefixes.into_iter().enumerate() {
            assert_eq!(target, 111 + index as u32);
            let read = ids.len() - 3;
            let first = target - read as u32;
            assert!(first >= 110, "{ids:?} is of another part");
            let mut wanted = vec![CLS];
            wanted.extend(first..target);
            wanted.extend([MASK, SEP]);
            assert_eq!(ids, wanted);
            lengths.insert(read);
        }
    }
    assert_eq!(lengths, BTreeSet::from([1, 2, 3]));
}

#[test]
fn epochs_with_a_limit_see_everything_before_they_see_something_again() {
    let samples = ContinuationSamples::Windows;
    let some = ContinuationExamples::new(part(100, 0..100), input(samples, 10), 1, 7)
        .unwrap()
        .limited(30);
    assert_eq!(some.len(), 30);
    let targets = |epoch| all(&some, epoch).into_iter().map(|(_, target)| target);
    let three: Vec<u32> = (0..3).flat_map(targets).collect();
    assert_eq!(three.iter().collect::<BTreeSet<_>>().len(), 90);
    assert!(!three.is_sorted());
    assert_eq!(targets(1).collect::<Vec<_>>(), three[30..60]);
}

#[test]
fn a_text_that_is_too_short_for_a_sample_is_refused() {
    let samples = ContinuationSamples::Windows;
    let refused = ContinuationExamples::new(part(30, 10..14), input(samples, 4), 1, 7);
    assert!(matches!(
        refused,
        Err(CorpusError::ShortText {
            tokens: 4,
            wanted: 5,
            ..
        })
    ));
}

#[test]
fn what_is_written_is_read_from_its_end() {
    let written: Vec<u32> = (100..110).collect();
    assert_eq!(
        input(ContinuationSamples::Windows, 3).sequence(&written),
        [CLS, 107, 108, 109, SEP]
    );
    assert_eq!(
        input(ContinuationSamples::Prefixes, 3).sequence(&written),
        [CLS, 108, 109, MASK, SEP]
    );
    assert_eq!(
        input(ContinuationSamples::Prefixes, 30).sequence(&written[..1]),
        [CLS, 100, MASK, SEP]
    );
}

#[test]
fn perplexity_is_that_of_the_mean_over_all_tokens() {
    use crate::Evaluator;
    let mut evaluator = ContinuationEvaluator::default();
    evaluator.add(1.0, &[3, 4], &[3, 5]);
    evaluator.add(4.0, &[6], &[6]);
    let metrics = evaluator.evaluation().metrics;
    assert_eq!(metrics.get("loss"), Some(2.0));
    assert_eq!(metrics.get("perplexity"), Some(2.0_f64.exp()));
    assert_eq!(metrics.get("next_token_accuracy"), Some(2.0 / 3.0));
}
