//! Text classification: one label for a text, or for a pair of texts (similarity, entailment).
//!
//! The loss is cross-entropy over the head's logits, with class weights and label smoothing as in
//! PyTorch's `CrossEntropyLoss`; a prediction is the softmax.

mod evaluator;
mod scores;

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor};
use cloze_core::{InputError, LabelSet, PackedBatch};
use cloze_data::readers::LabelledText;
use cloze_model::checkpoint::{Checkpoint, LoadReport, ProblemType};
use cloze_model::losses::{CrossEntropy, cross_entropy};
use cloze_model::{ClassificationHeadConfig, Features, ForwardOptions, SequenceClassifier};

use crate::metrics::Direction;
use crate::row_logits::{logit_values, logits};
use crate::sequence_head::{LabelPlace, SequenceHead, by_label};
use crate::{Input, Objective, Task, TaskError};
pub use evaluator::{ClassPrediction, ClassificationEvaluator};
pub use scores::{LabelScore, softmax};

/// The task's name in configurations and saved models.
pub const NAME: &str = "text-classification";

/// How much each class counts in the loss.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeights {
    /// Rows / (classes · rows of the class), as scikit-learn's `balanced`.
    Balanced,
    /// By label; 1 for a label that is not named.
    Table(BTreeMap<String, f64>),
}

impl ClassWeights {
    /// A weight for each label, by id. `targets` are those that are trained on.
    pub(crate) fn of_labels(
        &self,
        labels: &LabelSet,
        targets: &[usize],
    ) -> Result<Vec<f32>, TaskError> {
        Ok(match self {
            Self::Balanced => balanced(labels.len(), targets),
            Self::Table(table) => {
                let weights = by_label(labels, "class weight", table, 1.0)?;
                weights.into_iter().map(|weight| weight as f32).collect()
            }
        })
    }
}

/// Text classification with a given set of labels.
#[derive(Clone, Debug)]
pub struct TextClassification {
    sequence: SequenceHead,
    loss: CrossEntropy,
}

impl TextClassification {
    /// The task with its labels and the most tokens of a text; plain cross-entropy, the
    /// checkpoint's own head.
    pub fn new(labels: LabelSet, max_length: usize) -> Self {
        Self {
            sequence: SequenceHead {
                task: NAME,
                problem: ProblemType::SingleLabelClassification,
                labels,
                max_length,
                stride: None,
                head: None,
            },
            loss: CrossEntropy::default(),
        }
    }

    /// Reads texts that are longer in windows, of which each repeats so many tokens of the one
    /// before, and averages their logits; `None`, as without this, cuts them. Such examples are
    /// made by [`encode_windows`](crate::encoding::encode_windows).
    #[must_use]
    pub fn with_windows(mut self, stride: Option<usize>) -> Self {
        self.sequence.stride = stride;
        self
    }

    /// Puts another head on the encoder than the architecture's own.
    #[must_use]
    pub fn with_head(mut self, head: Option<ClassificationHeadConfig>) -> Self {
        self.sequence.head = head;
        self
    }

    /// Weighs the classes in the loss. `targets` are those of the training rows.
    ///
    /// # Errors
    /// If a weight is given for a label that does not exist.
    pub fn with_class_weights(
        mut self,
        weights: &ClassWeights,
        targets: &[usize],
    ) -> Result<Self, TaskError> {
        self.loss.class_weights = Some(weights.of_labels(self.labels(), targets)?);
        Ok(self)
    }

    /// Spreads this share of every target evenly over all labels.
    #[must_use]
    pub fn with_label_smoothing(mut self, share: f64) -> Self {
        self.loss.label_smoothing = share;
        self
    }

    /// The labels, by id.
    pub fn labels(&self) -> &LabelSet {
        &self.sequence.labels
    }

    /// The class ids of rows of `file`.
    ///
    /// # Errors
    /// If a row has no label, or one that is not among the task's; `column` is where it stands.
    pub fn targets<'a>(
        &self,
        rows: impl IntoIterator<Item = &'a LabelledText>,
        file: &Path,
        column: &str,
    ) -> Result<Vec<usize>, InputError> {
        let error = |row: &LabelledText, found: String| {
            let line = row.line;
            let place = LabelPlace { file, line, column };
            self.sequence.wrong_label(&place, found)
        };
        rows.into_iter()
            .map(|row| match &row.label {
                None => Err(error(row, "no label".into())),
                Some(label) => {
                    let id = self.labels().id(label);
                    id.ok_or_else(|| error(row, format!("the label {label:?}")))
                }
            })
            .collect()
    }

    fn class_weight(&self, class: usize) -> f64 {
        self.loss
            .class_weights
            .as_ref()
            .map_or(1.0, |weights| f64::from(weights[class]))
    }

    /// Labels and scores of one row of logits, the likeliest first.
    pub fn rank(&self, logits: &[f32]) -> Vec<LabelScore> {
        let mut scores: Vec<LabelScore> = softmax(logits)
            .into_iter()
            .zip(self.labels().names())
            .map(|(score, label)| LabelScore {
                label: label.clone(),
                score,
            })
            .collect();
        scores.sort_by(|a, b| b.score.total_cmp(&a.score));
        scores
    }
}

impl Task for TextClassification {
    type Model = SequenceClassifier;
    type Target = usize;
    type Evaluator = ClassificationEvaluator;
    type Features = Features;

    fn name(&self) -> &'static str {
        NAME
    }

    fn max_length(&self) -> usize {
        self.sequence.max_length
    }

    fn load(
        &self,
        checkpoint: &Checkpoint,
        seed: u64,
        device: &Device,
    ) -> Result<(SequenceClassifier, LoadReport), TaskError> {
        self.sequence.load(checkpoint, seed, device)
    }

    fn save(
        &self,
        folder: &Path,
        model: &SequenceClassifier,
        source: &Checkpoint,
    ) -> Result<(), TaskError> {
        self.sequence.save(folder, model, source)
    }

    fn pack_weights(&self, model: &mut Self::Model) {
        model.encoder.pack_weights();
    }

    fn frozen_features(&self, model: &SequenceClassifier) -> Option<Features> {
        self.sequence.frozen_features(model)
    }

    fn encode(
        &self,
        model: &SequenceClassifier,
        features: Features,
        batch: &PackedBatch,
    ) -> Result<Tensor<2>, TaskError> {
        Ok(model.encode(features, batch)?)
    }

    fn loss(
        &self,
        model: &SequenceClassifier,
        input: &Input<'_, Features>,
        targets: &[usize],
        options: &ForwardOptions,
    ) -> Result<Objective, TaskError> {
        let logits = logits(model, input, options)?;
        Ok(Objective {
            loss: cross_entropy(logits, targets, &self.loss)?,
            weight: self.weight(targets),
            parts: Vec::new(),
        })
    }

    fn weight(&self, targets: &[usize]) -> f64 {
        targets
            .iter()
            .map(|&target| self.class_weight(target))
            .sum()
    }

    fn evaluator(&self) -> ClassificationEvaluator {
        ClassificationEvaluator::new(self.clone())
    }

    fn evaluate(
        &self,
        model: &SequenceClassifier,
        input: &Input<'_, Features>,
        targets: &[usize],
        evaluator: &mut ClassificationEvaluator,
    ) -> Result<(), TaskError> {
        evaluator.add(&logit_values(model, input)?, targets);
        Ok(())
    }

    fn direction(&self, metric: &str) -> Option<Direction> {
        match metric {
            "accuracy" | "macro_f1" | "micro_f1" | "weighted_f1" => Some(Direction::HigherIsBetter),
            "loss" => Some(Direction::LowerIsBetter),
            _ => None,
        }
    }
}

fn balanced(classes: usize, targets: &[usize]) -> Vec<f32> {
    let mut counts = vec![0_usize; classes];
    for &target in targets {
        counts[target] += 1;
    }
    let weight = |count: usize| (targets.len() as f64 / (classes * count.max(1)) as f64) as f32;
    counts.into_iter().map(weight).collect()
}

#[cfg(test)]
mod tests;
