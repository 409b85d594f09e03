use std::sync::Arc;

use cloze_data::question_windows::QuestionWindow;

use super::*;
use crate::Evaluator;

fn task(unanswerable: bool) -> QuestionAnswering {
    let settings = AnswerSettings {
        unanswerable,
        ..AnswerSettings::default()
    };
    QuestionAnswering::new(16, settings)
}

/// A window of a context of single characters: first token, question, `[SEP]`, context, `[SEP]`.
fn target(asked: &Arc<Asked>, from: usize, tokens: usize, positions: (usize, usize)) -> SpanTarget {
    let offset = |token: usize| ((from + token) as u32, (from + token) as u32 + 1);
    SpanTarget {
        positions: SpanPositions {
            start: Some(positions.0),
            end: Some(positions.1),
        },
        window: Arc::new(QuestionWindow {
            ids: (2..tokens as u32 + 6).collect(),
            type_ids: vec![0; tokens + 4],
            context: 3..tokens + 3,
            offsets: (0..tokens).map(offset).collect(),
        }),
        asked: Arc::clone(asked),
    }
}

fn asked(index: usize, windows: usize, answers: &[&str]) -> Arc<Asked> {
    Arc::new(Asked {
        index,
        windows,
        is_cut: false,
        context: "abcdef".into(),
        answers: answers.iter().map(|&answer| answer.to_owned()).collect(),
    })
}

/// Logits with this much for a start and an end, and for the first token; elsewhere 0.
fn logits(tokens: usize, span: (usize, usize), score: f32, null: f32) -> Vec<f32> {
    let mut logits = vec![0.0; 2 * (tokens + 4)];
    logits[2 * (span.0 + 3)] = score / 2.0;
    logits[2 * (span.1 + 3) + 1] = score / 2.0;
    (logits[0], logits[1]) = (null / 2.0, null / 2.0);
    logits
}

fn of(evaluation: &crate::metrics::Evaluation, name: &str) -> f64 {
    evaluation.metrics.get(name).unwrap()
}

#[test]
fn usual_lengths_leave_room_for_the_context() {
    for length in [8, 16, 128, 384, 512, 2048] {
        let task = QuestionAnswering::new(length, AnswerSettings::default());
        assert!(task.doc_stride() + task.max_question_length() + 3 < length);
    }
    let task = QuestionAnswering::new(384, AnswerSettings::default());
    assert_eq!((task.doc_stride(), task.max_question_length()), (128, 64));
}

#[test]
fn the_best_span_of_all_windows_is_the_answer() {
    let task = task(false);
    let mut evaluator = task.evaluator();
    evaluator.keep_predictions();
    let (first, second) = (asked(0, 2, &["de"]), asked(1, 1, &["xyz", "ab"]));
    let targets = [
        target(&second, 0, 6, (3, 4)),
        target(&first, 0, 4, (0, 0)),
        target(&first, 2, 4, (4, 5)),
    ];
    let all = [
        logits(6, (0, 2), 4.0, 9.0),
        logits(4, (0, 1), 3.0, 0.0),
        logits(4, (1, 2), 5.0, 0.0),
    ];
    evaluator.add(&targets[..2], 1.0, &all[..2].concat());
    // A question of which a window is missing is judged by the others, for now.
    assert_eq!(evaluator.take_predictions(), []);
    let missing = evaluator.clone().last_predictions();
    assert_eq!(missing[0].predicted, "ab");
    evaluator.add(&targets[2..], 2.0, &all[2]);
    let predictions = evaluator.take_predictions();
    assert_eq!(
        (predictions[0].predicted.as_str(), predictions[0].start),
        ("de", 3)
    );
    assert_eq!(predictions[1].predicted, "abc");
    let evaluation = evaluator.evaluation();
    assert_eq!(
        (of(&evaluation, "exact_match"), of(&evaluation, "loss")),
        (0.5, 1.0)
    );
    assert!(evaluation.tables.is_empty() && evaluation.metrics.get("best_f1").is_none());
}

#[test]
fn no_answer_is_given_above_the_threshold_which_can_be_found() {
    let run = |task: &QuestionAnswering| {
        let mut evaluator = task.evaluator();
        evaluator.keep_predictions();
        for (index, answers, null) in [(0, &["ab"][..], 5.0), (1, &[], 8.0), (2, &["ab"], 1.0)] {
            let target = target(&asked(index, 1, answers), 0, 6, (3, 4));
            evaluator.add(&[target], 1.0, &logits(6, (0, 1), 4.0, null));
        }
        evaluator
    };
    let mut fixed = run(&task(true));
    let evaluation = fixed.evaluation();
    assert!((of(&evaluation, "f1") - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(
        (
            of(&evaluation, "best_f1"),
            of(&evaluation, "best_f1_threshold")
        ),
        (1.0, 1.0)
    );
    assert_eq!(evaluation.tables[0].rows[1].0, "without one");
    assert_eq!(fixed.take_predictions()[0].predicted, "");
    assert_eq!(fixed.evaluation(), evaluation);

    let tuned = task(true).with_tuned_threshold();
    let mut evaluator = run(&tuned);
    assert_eq!(of(&evaluator.evaluation(), "f1"), 1.0);
    let decided = tuned.decided_by(&evaluator);
    assert_eq!(decided.settings().null_threshold, 1.0);
    assert_eq!(of(&run(&decided).evaluation(), "f1"), 1.0);
    assert_eq!(evaluator.take_predictions(), []);
    assert_eq!(
        evaluator.last_predictions(),
        run(&decided).take_predictions()
    );
    // A model that always answers has nothing right where there is no answer.
    let always = run(&task(false)).evaluation();
    assert!((of(&always, "f1") - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(always.tables.len(), 1);
}

#[test]
fn metrics_that_can_choose_a_model_have_a_direction() {
    for unanswerable in [false, true] {
        let task = task(unanswerable);
        for (name, _) in task.evaluator().evaluation().metrics.iter() {
            let has = task.direction(name).is_some();
            assert_eq!(has, !name.ends_with("_threshold"), "{name}");
        }
        assert_eq!(task.direction("best_f1").is_some(), unanswerable);
    }
}

#[test]
fn the_loss_is_the_same_for_tokens_and_for_kept_features() {
    let config = cloze_core::EncoderConfig {
        model_type: "bert".into(),
        vocab_size: 16,
        embedding_size: 8,
        hidden_size: 8,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        intermediate_size: 12,
        hidden_act: cloze_core::Activation::Gelu,
        hidden_dropout_prob: 0.0,
        attention_output_dropout_prob: 0.0,
        attention_probs_dropout_prob: 0.0,
        max_position_embeddings: 12,
        position_numbering: cloze_core::PositionNumbering::FromZero,
        type_vocab_size: 2,
        layer_norm_eps: 1e-12,
        initializer_range: 0.4,
        pad_token_id: 0,
        pooler: true,
    };
    let device = Device::flex();
    let mut source = cloze_model::RandomParameters::new(3);
    let model = QuestionAnsweringModel::new(&config, 0.0, &mut source, &device).unwrap();
    let task = task(false);
    let question = asked(0, 2, &["ab"]);
    let targets = [
        target(&question, 0, 6, (3, 4)),
        target(&question, 2, 3, (0, 0)),
    ];
    let windows = targets.iter().map(|target| {
        let window = &target.window;
        (window.ids.as_slice(), window.type_ids.as_slice())
    });
    let batch = PackedBatch::from_sequences(windows).unwrap();
    let loss = |input: &Input<'_, LastHiddenState>| {
        let options = ForwardOptions::default();
        let objective = task.loss(&model, input, &targets, &options).unwrap();
        assert_eq!(objective.weight, 2.0);
        objective.loss.into_scalar::<f32>()
    };
    let whole = loss(&Input::Tokens(&batch));
    let states = task.encode(&model, LastHiddenState, &batch).unwrap();
    assert_eq!(loss(&Input::Features(LastHiddenState, &states)), whole);
    let mut evaluator = task.evaluator();
    task.evaluate(&model, &Input::Tokens(&batch), &targets, &mut evaluator)
        .unwrap();
    let evaluated = of(&evaluator.evaluation(), "loss");
    assert!((evaluated - f64::from(whole)).abs() < 1e-6);
}
