use std::path::Path;

use burn::tensor::TensorData;

use super::*;
use crate::Evaluator;

fn task(labels: &[&str]) -> MultiLabel {
    MultiLabel::new(LabelSet::from_observed(labels.iter().copied()).unwrap(), 32)
}

fn row(line: usize, labels: Option<&[&str]>) -> LabelledText<Vec<String>> {
    LabelledText {
        text: "a".into(),
        text_pair: None,
        label: labels.map(|labels| labels.iter().map(|&label| label.into()).collect()),
        id: None,
        line,
    }
}

#[test]
fn targets_are_label_ids_in_order() {
    let rows = [
        row(2, Some(&["time", "person", "time"])),
        row(3, Some(&[])),
        row(4, Some(&["place"])),
    ];
    let targets = task(&["person", "place", "time"]).targets(&rows, Path::new("a.csv"), "labels");
    assert_eq!(targets.unwrap(), [vec![0, 2], vec![], vec![1]]);
}

#[test]
fn a_label_that_is_not_known_is_named() {
    let refuse = |labels| {
        let rows = [row(7, labels)];
        task(&["good", "bad"])
            .targets(&rows, Path::new("dev.jsonl"), "labels")
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refuse(Some(&["good", "neutral"])),
        "dev.jsonl, line 7, field `labels`: found the label \"neutral\", wanted one of the training \
         rows' labels: \"bad\", \"good\""
    );
    assert!(refuse(None).contains("found no label, wanted"));
}

#[test]
fn balanced_weights_are_negatives_over_positives() {
    let targets = [vec![0, 3], vec![0, 1, 3], vec![3], vec![0, 3]];
    let task = task(&["a", "b", "none", "of all"])
        .with_positive_weights(&PositiveWeights::Balanced, &targets)
        .unwrap();
    let weights = task.loss.positive_weights.unwrap();
    assert_eq!(weights, [1.0_f32 / 3.0, 3.0, 1.0, 1.0]);
}

#[test]
fn weights_and_thresholds_are_for_labels_that_exist() {
    let table = || BTreeMap::from([("d".to_owned(), 0.25)]);
    let weights = PositiveWeights::Table(table());
    let error = task(&["a"])
        .with_positive_weights(&weights, &[])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is a positive weight for \"d\", but the labels are \"a\""
    );
    let error = task(&["a"]).with_threshold(&Threshold::Table(table()));
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("a threshold for \"d\"")
    );
    let named = task(&["c", "d"]).with_threshold(&Threshold::Table(table()));
    assert_eq!(
        named.unwrap().thresholds().unwrap().values(),
        [USUAL_THRESHOLD, 0.25]
    );
}

const LOGITS: [f32; 9] = [2.0, -1.0, 0.5, 0.1, -0.3, -0.2, -3.0, 4.0, 4.0];

fn targets() -> [Vec<usize>; 3] {
    [vec![0], vec![0, 1], vec![1, 2]]
}

fn evaluated(task: &MultiLabel) -> MultiLabelEvaluator {
    let mut evaluator = task.evaluator();
    evaluator.keep_predictions();
    // In two pieces, as batches come.
    evaluator.add(&LOGITS[..6], &targets()[..2]);
    evaluator.add(&LOGITS[6..], &targets()[2..]);
    evaluator
}

#[test]
fn the_reported_loss_is_the_one_that_is_trained() {
    let weights = PositiveWeights::Table([("a".to_owned(), 3.0)].into());
    let plain = task(&["a", "b", "c"]);
    let weighted = plain.clone().with_positive_weights(&weights, &[]).unwrap();
    for task in [plain, weighted] {
        let data = TensorData::new(LOGITS.to_vec(), [3, 3]);
        let logits = Tensor::from_data(data, &Device::flex());
        let loss = binary_cross_entropy(logits, &task.indicators(&targets()), &task.loss);
        let trained = f64::from(loss.unwrap().into_scalar::<f32>());
        let evaluation = evaluated(&task).evaluation();
        let reported = evaluation.metrics.get("loss").unwrap();
        assert!((trained - reported).abs() < 1e-6, "{trained} {reported}");
    }
}

#[test]
fn a_row_is_given_every_label_that_reaches_its_threshold() {
    let task = task(&["a", "b", "c"]);
    let predictions = evaluated(&task).take_predictions();
    let given: Vec<String> = predictions.iter().map(|p| p.predicted.join("")).collect();
    assert_eq!(given, ["ac", "a", "bc"]);
    assert_eq!(predictions[1].labels, ["a", "b"]);
    assert_eq!(predictions[0].scores.get("a"), Some(sigmoid(2.0)));
    let evaluation = evaluated(&task).evaluation();
    assert_eq!(evaluation.metrics.get("subset_accuracy"), Some(1.0 / 3.0));
    assert_eq!(evaluation.tables[0].rows.len(), 3);
    for (name, _) in evaluation.metrics.iter() {
        assert!(task.direction(name).is_some(), "{name}");
    }
}

#[test]
fn tuned_thresholds_are_decided_by_the_rows_and_kept() {
    let tuned = task(&["a", "b", "c"])
        .with_threshold(&Threshold::Tuned)
        .unwrap();
    assert_eq!(tuned.thresholds(), None);
    let mut evaluator = evaluated(&tuned);
    let decided = tuned.decided_by(&evaluator);
    let values = decided.thresholds().unwrap().values();
    // `b` is right from -0.3 on and wrong at -1; `a` and `c` are right at one half and about 0.9.
    assert_eq!(values[0], 0.5);
    assert!(values[1] > sigmoid(-1.0) && values[1] <= sigmoid(-0.3));
    assert!(values[2] > sigmoid(0.5) && values[2] <= sigmoid(4.0));
    let metrics = |task: &MultiLabel| evaluated(task).evaluation().metrics;
    assert_eq!(metrics(&tuned).get("micro_f1"), Some(1.0));
    assert_eq!(metrics(&decided), metrics(&tuned));
    // Before all rows were seen nothing can be said about any.
    assert_eq!(evaluator.take_predictions(), []);
    let last = evaluator.last_predictions();
    assert_eq!(last, evaluated(&decided).take_predictions());
    assert_eq!(last.len(), 3);
}

#[test]
fn scores_are_ranked_with_what_reaches_its_threshold() {
    let task = task(&["a", "b", "c"]).with_thresholds(Thresholds::new(vec![0.9, 0.1, 0.5]));
    let ranked = task.rank(&LOGITS[..3]);
    let shown: Vec<(&str, bool)> = ranked
        .iter()
        .map(|(score, given)| (score.label.as_str(), *given))
        .collect();
    assert_eq!(shown, [("a", false), ("c", true), ("b", true)]);
    assert_eq!(ranked[0].0.score, sigmoid(2.0));
}
