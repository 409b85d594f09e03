//! What evaluators hold, for many rows and for more: sums stay what they are, and what compares rows
//! takes the bytes a row that its documentation says.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails like a test")]

use std::sync::Arc;

use cloze_core::LabelSet;
use cloze_data::question_windows::QuestionWindow;
use cloze_model::losses::SpanPositions;
use cloze_platform::CountingAllocator;
use cloze_tasks::question_answering::Asked;
use cloze_tasks::regression::RegressionEvaluator;
use cloze_tasks::token_classification::TaggedToken;
use cloze_tasks::{
    AnswerSettings, Evaluator, MultiLabel, QuestionAnswering, SpanTarget, TagTarget, Task,
    TextClassification, TokenClassification,
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new();

const ROWS: usize = 10_000;

/// Room for what differs from one moment to the next, and not with the rows.
const SLACK: u64 = 4096;

/// What is held more once as many rows again were added, predictions being handed on meanwhile.
fn growth<E: Evaluator>(mut evaluator: E, add: impl Fn(&mut E, usize)) -> u64 {
    evaluator.keep_predictions();
    let mut rows = |rows: std::ops::Range<usize>| {
        for row in rows {
            add(&mut evaluator, row);
            assert!(evaluator.take_predictions().len() <= 1);
        }
        ALLOCATOR.held()
    };
    let before = rows(0..ROWS);
    rows(ROWS..2 * ROWS).saturating_sub(before)
}

fn labels(names: &[&str]) -> LabelSet {
    LabelSet::from_names(names.iter().map(|&name| name.into()).collect()).unwrap()
}

/// One test, as a process has one allocator.
#[test]
fn evaluators_hold_no_more_of_a_row_than_they_say() {
    let classes = TextClassification::new(labels(&["a", "b"]), 8);
    let held = growth(classes.evaluator(), |evaluator, row| {
        evaluator.add(&[0.5, row as f32], &[row % 2]);
    });
    assert!(held < SLACK, "text classification: {held}");

    let tags = TokenClassification::new(labels(&["O", "B-X", "I-X"]), 8);
    let held = growth(tags.evaluator(), |evaluator, sentence| {
        let token = |word: usize| TaggedToken {
            position: word + 1,
            label: word % 3,
            word: Some(word as u32),
        };
        let target = TagTarget {
            sentence,
            length: 7,
            words: 5,
            tokens: (0..5).map(token).collect(),
        };
        evaluator.add(&[target], 0.5, &[0, 1, 2, 1, 0]);
    });
    assert!(held < SLACK, "token classification: {held}");

    let question = |index: usize| SpanTarget {
        positions: SpanPositions {
            start: Some(2),
            end: Some(2),
        },
        window: Arc::new(QuestionWindow {
            ids: vec![1; 5],
            type_ids: vec![0; 5],
            context: 2..4,
            offsets: vec![(0, 1), (1, 2)],
        }),
        asked: Arc::new(Asked {
            index,
            windows: 1,
            is_cut: false,
            context: "ab".into(),
            answers: vec!["a".into()],
        }),
    };
    for unanswerable in [false, true] {
        let settings = AnswerSettings {
            unanswerable,
            ..AnswerSettings::default()
        };
        let answers = QuestionAnswering::new(8, settings);
        let held = growth(answers.evaluator(), |evaluator, row| {
            evaluator.add(&[question(row)], 0.5, &[0.0; 10]);
        });
        // A list that grows may have room for as many again.
        let most = if unanswerable {
            2 * 32 * ROWS as u64
        } else {
            0
        };
        assert!(
            held < most + SLACK,
            "{unanswerable} question answering: {held}"
        );
    }

    let numbers = growth(RegressionEvaluator::default(), |evaluator, row| {
        evaluator.add(&[0.5], &[row as f64]);
    });
    assert!(
        numbers < 2 * 12 * ROWS as u64 + SLACK,
        "regression: {numbers}"
    );

    let several = MultiLabel::new(labels(&["a", "b", "c"]), 8);
    let held = growth(several.evaluator(), |evaluator, row| {
        evaluator.add(&[0.5, -1.0, row as f32], &[vec![row % 3]]);
    });
    let a_row = 3 * 4 + 1;
    assert!(
        held < (2 * a_row * ROWS) as u64 + SLACK,
        "several labels: {held}"
    );
}
