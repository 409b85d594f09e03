use serde::Serialize;

use super::thresholds::best_threshold;
use super::{MultiLabel, Thresholds, sigmoid};
use crate::Evaluator;
use crate::metrics::multi_label::average_precision;
use crate::metrics::{Cell, ClassScores, Evaluation, Metrics, MultiLabelCounts, Table};

/// What the model says about one labelled row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MultiLabelPrediction {
    /// The row's own labels, in the order of their ids.
    pub labels: Vec<String>,
    /// The labels that it is given, in the same order.
    pub predicted: Vec<String>,
    /// The probability of every label.
    pub scores: Metrics,
}

/// Collects logits and targets.
#[derive(Clone, Debug)]
pub struct MultiLabelEvaluator {
    task: MultiLabel,
    /// `[rows, labels]`.
    logits: Vec<f32>,
    /// `[rows, labels]`: whether the row has the label.
    truths: Vec<bool>,
}

impl MultiLabelEvaluator {
    pub(super) fn new(task: MultiLabel) -> Self {
        Self {
            task,
            logits: Vec::new(),
            truths: Vec::new(),
        }
    }

    /// Adds rows: their logits, `[rows, labels]`, and label ids.
    ///
    /// # Panics
    /// If the numbers do not fit together.
    pub fn add(&mut self, logits: &[f32], targets: &[Vec<usize>]) {
        assert_eq!(logits.len(), targets.len() * self.task.labels().len());
        self.logits.extend_from_slice(logits);
        let indicators = self.task.indicators(targets);
        self.truths
            .extend(indicators.into_iter().map(|value| value == 1.0));
    }

    /// Probabilities and truths of each row.
    fn rows(&self) -> impl Iterator<Item = (Vec<f64>, &[bool])> {
        let labels = self.task.labels().len();
        let probabilities = |row: &[f32]| row.iter().copied().map(sigmoid).collect();
        self.logits
            .chunks(labels)
            .map(probabilities)
            .zip(self.truths.chunks(labels))
    }

    /// Probabilities and truths of a label.
    fn of_label(&self, label: usize) -> impl Iterator<Item = (f64, bool)> {
        let step = self.task.labels().len();
        let logits = self.logits.iter().skip(label).step_by(step);
        let truths = self.truths.iter().skip(label).step_by(step);
        logits
            .zip(truths)
            .map(|(&logit, &truth)| (sigmoid(logit), truth))
    }

    /// The task's thresholds, or those with the best F1 of each label over all rows.
    pub(super) fn thresholds(&self) -> Thresholds {
        let tuned = || {
            let labels = 0..self.task.labels().len();
            Thresholds::new(
                labels
                    .map(|label| best_threshold(self.of_label(label)))
                    .collect(),
            )
        };
        self.task.thresholds().cloned().unwrap_or_else(tuned)
    }

    /// The loss that training minimises, over all rows.
    fn loss(&self) -> f64 {
        let labels = self.task.labels().len();
        let weights = self.task.loss.positive_weights.as_deref();
        let weight = |label: usize| weights.map_or(1.0, |weights| f64::from(weights[label]));
        let softplus = |logit: f64| logit.max(0.0) + (-logit.abs()).exp().ln_1p();
        let losses = self.logits.iter().zip(&self.truths).enumerate();
        let sum: f64 = losses
            .map(|(index, (&logit, &truth))| match truth {
                true => weight(index % labels) * softplus(-f64::from(logit)),
                false => softplus(f64::from(logit)),
            })
            .sum();
        sum / self.logits.len().max(1) as f64
    }

    /// A row for each label.
    fn per_class(&self, scores: &[ClassScores], precisions: &[f64], own: &Thresholds) -> Table {
        let names = self.task.labels().names().iter();
        let values = scores.iter().zip(precisions).zip(own.values());
        let cells = |((scores, precision), threshold): ((&ClassScores, &f64), &f64)| {
            let numbers = [
                scores.precision,
                scores.recall,
                scores.f1,
                *precision,
                *threshold,
            ];
            let mut cells: Vec<Cell> = numbers.map(Cell::Score).into();
            cells.push(Cell::Count(scores.support));
            cells
        };
        Table {
            name: "per_class".into(),
            row_header: "label".into(),
            columns: [
                "precision",
                "recall",
                "f1",
                "average_precision",
                "threshold",
                "support",
            ]
            .map(Into::into)
            .into(),
            rows: names.cloned().zip(values.map(cells)).collect(),
        }
    }
}

impl Evaluator for MultiLabelEvaluator {
    type Prediction = MultiLabelPrediction;

    fn evaluation(&self) -> Evaluation {
        let labels = self.task.labels().len();
        let thresholds = self.thresholds();
        let mut counts = MultiLabelCounts::new(labels);
        for (probabilities, truths) in self.rows() {
            counts.add(truths, &thresholds.given(&probabilities));
        }
        let precisions: Vec<f64> = (0..labels)
            .map(|label| average_precision(self.of_label(label)))
            .collect();
        let averages = counts.averages();
        Evaluation {
            metrics: [
                ("subset_accuracy", counts.subset_accuracy()),
                ("macro_f1", averages.macro_f1),
                ("micro_f1", averages.micro_f1),
                ("weighted_f1", averages.weighted_f1),
                (
                    "mean_average_precision",
                    precisions.iter().sum::<f64>() / labels as f64,
                ),
                ("loss", self.loss()),
            ]
            .into_iter()
            .collect(),
            tables: vec![self.per_class(&counts.scores(), &precisions, &thresholds)],
        }
    }

    fn predictions(&self) -> impl Iterator<Item = MultiLabelPrediction> + '_ {
        let names = self.task.labels().names();
        let thresholds = self.thresholds();
        let named = move |given: &[bool]| {
            let pairs = names.iter().zip(given);
            let given = pairs.filter(|(_, given)| **given);
            given.map(|(name, _)| name.clone()).collect::<Vec<String>>()
        };
        self.rows()
            .map(move |(probabilities, truths)| MultiLabelPrediction {
                labels: named(truths),
                predicted: named(&thresholds.given(&probabilities)),
                scores: names.iter().cloned().zip(probabilities).collect(),
            })
    }
}
