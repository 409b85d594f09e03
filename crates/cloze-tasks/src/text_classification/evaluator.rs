use serde::Serialize;

use super::TextClassification;
use super::scores::{log_softmax, softmax};
use crate::Evaluator;
use crate::metrics::{ConfusionMatrix, Evaluation, Metrics, accuracy, argmax, f1};

/// What the model says about one labelled row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassPrediction {
    /// The row's own label.
    pub label: String,
    /// The likeliest label.
    pub predicted: String,
    /// The probability of every label, in the order of their ids.
    pub scores: Metrics,
}

/// Collects logits and targets.
#[derive(Clone, Debug)]
pub struct ClassificationEvaluator {
    task: TextClassification,
    /// `[rows, classes]`.
    logits: Vec<f32>,
    targets: Vec<usize>,
}

impl ClassificationEvaluator {
    pub(super) fn new(task: TextClassification) -> Self {
        Self {
            task,
            logits: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// Adds rows: their logits, `[rows, classes]`, and class ids.
    ///
    /// # Panics
    /// If the numbers do not fit together.
    pub fn add(&mut self, logits: &[f32], targets: &[usize]) {
        assert_eq!(logits.len(), targets.len() * self.task.labels().len());
        self.logits.extend_from_slice(logits);
        self.targets.extend_from_slice(targets);
    }

    fn rows(&self) -> impl Iterator<Item = (&[f32], usize)> {
        self.logits
            .chunks(self.task.labels().len())
            .zip(self.targets.iter().copied())
    }

    /// The loss that training minimises, over all rows.
    fn loss(&self) -> f64 {
        let classes = self.task.labels().len();
        let smoothing = self.task.loss.label_smoothing;
        let weight = |class| self.task.class_weight(class);
        let (mut sum, mut total) = (0.0, 0.0);
        for (logits, target) in self.rows() {
            let log = log_softmax(logits);
            let spread: f64 = (0..classes).map(|class| weight(class) * log[class]).sum();
            sum -= (1.0 - smoothing) * weight(target) * log[target]
                + smoothing / classes as f64 * spread;
            total += weight(target);
        }
        if total > 0.0 { sum / total } else { 0.0 }
    }
}

impl Evaluator for ClassificationEvaluator {
    type Prediction = ClassPrediction;

    fn evaluation(&self) -> Evaluation {
        let names = self.task.labels().names();
        let mut matrix = ConfusionMatrix::new(names.len());
        for (logits, target) in self.rows() {
            matrix.add(target, argmax(logits));
        }
        let averages = f1::averages(&matrix);
        Evaluation {
            metrics: [
                ("accuracy", accuracy::accuracy(&matrix)),
                ("macro_f1", averages.macro_f1),
                ("micro_f1", averages.micro_f1),
                ("weighted_f1", averages.weighted_f1),
                ("loss", self.loss()),
            ]
            .into_iter()
            .collect(),
            tables: vec![f1::per_class_table(&matrix, names), matrix.table(names)],
        }
    }

    fn predictions(&self) -> impl Iterator<Item = ClassPrediction> + '_ {
        let names = self.task.labels().names();
        self.rows().map(move |(logits, target)| ClassPrediction {
            label: names[target].clone(),
            predicted: names[argmax(logits)].clone(),
            scores: names.iter().cloned().zip(softmax(logits)).collect(),
        })
    }
}
