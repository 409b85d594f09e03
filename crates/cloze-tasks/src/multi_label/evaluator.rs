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

/// Collects logits, as average precision ranks all of them: 4 bytes for every row and label, and a
/// bit that says whether the row has the label.
#[derive(Clone, Debug)]
pub struct MultiLabelEvaluator {
    task: MultiLabel,
    /// `[rows, labels]`.
    logits: Vec<f32>,
    /// `[rows, labels]`: whether the row has the label.
    truths: Bits,
    /// How many of the rows' predictions were taken; `None` where none are wanted.
    taken: Option<usize>,
}

/// Truth values, a bit each.
#[derive(Clone, Debug, Default)]
struct Bits {
    bytes: Vec<u8>,
    len: usize,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(8) {
            self.bytes.push(0);
        }
        self.bytes[self.len / 8] |= u8::from(bit) << (self.len % 8);
        self.len += 1;
    }

    fn get(&self, index: usize) -> bool {
        self.bytes[index / 8] >> (index % 8) & 1 == 1
    }
}

impl MultiLabelEvaluator {
    pub(super) fn new(task: MultiLabel) -> Self {
        Self {
            task,
            logits: Vec::new(),
            truths: Bits::default(),
            taken: None,
        }
    }

    /// Adds rows: their logits, `[rows, labels]`, and label ids.
    ///
    /// # Panics
    /// If the numbers do not fit together.
    pub fn add(&mut self, logits: &[f32], targets: &[Vec<usize>]) {
        assert_eq!(logits.len(), targets.len() * self.task.labels().len());
        self.logits.extend_from_slice(logits);
        for value in self.task.indicators(targets) {
            self.truths.push(value == 1.0);
        }
    }

    fn row_count(&self) -> usize {
        self.logits.len() / self.task.labels().len()
    }

    /// Probabilities and truths of each row from one on.
    fn rows(&self, first: usize) -> impl Iterator<Item = (Vec<f64>, Vec<bool>)> + '_ {
        let labels = self.task.labels().len();
        let probabilities = |row: &[f32]| row.iter().copied().map(sigmoid).collect();
        let truths = move |row: usize| {
            let own = row * labels..(row + 1) * labels;
            own.map(|index| self.truths.get(index)).collect()
        };
        let logits = self.logits.chunks(labels).enumerate().skip(first);
        logits.map(move |(row, logits)| (probabilities(logits), truths(row)))
    }

    /// Probabilities and truths of a label.
    fn of_label(&self, label: usize) -> impl Iterator<Item = (f64, bool)> {
        let step = self.task.labels().len();
        let logits = self.logits.iter().enumerate().skip(label).step_by(step);
        logits.map(|(index, &logit)| (sigmoid(logit), self.truths.get(index)))
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
        let losses = self.logits.iter().enumerate();
        let sum: f64 = losses
            .map(|(index, &logit)| match self.truths.get(index) {
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
        for (probabilities, truths) in self.rows(0) {
            counts.add(&truths, &thresholds.given(&probabilities));
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

    fn keep_predictions(&mut self) {
        let rows = self.row_count();
        self.taken.get_or_insert(rows);
    }

    /// None where the thresholds are not yet decided.
    fn take_predictions(&mut self) -> Vec<MultiLabelPrediction> {
        match self.task.thresholds() {
            Some(_) => self.last_predictions(),
            None => Vec::new(),
        }
    }

    fn last_predictions(&mut self) -> Vec<MultiLabelPrediction> {
        let rows = self.row_count();
        let Some(taken) = &mut self.taken else {
            return Vec::new();
        };
        let first = std::mem::replace(taken, rows);
        if first == rows {
            return Vec::new();
        }
        let names = self.task.labels().names();
        let thresholds = self.thresholds();
        let named = |given: &[bool]| {
            let pairs = names.iter().zip(given);
            let given = pairs.filter(|(_, given)| **given);
            given.map(|(name, _)| name.clone()).collect::<Vec<String>>()
        };
        self.rows(first)
            .map(|(probabilities, truths)| MultiLabelPrediction {
                labels: named(&truths),
                predicted: named(&thresholds.given(&probabilities)),
                scores: names.iter().cloned().zip(probabilities).collect(),
            })
            .collect()
    }
}
