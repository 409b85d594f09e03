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
use cloze_data::tokenizer::TextInput;
use cloze_model::checkpoint::{
    Checkpoint, CheckpointError, ClassifierMetadata, ClassifierOptions, LoadReport, ProblemType,
    load_classifier, save_classifier,
};
use cloze_model::losses::{CrossEntropy, cross_entropy};
use cloze_model::named::is_encoder_name;
use cloze_model::{
    ClassificationHeadConfig, Features, ForwardError, ForwardOptions, SequenceClassifier,
};

use crate::metrics::Direction;
use crate::{FrozenFeatures, Input, Objective, Task, TaskError};
pub use evaluator::{ClassPrediction, ClassificationEvaluator};
pub use scores::{LabelScore, softmax};

/// The task's name in configurations and saved models.
pub const NAME: &str = "text-classification";

/// How many labels an error message lists.
const LISTED_LABELS: usize = 20;

/// How much each class counts in the loss.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeights {
    /// Rows / (classes · rows of the class), as scikit-learn's `balanced`.
    Balanced,
    /// By label; 1 for a label that is not named.
    Table(BTreeMap<String, f64>),
}

/// Text classification with a given set of labels.
#[derive(Clone, Debug)]
pub struct TextClassification {
    labels: LabelSet,
    max_length: usize,
    head: Option<ClassificationHeadConfig>,
    loss: CrossEntropy,
}

impl TextClassification {
    /// The task with its labels and the most tokens of a text; plain cross-entropy, the
    /// checkpoint's own head.
    pub fn new(labels: LabelSet, max_length: usize) -> Self {
        Self {
            labels,
            max_length,
            head: None,
            loss: CrossEntropy::default(),
        }
    }

    /// Puts another head on the encoder than the architecture's own.
    #[must_use]
    pub fn with_head(mut self, head: Option<ClassificationHeadConfig>) -> Self {
        self.head = head;
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
        self.loss.class_weights = Some(match weights {
            ClassWeights::Balanced => balanced(self.labels.len(), targets),
            ClassWeights::Table(table) => self.table_weights(table)?,
        });
        Ok(self)
    }

    fn table_weights(&self, table: &BTreeMap<String, f64>) -> Result<Vec<f32>, TaskError> {
        let mut weights = vec![1.0; self.labels.len()];
        for (label, weight) in table {
            let id = self
                .labels
                .id(label)
                .ok_or_else(|| TaskError::ClassWeight {
                    label: label.clone(),
                    known: list_labels(&self.labels),
                })?;
            weights[id] = *weight as f32;
        }
        Ok(weights)
    }

    /// Spreads this share of every target evenly over all labels.
    #[must_use]
    pub fn with_label_smoothing(mut self, share: f64) -> Self {
        self.loss.label_smoothing = share;
        self
    }

    /// The labels, by id.
    pub fn labels(&self) -> &LabelSet {
        &self.labels
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
            let wanted = format!(
                "one of the training rows' labels: {}",
                list_labels(&self.labels)
            );
            InputError::new(file, found, wanted)
                .at_line(row.line)
                .in_field(column)
        };
        rows.into_iter()
            .map(|row| match &row.label {
                None => Err(error(row, "no label".into())),
                Some(label) => {
                    let id = self.labels.id(label);
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

    /// Whether the checkpoint's head was trained for other labels than these.
    fn needs_new_head(&self, checkpoint: &Checkpoint) -> Result<bool, CheckpointError> {
        Ok(match checkpoint.labels()? {
            Some(labels) => labels != self.labels,
            None => checkpoint.num_labels()? != self.labels.len(),
        })
    }

    /// Labels and scores of one row of logits, the likeliest first.
    pub fn rank(&self, logits: &[f32]) -> Vec<LabelScore> {
        let mut scores: Vec<LabelScore> = softmax(logits)
            .into_iter()
            .zip(self.labels.names())
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
        self.max_length
    }

    fn load(
        &self,
        checkpoint: &Checkpoint,
        seed: u64,
        device: &Device,
    ) -> Result<(SequenceClassifier, LoadReport), TaskError> {
        let options = ClassifierOptions {
            num_labels: Some(self.labels.len()),
            head: self.head.clone(),
            new_head: self.needs_new_head(checkpoint)?,
            seed,
        };
        Ok(load_classifier(checkpoint, &options, device)?)
    }

    fn save(
        &self,
        folder: &Path,
        model: &SequenceClassifier,
        source: &Checkpoint,
    ) -> Result<(), TaskError> {
        let metadata = ClassifierMetadata {
            config: source.config(),
            labels: &self.labels,
            problem_type: ProblemType::SingleLabelClassification,
            task: NAME,
            max_length: Some(self.max_length),
        };
        Ok(save_classifier(folder, model, &metadata)?)
    }

    fn pack_weights(&self, model: &mut Self::Model) {
        model.encoder.pack_weights();
    }

    fn frozen_features(&self, model: &SequenceClassifier) -> Option<Features> {
        model.frozen_features()
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
        let logits = logits(model, input, &ForwardOptions::default())?;
        let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
        evaluator.add(&logits, targets);
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

impl FrozenFeatures for Features {
    fn name(self) -> &'static str {
        match self {
            Self::Pooled => "pooled",
            Self::Cls => "cls",
            Self::Mean => "mean",
        }
    }

    fn rows(self, _: usize) -> usize {
        1
    }

    fn depend_on(self, parameter: &str) -> bool {
        is_encoder_name(parameter) && (self == Self::Pooled || !parameter.starts_with("pooler."))
    }
}

/// `[batch, labels]`.
fn logits(
    model: &SequenceClassifier,
    input: &Input<'_, Features>,
    options: &ForwardOptions,
) -> Result<Tensor<2>, ForwardError> {
    match input {
        Input::Tokens(batch) => Ok(model.forward(batch, options)?.logits),
        Input::Features(features, rows) => {
            model.classify_frozen(*features, (*rows).clone(), options)
        }
    }
}

/// The labels for an error message, the first few by name.
fn list_labels(labels: &LabelSet) -> String {
    let names = labels.names();
    let shown: Vec<String> = names
        .iter()
        .take(LISTED_LABELS)
        .map(|name| format!("{name:?}"))
        .collect();
    let list = shown.join(", ");
    match names.len().saturating_sub(LISTED_LABELS) {
        0 => list,
        more => format!("{list} and {more} more"),
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

/// Row of a table, or an argument of the program, as the tokenizer reads it.
pub fn text_input(row: &LabelledText) -> TextInput<'_> {
    match &row.text_pair {
        Some(pair) => TextInput::Pair(&row.text, pair),
        None => TextInput::Single(&row.text),
    }
}

#[cfg(test)]
mod tests;
