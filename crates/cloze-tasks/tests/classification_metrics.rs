//! Classification metrics equal scikit-learn's, from golden files.

use cloze_tasks::metrics::{ConfusionMatrix, accuracy, f1};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    labels: usize,
    targets: Vec<usize>,
    predictions: Vec<usize>,
    accuracy: f64,
    macro_f1: f64,
    micro_f1: f64,
    weighted_f1: f64,
    per_class: PerClass,
    confusion_matrix: Vec<Vec<u64>>,
}

#[derive(Deserialize)]
struct PerClass {
    precision: Vec<f64>,
    recall: Vec<f64>,
    f1: Vec<f64>,
    support: Vec<f64>,
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
    let text = include_str!("golden/classification_metrics.json");
    let cases: Vec<Case> = serde_json::from_str(text).unwrap();
    assert!(cases.len() >= 5);
    for case in &cases {
        let mut matrix = ConfusionMatrix::new(case.labels);
        for (&target, &prediction) in case.targets.iter().zip(&case.predictions) {
            matrix.add(target, prediction);
        }
        for (truth, row) in case.confusion_matrix.iter().enumerate() {
            for (predicted, &count) in row.iter().enumerate() {
                assert_eq!(matrix.count(truth, predicted), count, "{}", case.name);
            }
        }
        let averages = f1::averages(&matrix);
        assert_close("accuracy", case, accuracy::accuracy(&matrix), case.accuracy);
        assert_close("macro F1", case, averages.macro_f1, case.macro_f1);
        assert_close("micro F1", case, averages.micro_f1, case.micro_f1);
        assert_close("weighted F1", case, averages.weighted_f1, case.weighted_f1);
        let wanted = &case.per_class;
        for (class, scores) in f1::class_scores(&matrix).iter().enumerate() {
            assert_close("precision", case, scores.precision, wanted.precision[class]);
            assert_close("recall", case, scores.recall, wanted.recall[class]);
            assert_close("F1", case, scores.f1, wanted.f1[class]);
            assert_close(
                "support",
                case,
                scores.support as f64,
                wanted.support[class],
            );
        }
    }
}
