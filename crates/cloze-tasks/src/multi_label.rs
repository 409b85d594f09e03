//! Multi-label classification: any number of labels for a text, or for a pair of texts.
//!
//! Every label is decided by itself: the loss is the mean binary cross-entropy of the sigmoids, as
//! PyTorch's `BCEWithLogitsLoss` and as `transformers` has it for the problem type
//! `multi_label_classification`; a text is given every label whose probability reaches its
//! threshold.

mod evaluator;
mod thresholds;

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor};
use cloze_core::{InputError, LabelSet, PackedBatch};
use cloze_data::readers::LabelledText;
use cloze_model::checkpoint::{Checkpoint, LoadReport, ProblemType};
use cloze_model::losses::{BinaryCrossEntropy, binary_cross_entropy};
use cloze_model::{ClassificationHeadConfig, Features, ForwardOptions, SequenceClassifier};

use crate::metrics::Direction;
use crate::row_logits::{logit_values, logits};
use crate::sequence_head::{LabelPlace, SequenceHead};
use crate::{Input, LabelScore, Objective, Task, TaskError};
pub use evaluator::{MultiLabelEvaluator, MultiLabelPrediction};
pub use thresholds::{FILE as THRESHOLDS_FILE, Thresholds, USUAL as USUAL_THRESHOLD};

/// The task's name in configurations and saved models.
pub const NAME: &str = "multi-label";

/// How much a label counts in the loss where it applies.
#[derive(Clone, Debug, PartialEq)]
pub enum PositiveWeights {
    /// Rows without the label / rows with it; 1 where there are none of the one or of the other.
    Balanced,
    /// By label; 1 for a label that is not named.
    Table(BTreeMap<String, f64>),
}

/// From which probability on a label is given.
#[derive(Clone, Debug, PartialEq)]
pub enum Threshold {
    /// The same for all labels.
    Same(f64),
    /// By label; 0.5 for a label that is not named.
    Table(BTreeMap<String, f64>),
    /// For each label the one with the best F1 on the validation rows.
    Tuned,
}

/// Multi-label classification with a given set of labels.
#[derive(Clone, Debug)]
pub struct MultiLabel {
    sequence: SequenceHead,
    loss: BinaryCrossEntropy,
    /// `None` where the rows of an evaluation decide them.
    thresholds: Option<Thresholds>,
}

impl MultiLabel {
    /// The task with its labels and the most tokens of a text; no weights, thresholds of 0.5, the
    /// checkpoint's own head.
    pub fn new(labels: LabelSet, max_length: usize) -> Self {
        Self {
            thresholds: Some(Thresholds::same(USUAL_THRESHOLD, labels.len())),
            sequence: SequenceHead {
                task: NAME,
                problem: ProblemType::MultiLabelClassification,
                labels,
                max_length,
                stride: None,
                head: None,
            },
            loss: BinaryCrossEntropy::default(),
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

    /// Weighs the rows that have a label against those that have it not. `targets` are those of the
    /// training rows.
    ///
    /// # Errors
    /// If a weight is given for a label that does not exist.
    pub fn with_positive_weights(
        mut self,
        weights: &PositiveWeights,
        targets: &[Vec<usize>],
    ) -> Result<Self, TaskError> {
        let weights = match weights {
            PositiveWeights::Balanced => balanced(self.labels().len(), targets),
            PositiveWeights::Table(table) => {
                let weights = self.sequence.by_label("positive weight", table, 1.0)?;
                weights.into_iter().map(|weight| weight as f32).collect()
            }
        };
        self.loss.positive_weights = Some(weights);
        Ok(self)
    }

    /// Decides from which probability on a label is given.
    ///
    /// # Errors
    /// If a threshold is given for a label that does not exist.
    pub fn with_threshold(mut self, threshold: &Threshold) -> Result<Self, TaskError> {
        let labels = self.labels().len();
        self.thresholds = match threshold {
            Threshold::Same(threshold) => Some(Thresholds::same(*threshold, labels)),
            Threshold::Table(table) => {
                let values = self
                    .sequence
                    .by_label("threshold", table, USUAL_THRESHOLD)?;
                Some(Thresholds::new(values))
            }
            Threshold::Tuned => None,
        };
        Ok(self)
    }

    /// With these thresholds, one for each label.
    #[must_use]
    pub fn with_thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = Some(thresholds);
        self
    }

    /// The labels, by id.
    pub fn labels(&self) -> &LabelSet {
        &self.sequence.labels
    }

    /// The thresholds, unless the rows of an evaluation decide them.
    pub fn thresholds(&self) -> Option<&Thresholds> {
        self.thresholds.as_ref()
    }

    /// The label ids of rows of `file`, each list ascending and without repetition.
    ///
    /// # Errors
    /// If a row has no list of labels, or one with a label that is not among the task's; `column` is
    /// where it stands.
    pub fn targets<'a>(
        &self,
        rows: impl IntoIterator<Item = &'a LabelledText<Vec<String>>>,
        file: &Path,
        column: &str,
    ) -> Result<Vec<Vec<usize>>, InputError> {
        let ids = |row: &LabelledText<Vec<String>>| {
            let line = row.line;
            let place = LabelPlace { file, line, column };
            let wrong = |found| self.sequence.wrong_label(&place, found);
            let labels = row.label.as_ref().ok_or_else(|| wrong("no label".into()))?;
            let id = |label: &String| {
                let id = self.labels().id(label);
                id.ok_or_else(|| wrong(format!("the label {label:?}")))
            };
            let mut ids = labels.iter().map(id).collect::<Result<Vec<_>, _>>()?;
            ids.sort_unstable();
            ids.dedup();
            Ok(ids)
        };
        rows.into_iter().map(ids).collect()
    }

    /// All labels with their probabilities for one row of logits, the likeliest first, and whether
    /// each reaches its threshold (0.5 where rows of an evaluation decide it).
    pub fn rank(&self, logits: &[f32]) -> Vec<(LabelScore, bool)> {
        let probabilities: Vec<f64> = logits.iter().copied().map(sigmoid).collect();
        let usual = || Thresholds::same(USUAL_THRESHOLD, logits.len());
        let thresholds = self.thresholds.clone().unwrap_or_else(usual);
        let given = thresholds.given(&probabilities);
        let mut scores: Vec<(LabelScore, bool)> = self
            .labels()
            .names()
            .iter()
            .zip(probabilities)
            .map(|(label, score)| LabelScore {
                label: label.clone(),
                score,
            })
            .zip(given)
            .collect();
        scores.sort_by(|a, b| b.0.score.total_cmp(&a.0.score));
        scores
    }

    /// 1 for every label of a row, 0 for the others: `[rows, labels]`.
    fn indicators(&self, targets: &[Vec<usize>]) -> Vec<f32> {
        let labels = self.labels().len();
        let mut indicators = vec![0.0; targets.len() * labels];
        for (row, targets) in indicators.chunks_mut(labels).zip(targets) {
            targets.iter().for_each(|&label| row[label] = 1.0);
        }
        indicators
    }
}

impl Task for MultiLabel {
    type Model = SequenceClassifier;
    type Target = Vec<usize>;
    type Evaluator = MultiLabelEvaluator;
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

    /// Thresholds that are not all 0.5 are written into a file of their own.
    fn save(
        &self,
        folder: &Path,
        model: &SequenceClassifier,
        source: &Checkpoint,
    ) -> Result<(), TaskError> {
        let usual = Thresholds::same(USUAL_THRESHOLD, self.labels().len());
        if let Some(thresholds) = self.thresholds.as_ref().filter(|own| **own != usual) {
            thresholds.write(folder, self.labels())?;
        }
        self.sequence.save(folder, model, source)
    }

    fn pack_weights(&self, model: &mut SequenceClassifier) {
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
        targets: &[Vec<usize>],
        options: &ForwardOptions,
    ) -> Result<Objective, TaskError> {
        let logits = logits(model, input, options)?;
        Ok(Objective {
            loss: binary_cross_entropy(logits, &self.indicators(targets), &self.loss)?,
            weight: self.weight(targets),
            parts: Vec::new(),
        })
    }

    fn weight(&self, targets: &[Vec<usize>]) -> f64 {
        targets.len() as f64
    }

    fn evaluator(&self) -> MultiLabelEvaluator {
        MultiLabelEvaluator::new(self.clone())
    }

    fn evaluate(
        &self,
        model: &SequenceClassifier,
        input: &Input<'_, Features>,
        targets: &[Vec<usize>],
        evaluator: &mut MultiLabelEvaluator,
    ) -> Result<(), TaskError> {
        evaluator.add(&logit_values(model, input)?, targets);
        Ok(())
    }

    fn decided_by(&self, evaluator: &MultiLabelEvaluator) -> Self {
        self.clone().with_thresholds(evaluator.thresholds())
    }

    fn as_saved(&self, checkpoint: &Checkpoint) -> Result<Self, TaskError> {
        let saved = Thresholds::read(checkpoint.folder(), self.labels())?;
        let usual = || Thresholds::same(USUAL_THRESHOLD, self.labels().len());
        Ok(self.clone().with_thresholds(saved.unwrap_or_else(usual)))
    }

    fn direction(&self, metric: &str) -> Option<Direction> {
        match metric {
            "subset_accuracy"
            | "macro_f1"
            | "micro_f1"
            | "weighted_f1"
            | "mean_average_precision" => Some(Direction::HigherIsBetter),
            "loss" => Some(Direction::LowerIsBetter),
            _ => None,
        }
    }
}

/// The probability that belongs to a logit.
pub fn sigmoid(logit: f32) -> f64 {
    1.0 / (1.0 + (-f64::from(logit)).exp())
}

/// For each label the rows that have it not over those that have it; 1 where none has it, or all do.
fn balanced(labels: usize, targets: &[Vec<usize>]) -> Vec<f32> {
    let mut counts = vec![0_usize; labels];
    targets
        .iter()
        .flatten()
        .for_each(|&label| counts[label] += 1);
    let weight = |count: usize| match count {
        0 => 1.0,
        // A weight of 0 would leave nothing to learn the label from.
        count if count == targets.len() => 1.0,
        count => ((targets.len() - count) as f64 / count as f64) as f32,
    };
    counts.into_iter().map(weight).collect()
}

#[cfg(test)]
mod tests;
