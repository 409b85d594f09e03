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

/// Counts labels, and adds losses up.
#[derive(Clone, Debug)]
pub struct ClassificationEvaluator {
    task: TextClassification,
    matrix: ConfusionMatrix,
    /// Sum of the losses, and of what they weigh.
    loss: (f64, f64),
    predictions: Option<Vec<ClassPrediction>>,
}

impl ClassificationEvaluator {
    pub(super) fn new(task: TextClassification) -> Self {
        Self {
            matrix: ConfusionMatrix::new(task.labels().len()),
            task,
            loss: (0.0, 0.0),
            predictions: None,
        }
    }

    /// Adds rows: their logits, `[rows, classes]`, and class ids.
    ///
    /// # Panics
    /// If the numbers do not fit together.
    pub fn add(&mut self, logits: &[f32], targets: &[usize]) {
        let classes = self.task.labels().len();
        assert_eq!(logits.len(), targets.len() * classes);
        for (logits, &target) in logits.chunks(classes).zip(targets) {
            self.add_row(logits, target);
        }
    }

    fn add_row(&mut self, logits: &[f32], target: usize) {
        let predicted = argmax(logits);
        self.matrix.add(target, predicted);
        self.add_loss(logits, target);
        let names = self.task.labels().names();
        if let Some(predictions) = &mut self.predictions {
            predictions.push(ClassPrediction {
                label: names[target].clone(),
                predicted: names[predicted].clone(),
                scores: names.iter().cloned().zip(softmax(logits)).collect(),
            });
        }
    }

    /// The loss that training minimises.
    fn add_loss(&mut self, logits: &[f32], target: usize) {
        let classes = logits.len();
        let smoothing = self.task.loss.label_smoothing;
        let weight = |class| self.task.class_weight(class);
        let log = log_softmax(logits);
        let spread: f64 = (0..classes).map(|class| weight(class) * log[class]).sum();
        self.loss.0 -=
            (1.0 - smoothing) * weight(target) * log[target] + smoothing / classes as f64 * spread;
        self.loss.1 += weight(target);
    }

    fn mean_loss(&self) -> f64 {
        let (sum, total) = self.loss;
        if total > 0.0 { sum / total } else { 0.0 }
    }
}

impl Evaluator for ClassificationEvaluator {
    type Prediction = ClassPrediction;

    fn evaluation(&self) -> Evaluation {
        let names = self.task.labels().names();
        let matrix = &self.matrix;
        let averages = f1::averages(matrix);
        Evaluation {
            metrics: [
                ("accuracy", accuracy::accuracy(matrix)),
                ("macro_f1", averages.macro_f1),
                ("micro_f1", averages.micro_f1),
                ("weighted_f1", averages.weighted_f1),
                ("loss", self.mean_loss()),
            ]
            .into_iter()
            .collect(),
            tables: vec![f1::per_class_table(matrix, names), matrix.table(names)],
        }
    }

    fn keep_predictions(&mut self) {
        self.predictions.get_or_insert_default();
    }

    fn take_predictions(&mut self) -> Vec<ClassPrediction> {
        let predictions = self.predictions.as_mut();
        predictions.map(std::mem::take).unwrap_or_default()
    }

    fn last_predictions(&mut self) -> Vec<ClassPrediction> {
        self.take_predictions()
    }
}
