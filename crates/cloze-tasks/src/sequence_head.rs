//! What the tasks with one prediction for a whole text share: encoder and classification head.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use cloze_core::{InputError, LabelSet};
use cloze_data::readers::LabelledText;
use cloze_data::tokenizer::TextInput;
use cloze_model::checkpoint::{
    Checkpoint, CheckpointError, ClassifierMetadata, ClassifierOptions, LoadReport, ProblemType,
    load_classifier, save_classifier,
};
use cloze_model::named::is_encoder_name;
use cloze_model::{ClassificationHeadConfig, Features, SequenceClassifier};

use crate::{FrozenFeatures, TaskError};

/// How many labels an error message lists.
const LISTED_LABELS: usize = 20;

/// An encoder with a classification head, apart from what its outputs mean.
#[derive(Clone, Debug)]
pub(crate) struct SequenceHead {
    /// The name of the task, in configurations and saved models.
    pub(crate) task: &'static str,
    /// What the scores mean, in the words of `transformers`.
    pub(crate) problem: ProblemType,
    /// What the outputs are called, by id.
    pub(crate) labels: LabelSet,
    /// The most tokens of a text, special tokens included.
    pub(crate) max_length: usize,
    /// Where longer texts are read in windows, how many tokens a window repeats of the one before;
    /// `None` where they are cut.
    pub(crate) stride: Option<usize>,
    /// Another head than the checkpoint's.
    pub(crate) head: Option<ClassificationHeadConfig>,
}

impl SequenceHead {
    /// Whether the checkpoint's head was trained for other labels than these, for another meaning
    /// of its outputs, or for tokens.
    fn needs_new_head(&self, checkpoint: &Checkpoint) -> Result<bool, CheckpointError> {
        let problem = checkpoint.problem_type()?;
        let has_other = problem.is_some_and(|problem| problem != self.problem);
        if has_other || checkpoint.is_token_classifier() {
            return Ok(true);
        }
        Ok(match checkpoint.labels()? {
            Some(labels) => labels != self.labels,
            None => checkpoint.num_labels()? != self.labels.len(),
        })
    }

    pub(crate) fn load(
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

    pub(crate) fn save(
        &self,
        folder: &Path,
        model: &SequenceClassifier,
        source: &Checkpoint,
    ) -> Result<(), TaskError> {
        let metadata = ClassifierMetadata {
            config: source.config(),
            labels: &self.labels,
            problem_type: self.problem,
            task: self.task,
            max_length: Some(self.max_length),
            stride: self.stride,
        };
        Ok(save_classifier(folder, model, &metadata)?)
    }

    /// What can be kept of every text where the encoder is frozen: nothing where a text may be
    /// several windows.
    pub(crate) fn frozen_features(&self, model: &SequenceClassifier) -> Option<Features> {
        match self.stride {
            Some(_) => None,
            None => model.frozen_features(),
        }
    }

    /// As [`by_label`], with these labels.
    pub(crate) fn by_label(
        &self,
        what: &'static str,
        table: &BTreeMap<String, f64>,
        usual: f64,
    ) -> Result<Vec<f64>, TaskError> {
        by_label(&self.labels, what, table, usual)
    }

    /// What is wrong with the label of a row.
    pub(crate) fn wrong_label(&self, place: &LabelPlace<'_>, found: String) -> InputError {
        let wanted = format!(
            "one of the training rows' labels: {}",
            list_labels(&self.labels)
        );
        InputError::new(place.file, found, wanted)
            .at_line(place.line)
            .in_field(place.column)
    }
}

/// Where the label of a row stands.
pub(crate) struct LabelPlace<'a> {
    pub(crate) file: &'a Path,
    pub(crate) line: usize,
    pub(crate) column: &'a str,
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

/// A number for every label, by id: those of `table` by label, `usual` for the others. `what` a
/// number is, for the error.
pub(crate) fn by_label(
    labels: &LabelSet,
    what: &'static str,
    table: &BTreeMap<String, f64>,
    usual: f64,
) -> Result<Vec<f64>, TaskError> {
    let mut values = vec![usual; labels.len()];
    for (label, value) in table {
        let id = labels.id(label).ok_or_else(|| TaskError::UnknownLabel {
            what,
            label: label.clone(),
            known: list_labels(labels),
        })?;
        values[id] = *value;
    }
    Ok(values)
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

/// Row of a table, or an argument of the program, as the tokenizer reads it.
pub fn text_input<L>(row: &LabelledText<L>) -> TextInput<'_> {
    match &row.text_pair {
        Some(pair) => TextInput::Pair(&row.text, pair),
        None => TextInput::Single(&row.text),
    }
}
