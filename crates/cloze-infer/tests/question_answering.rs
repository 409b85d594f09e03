//! Answers beside what `transformers` computes, on models that it saved.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy exempts only functions marked as tests"
)]

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::module::Param;
use burn::tensor::{Device, Gradients, Tensor};
use cloze_core::PackedBatch;
use cloze_data::readers::questions::{Answer, Question};
use cloze_data::tokenizer::Tokenizer;
use cloze_infer::{
    AnsweringOptions, InferError, ModelTask, QuestionAnsweringPipeline, TextClassifier,
};
use cloze_model::ForwardOptions;
use cloze_model::checkpoint::{Checkpoint, QuestionAnsweringOptions, load_question_answering};
use cloze_model::losses::{SpanPositions, span_cross_entropy};
use cloze_model::named::{ParameterVisitor, for_each_parameter, is_encoder_name};
use serde::Deserialize;
use testkit::close::{assert_close, assert_relatively_close};
use testkit::golden::{Golden, read_json};

const MODELS: [&str; 2] = ["bert", "distilbert"];

#[derive(Deserialize)]
struct Expected {
    batch: Batch,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Batch {
    input_ids: Vec<Vec<u32>>,
    token_type_ids: Vec<Vec<u32>>,
    start_positions: Vec<usize>,
    end_positions: Vec<usize>,
    logits: Vec<Vec<[f32; 2]>>,
    loss: f32,
}

#[derive(Deserialize)]
struct Case {
    question: String,
    context: String,
    answer: String,
    windows: Vec<Window>,
    spans: Vec<Span>,
    null_probability: f64,
    null_score_difference: f64,
}

#[derive(Deserialize)]
struct Window {
    ids: Vec<u32>,
    offsets: Vec<Option<(u32, u32)>>,
    positions: (usize, usize),
}

#[derive(Deserialize)]
struct Span {
    text: String,
    place: (usize, usize),
    probability: f64,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn folder(model: &str) -> PathBuf {
    root()
        .join("crates/cloze-infer/tests/golden/question_answering")
        .join(model)
}

fn open(model: &str) -> (QuestionAnsweringPipeline, Expected) {
    let folder = folder(model);
    let pipeline = QuestionAnsweringPipeline::open(&folder, &Device::flex()).unwrap();
    (pipeline, read_json(&folder.join("expected.json")))
}

fn options(top_k: usize) -> AnsweringOptions {
    AnsweringOptions {
        top_k: NonZeroUsize::new(top_k).unwrap(),
        ..AnsweringOptions::default()
    }
}

fn question(case: &Case) -> Question {
    let answers = match case.context.find(&case.answer) {
        Some(byte) if !case.answer.is_empty() => vec![Answer {
            text: case.answer.clone(),
            start: case.context[..byte].chars().count(),
        }],
        _ => Vec::new(),
    };
    Question {
        question: case.question.clone(),
        context: case.context.as_str().into(),
        article: 0,
        answers,
        id: None,
        line: 1,
        number: 0,
    }
}

#[test]
fn windows_and_positions_are_those_of_the_example_of_transformers() {
    for model in MODELS {
        let (pipeline, golden) = open(model);
        let tokenizer = Tokenizer::from_folder(&folder(model)).unwrap();
        for case in &golden.cases {
            let question = question(case);
            let examples = pipeline
                .task()
                .examples(&tokenizer, [&question], |_| ())
                .unwrap();
            assert_eq!(examples.len(), case.windows.len(), "{}", case.context);
            for (example, expected) in examples.iter().zip(&case.windows) {
                assert_eq!(example.ids, expected.ids, "{}", case.context);
                let window = &example.target.window;
                let offsets: Vec<(u32, u32)> = expected.offsets.iter().copied().flatten().collect();
                assert_eq!(window.offsets, offsets, "{}", case.context);
                let first = expected.offsets.iter().position(Option::is_some).unwrap();
                assert_eq!(window.context.start, first);
                let found = example.target.positions;
                assert_eq!(
                    (found.start, found.end),
                    (Some(expected.positions.0), Some(expected.positions.1)),
                    "{:?} in {:?}",
                    case.answer,
                    case.context
                );
            }
        }
    }
}

#[test]
fn the_best_spans_of_all_windows_are_those_of_the_example_of_transformers() {
    let (mut declined, mut given) = (0, 0);
    for model in MODELS {
        let (pipeline, golden) = open(model);
        let unanswerable = pipeline.task().settings().unanswerable;
        assert_eq!(unanswerable, model == "bert");
        let inputs: Vec<(&str, &str)> = golden
            .cases
            .iter()
            .map(|case| (case.question.as_str(), case.context.as_str()))
            .collect();
        let found = pipeline.predict(&inputs, &options(100)).unwrap();
        for (found, case) in found.iter().zip(&golden.cases) {
            let what = format!("{model}: {}", case.context);
            assert_eq!(found.windows, case.windows.len(), "{what}");
            let difference = found.null_score_difference - case.null_score_difference;
            assert!(difference.abs() < 2e-4, "{what}");
            let spans: Vec<_> = found
                .answers
                .iter()
                .filter(|found| !found.answer.is_empty())
                .collect();
            // More of them are looked at where more are wanted.
            assert!(spans.len() >= case.spans.len());
            if let Some(none) = found.answers.iter().find(|found| found.answer.is_empty()) {
                assert!((none.score - case.null_probability).abs() < 1e-4, "{what}");
            }
            let threshold = pipeline.task().settings().null_threshold;
            let declines = unanswerable && case.null_score_difference > threshold;
            assert_eq!(found.answers[0].answer.is_empty(), declines, "{what}");
            declined += usize::from(declines);
            given += usize::from(!declines);
            for found in &spans {
                let characters = case.context.chars().skip(found.start);
                let own: String = characters.take(found.end - found.start).collect();
                assert_eq!(own, found.answer, "{what}");
            }
        }
        let one = pipeline.predict(&inputs, &options(1)).unwrap();
        let n_best = pipeline.task().limits().n_best;
        let several = pipeline.predict(&inputs, &options(n_best)).unwrap();
        for ((one, several), case) in one.iter().zip(&several).zip(&golden.cases) {
            assert_eq!(one.answers[..], several.answers[..1]);
            let spans = several
                .answers
                .iter()
                .filter(|found| !found.answer.is_empty());
            for (found, expected) in spans.zip(&case.spans) {
                assert_eq!(
                    (found.start, found.end),
                    expected.place,
                    "{model}: {}",
                    case.context
                );
                assert_eq!(found.answer, expected.text);
                assert!((found.score - expected.probability).abs() < 1e-4);
            }
        }
    }
    assert!(declined > 0 && given > 0);
}

#[test]
fn an_answer_does_not_depend_on_what_is_asked_beside_it() {
    let (pipeline, golden) = open("bert");
    let inputs: Vec<(&str, &str)> = golden
        .cases
        .iter()
        .map(|case| (case.question.as_str(), case.context.as_str()))
        .collect();
    let together = pipeline.predict(&inputs, &options(3)).unwrap();
    let alone = AnsweringOptions {
        batch_size: NonZeroUsize::MIN,
        ..options(3)
    };
    for (input, together) in inputs.iter().zip(&together) {
        assert_eq!(&pipeline.predict(&[*input], &alone).unwrap()[0], together);
    }
}

struct Comparison<'a> {
    model: &'a str,
    checkpoint: &'a Checkpoint,
    expected: Golden,
    gradients: Gradients,
    compared: usize,
}

impl ParameterVisitor for Comparison<'_> {
    fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
        let architecture = self.checkpoint.architecture();
        let mut own = architecture.hf_name(name);
        if is_encoder_name(name) {
            own = format!("{}{own}", architecture.prefix());
        }
        let expected = self.expected.floats(&format!("grad.{own}")).values;
        let found = parameter.grad(&self.gradients).unwrap();
        let found: Vec<f32> = found.into_data().try_to_vec().unwrap();
        let what = format!("{}, {own}", self.model);
        // Zero but for rounding: a key's bias adds the same to every score of a row, and those that
        // add the same to every token's logits change no probability.
        let is_zero = name.ends_with("attention.self.key.bias")
            || ["qa_outputs.bias", "encoder.layer.1.output.LayerNorm.bias"].contains(&name);
        if is_zero {
            assert_close(&what, &found, &expected, 1e-4);
        } else {
            assert_relatively_close(&what, &found, &expected, 1e-3);
        }
        self.compared += 1;
    }
}

#[test]
fn logits_loss_and_gradients_are_those_of_transformers() {
    for model in MODELS {
        let batch = open(model).1.batch;
        let checkpoint = Checkpoint::open(&folder(model)).unwrap();
        let task = ModelTask::of(&folder(model)).unwrap();
        assert_eq!(task, ModelTask::QuestionAnswering);
        let options = QuestionAnsweringOptions::default();
        let device = Device::flex().autodiff();
        let (network, report) = load_question_answering(&checkpoint, &options, &device).unwrap();
        assert_eq!(report.lines(), Vec::<String>::new());
        let sequences = batch.input_ids.iter().zip(&batch.token_type_ids);
        let packed =
            PackedBatch::from_sequences(sequences.map(|(ids, types)| (&ids[..], &types[..])))
                .unwrap();
        let logits = network
            .forward(&packed, &ForwardOptions::default())
            .unwrap();
        let found: Vec<f32> = logits.clone().into_data().try_to_vec().unwrap();
        assert_close(model, &found, &batch.logits.concat().concat(), 1e-4);

        let lengths: Vec<usize> = packed.lengths().collect();
        let pairs = batch.start_positions.iter().zip(&batch.end_positions);
        let positions: Vec<SpanPositions> = pairs
            .map(|(&start, &end)| SpanPositions {
                start: Some(start),
                end: Some(end),
            })
            .collect();
        assert!(
            batch
                .end_positions
                .iter()
                .zip(&lengths)
                .any(|(end, length)| end >= length)
        );
        let loss = span_cross_entropy(logits, &lengths, &positions).unwrap();
        assert_close(
            model,
            &[loss.clone().into_scalar::<f32>()],
            &[batch.loss],
            1e-5,
        );
        let mut comparison = Comparison {
            model,
            checkpoint: &checkpoint,
            expected: Golden::read(&folder(model).join("gradients.safetensors")),
            gradients: loss.backward(),
            compared: 0,
        };
        for_each_parameter(&network, &mut comparison);
        assert_eq!(comparison.compared, comparison.expected.names().len());
    }
}

#[test]
fn an_evaluation_is_that_of_the_predictions_and_of_the_loss() {
    let (pipeline, golden) = open("bert");
    let questions: Vec<Question> = golden.cases.iter().map(question).collect();
    let evaluation = pipeline
        .evaluate(&questions, NonZeroUsize::new(3).unwrap(), |_| ())
        .unwrap();
    let inputs: Vec<(&str, &str)> = golden
        .cases
        .iter()
        .map(|case| (case.question.as_str(), case.context.as_str()))
        .collect();
    let predictions = pipeline.predict(&inputs, &options(1)).unwrap();
    let right = predictions
        .iter()
        .zip(&golden.cases)
        .filter(|(found, case)| {
            cloze_tasks::metrics::squad::exact_match(&case.answer, &found.answers[0].answer)
        });
    let share = right.count() as f64 / questions.len() as f64;
    assert_eq!(evaluation.metrics.get("exact_match"), Some(share));
    assert_eq!(evaluation.tables[0].name, "per_kind");
    assert!(evaluation.metrics.get("loss").unwrap() > 0.0);
    let always = QuestionAnsweringPipeline::open(&folder("distilbert"), &Device::flex()).unwrap();
    let always = always
        .evaluate(&questions[..2], NonZeroUsize::MIN, |_| ())
        .unwrap();
    assert!(always.metrics.get("best_f1").is_none());
}

#[test]
fn another_model_answers_no_questions() {
    let folder = root().join("crates/cloze-model/tests/golden/masked_lm/bert");
    let error = QuestionAnsweringPipeline::open(&folder, &Device::flex()).unwrap_err();
    assert!(
        matches!(error, InferError::NotAQuestionAnsweringModel { .. }),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("it is a BertForMaskedLM, and lacks qa_outputs.weight"),
        "{error}"
    );
    let error = TextClassifier::open(&self::folder("bert"), &Device::flex()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("was trained for question-answering, not for"),
        "{error}"
    );
}

#[test]
fn no_text_is_too_strange() {
    let (pipeline, _) = open("bert");
    let pieces = [
        "a", "é", "差", "🐶", "\u{301}", "\u{200d}", "\u{3000}", " ", ".", "#", "[SEP]", "\u{0}",
        "cat",
    ];
    let mut random = cloze_data::RandomStream::new(5, &[]);
    let mut text = |length: usize| -> Arc<str> {
        let text: String = (0..length)
            .map(|_| pieces[random.below(pieces.len())])
            .collect();
        text.into()
    };
    let inputs: Vec<(Arc<str>, Arc<str>)> = (0..200).map(|n| (text(n % 9), text(n % 60))).collect();
    let inputs: Vec<(&str, &str)> = inputs.iter().map(|(q, c)| (&**q, &**c)).collect();
    let found = pipeline.predict(&inputs, &options(4)).unwrap();
    for ((_, context), found) in inputs.iter().zip(&found) {
        assert!(!found.answers.is_empty() && found.answers.len() <= 4);
        let total: f64 = found.answers.iter().map(|answer| answer.score).sum();
        assert!(total > 0.0 && total <= 1.0 + 1e-6, "{total}");
        for answer in &found.answers {
            assert!(answer.start <= answer.end && answer.end <= context.chars().count());
        }
    }
}
