use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use cloze_core::LabelSet;
use cloze_data::readers::LabelledText;
use cloze_model::losses::cross_entropy;

use super::*;
use crate::Evaluator;

fn task(labels: &[&str]) -> TextClassification {
    TextClassification::new(LabelSet::from_observed(labels.iter().copied()).unwrap(), 32)
}

fn row(line: usize, label: Option<&str>) -> LabelledText {
    LabelledText {
        text: "a".into(),
        text_pair: None,
        label: label.map(Into::into),
        id: None,
        line,
    }
}

#[test]
fn targets_are_class_ids() {
    let rows = [row(2, Some("110")), row(3, Some("9"))];
    let targets = task(&["9", "100", "110"]).targets(&rows, Path::new("a.csv"), "label");
    assert_eq!(targets.unwrap(), [2, 0]);
}

#[test]
fn a_label_that_is_not_known_is_named_with_those_that_are() {
    let refuse = |task: &TextClassification, label| {
        let rows = [row(7, label)];
        task.targets(&rows, Path::new("dev.csv"), "mood")
            .unwrap_err()
            .to_string()
    };
    let two = task(&["good", "bad"]);
    assert_eq!(
        refuse(&two, Some("neutral")),
        "dev.csv, line 7, field `mood`: found the label \"neutral\", wanted one of the training \
         rows' labels: \"bad\", \"good\""
    );
    assert!(refuse(&two, None).contains("found no label, wanted"));
    let many: Vec<String> = (0..119).map(|label| label.to_string()).collect();
    let many = TextClassification::new(LabelSet::from_names(many).unwrap(), 32);
    let message = refuse(&many, Some("200"));
    assert!(message.ends_with("\"18\", \"19\" and 99 more"), "{message}");
}

/// `compute_class_weight("balanced", …)` of scikit-learn for the same rows.
#[test]
fn balanced_weights_are_scikit_learns() {
    let task = task(&["a", "b"]);
    let task = task
        .with_class_weights(&ClassWeights::Balanced, &[0, 0, 1, 0])
        .unwrap();
    assert_eq!(task.loss.class_weights, Some(vec![4.0 / 6.0, 2.0]));
    assert_eq!(task.weight(&[1, 1]), 4.0);
}

#[test]
fn a_table_names_some_labels() {
    let weights = |label: &str| ClassWeights::Table([(label.to_owned(), 2.5)].into());
    let weighted = task(&["a", "b"])
        .with_class_weights(&weights("b"), &[])
        .unwrap();
    assert_eq!(weighted.loss.class_weights, Some(vec![1.0, 2.5]));
    let message = task(&["a", "b"])
        .with_class_weights(&weights("c"), &[])
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "there is a class weight for \"c\", but the labels are \"a\", \"b\""
    );
}

const LOGITS: [f32; 9] = [2.0, -1.0, 0.5, 0.1, 0.3, -0.2, -3.0, 4.0, 4.0];

#[test]
fn the_reported_loss_is_the_one_that_is_trained() {
    let weights = ClassWeights::Table([("a".to_owned(), 3.0)].into());
    let weighted = task(&["a", "b", "c"])
        .with_class_weights(&weights, &[])
        .unwrap();
    for task in [
        task(&["a", "b", "c"]),
        task(&["a", "b", "c"]).with_label_smoothing(0.2),
        weighted.with_label_smoothing(0.1),
    ] {
        let targets = [0, 2, 1];
        let mut evaluator = task.evaluator();
        // In two pieces, as batches come.
        evaluator.add(&LOGITS[..6], &targets[..2]);
        evaluator.add(&LOGITS[6..], &targets[2..]);
        let data = TensorData::new(LOGITS.to_vec(), [3, 3]);
        let loss = cross_entropy(
            Tensor::from_data(data, &Device::flex()),
            &targets,
            &task.loss,
        );
        let trained = f64::from(loss.unwrap().into_scalar::<f32>());
        let reported = evaluator.evaluation().metrics.get("loss").unwrap();
        assert!((trained - reported).abs() < 1e-6, "{trained} {reported}");
    }
}

#[test]
fn predictions_come_in_the_order_of_the_rows() {
    let task = task(&["a", "b", "c"]);
    let mut evaluator = task.evaluator();
    evaluator.keep_predictions();
    evaluator.add(&LOGITS, &[0, 2, 1]);
    let predictions = evaluator.take_predictions();
    let named: Vec<_> = predictions
        .iter()
        .map(|p| (p.label.as_str(), p.predicted.as_str()))
        .collect();
    // Of two equal logits the first label counts.
    assert_eq!(named, [("a", "a"), ("c", "b"), ("b", "b")]);
    assert_eq!(evaluator.last_predictions(), []);
    let evaluation = evaluator.evaluation();
    assert_eq!(evaluation.metrics.get("accuracy"), Some(2.0 / 3.0));
    assert_eq!(evaluation.tables.len(), 2);
    for (name, _) in evaluation.metrics.iter() {
        assert!(task.direction(name).is_some(), "{name}");
    }
}

#[test]
fn scores_are_ranked_and_sum_to_one() {
    let ranked = task(&["a", "b", "c"]).rank(&[1000.0, 1001.0, -1000.0]);
    let labels: Vec<&str> = ranked.iter().map(|score| score.label.as_str()).collect();
    assert_eq!(labels, ["b", "a", "c"]);
    assert!((ranked[0].score - 0.731_058_578_630_004_9).abs() < 1e-12);
    let sum: f64 = ranked.iter().map(|score| score.score).sum();
    assert!((sum - 1.0).abs() < 1e-12);
}
