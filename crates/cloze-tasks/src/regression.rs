//! Regression: a number for a text, or for a pair of texts (how similar they are, a rating).
//!
//! The head has one output, which is the number; the loss is the mean squared error, as
//! `transformers` has it for the problem type `regression`.

mod evaluator;

use std::path::Path;

use burn::tensor::{Device, Tensor};
use cloze_core::{InputError, LabelSet, PackedBatch};
use cloze_data::readers::LabelledText;
use cloze_model::checkpoint::{Checkpoint, CheckpointError, LoadReport, ProblemType};
use cloze_model::losses::mean_squared_error;
use cloze_model::{ClassificationHeadConfig, Features, ForwardOptions, SequenceClassifier};

use crate::metrics::Direction;
use crate::row_logits::{logit_values, logits};
use crate::sequence_head::SequenceHead;
use crate::{Input, Objective, Task, TaskError};
pub use evaluator::{RegressionEvaluator, RegressionPrediction};

/// The task's name in configurations and saved models.
pub const NAME: &str = "regression";

/// What `transformers` calls an output that nobody named.
const UNNAMED: &str = "LABEL_0";

/// Regression to one number.
#[derive(Clone, Debug)]
pub struct Regression {
    sequence: SequenceHead,
}

impl Regression {
    /// The task with the most tokens of a text, and the name that the output has in `checkpoint`.
    ///
    /// # Errors
    /// If the names in the checkpoint cannot be understood.
    pub fn new(checkpoint: &Checkpoint, max_length: usize) -> Result<Self, TaskError> {
        let named = checkpoint.labels()?.filter(|labels| labels.len() == 1);
        let labels = match named {
            Some(labels) => labels,
            None => LabelSet::from_names(vec![UNNAMED.into()]).map_err(CheckpointError::from)?,
        };
        Ok(Self {
            sequence: SequenceHead {
                task: NAME,
                problem: ProblemType::Regression,
                labels,
                max_length,
                stride: None,
                head: None,
            },
        })
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

    /// The name of the output, as `transformers` gives it beside the number.
    pub fn label(&self) -> &str {
        // There is exactly one.
        &self.sequence.labels.names()[0]
    }

    /// The numbers of rows of `file`.
    ///
    /// # Errors
    /// If a row has none; `column` is where it should stand.
    pub fn targets<'a>(
        rows: impl IntoIterator<Item = &'a LabelledText<f64>>,
        file: &Path,
        column: &str,
    ) -> Result<Vec<f64>, InputError> {
        rows.into_iter()
            .map(|row| {
                row.label.ok_or_else(|| {
                    InputError::new(file, "nothing", "a number")
                        .at_line(row.line)
                        .in_field(column)
                })
            })
            .collect()
    }
}

impl Task for Regression {
    type Model = SequenceClassifier;
    type Target = f64;
    type Evaluator = RegressionEvaluator;
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
        targets: &[f64],
        options: &ForwardOptions,
    ) -> Result<Objective, TaskError> {
        let predictions = logits(model, input, options)?;
        let numbers: Vec<f32> = targets.iter().map(|&target| target as f32).collect();
        Ok(Objective {
            loss: mean_squared_error(predictions, &numbers)?,
            weight: self.weight(targets),
            parts: Vec::new(),
        })
    }

    fn weight(&self, targets: &[f64]) -> f64 {
        targets.len() as f64
    }

    fn evaluator(&self) -> RegressionEvaluator {
        RegressionEvaluator::default()
    }

    fn evaluate(
        &self,
        model: &SequenceClassifier,
        input: &Input<'_, Features>,
        targets: &[f64],
        evaluator: &mut RegressionEvaluator,
    ) -> Result<(), TaskError> {
        evaluator.add(&logit_values(model, input)?, targets);
        Ok(())
    }

    fn direction(&self, metric: &str) -> Option<Direction> {
        match metric {
            "pearson" | "spearman" => Some(Direction::HigherIsBetter),
            "mean_squared_error" | "loss" => Some(Direction::LowerIsBetter),
            _ => None,
        }
    }
}
