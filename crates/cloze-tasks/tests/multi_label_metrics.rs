//! Multi-label metrics equal scikit-learn's, from golden files.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails like a test")]

use cloze_core::LabelSet;
use cloze_tasks::metrics::{Cell, Evaluation};
use cloze_tasks::{Evaluator, MultiLabel, Task, Threshold};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    logits: Vec<Vec<f32>>,
    targets: Vec<Vec<usize>>,
    threshold: f64,
    subset_accuracy: f64,
    macro_f1: f64,
    micro_f1: f64,
    weighted_f1: f64,
    mean_average_precision: f64,
    average_precision: Vec<f64>,
    best_f1: Vec<Option<f64>>,
}

fn cases() -> Vec<Case> {
    let text = include_str!("golden/multi_label_metrics.json");
    let cases: Vec<Case> = serde_json::from_str(text).unwrap();
    assert!(cases.len() >= 8);
    cases
}

fn evaluation(case: &Case, threshold: &Threshold) -> Evaluation {
    let names = (0..case.logits[0].len()).map(|label| format!("label {label}"));
    let labels = LabelSet::from_names(names.collect()).unwrap();
    let task = MultiLabel::new(labels, 32)
        .with_threshold(threshold)
        .unwrap();
    let mut evaluator = task.evaluator();
    evaluator.add(&case.logits.concat(), &case.targets);
    evaluator.evaluation()
}

/// A column of the table with a row a label.
fn column(evaluation: &Evaluation, name: &str) -> Vec<f64> {
    let table = &evaluation.tables[0];
    let place = table.columns.iter().position(|column| column == name);
    let place = place.unwrap();
    let score = |row: &(String, Vec<Cell>)| match row.1[place] {
        Cell::Score(score) => score,
        Cell::Count(count) => count as f64,
    };
    table.rows.iter().map(score).collect()
}

#[track_caller]
fn assert_close(what: &str, case: &Case, found: f64, wanted: f64) {
    assert!(
        (found - wanted).abs() < 1e-12,
        "{what} of {}: {found}, not {wanted}",
        case.name
    );
}

#[test]
fn every_metric_equals_scikit_learn() {
    for case in &cases() {
        let evaluation = evaluation(case, &Threshold::Same(case.threshold));
        for (name, wanted) in [
            ("subset_accuracy", case.subset_accuracy),
            ("macro_f1", case.macro_f1),
            ("micro_f1", case.micro_f1),
            ("weighted_f1", case.weighted_f1),
            ("mean_average_precision", case.mean_average_precision),
        ] {
            let found = evaluation.metrics.get(name).unwrap();
            assert_close(name, case, found, wanted);
        }
        let found = column(&evaluation, "average_precision");
        for (found, wanted) in found.iter().zip(&case.average_precision) {
            assert_close("average precision", case, *found, *wanted);
        }
    }
}

#[test]
fn a_tuned_threshold_has_the_best_f1_of_its_label() {
    for case in &cases() {
        let evaluation = evaluation(case, &Threshold::Tuned);
        let found = column(&evaluation, "f1");
        for (found, wanted) in found.iter().zip(&case.best_f1) {
            assert_close("best F1", case, *found, wanted.unwrap_or(0.0));
        }
    }
}
