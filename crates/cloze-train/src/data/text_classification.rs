//! One label a text.

use cloze_core::LabelSet;
use cloze_data::readers::LabelledText;
use cloze_tasks::{ClassWeights, TextClassification};

use super::labelled_texts::{LabelledTask, TaskParts};
use super::sources::Source;
use crate::config::{ClassWeightsConfig, RunConfig};
use crate::error::TrainError;
use crate::head::head_config;
use crate::shown::ShownTarget;

impl LabelledTask for TextClassification {
    type Label = String;

    /// Ids among a file's own labels.
    fn classes(rows: &[LabelledText]) -> Result<Option<Vec<usize>>, TrainError> {
        let labels = LabelSet::from_observed(rows.iter().filter_map(|row| row.label.as_deref()))?;
        let id = |row: &LabelledText| row.label.as_deref().and_then(|label| labels.id(label));
        Ok(Some(rows.iter().filter_map(id).collect()))
    }

    fn of_rows(parts: &TaskParts<'_, String>) -> Result<Self, TrainError> {
        let rows = parts.rows.iter();
        let labels = parts.labels(rows.filter_map(|row| row.label.as_deref()))?;
        Ok(Self::new(labels, parts.max_length)
            .with_windows(parts.stride)
            .with_head(head_config(parts.config.head.as_ref(), parts.checkpoint)?)
            .with_label_smoothing(parts.config.loss.label_smoothing))
    }

    fn targets_of<'a>(
        &self,
        rows: impl Iterator<Item = &'a LabelledText>,
        source: &Source<String>,
    ) -> Result<Vec<usize>, TrainError> {
        Ok(self.targets(rows, &source.file, &source.column)?)
    }

    fn weighted(self, config: &RunConfig, targets: &[usize]) -> Result<Self, TrainError> {
        let weights = match &config.loss.class_weights {
            None => return Ok(self),
            Some(ClassWeightsConfig::Named(_)) => ClassWeights::Balanced,
            Some(ClassWeightsConfig::Table(table)) => ClassWeights::Table(table.clone()),
        };
        Ok(self.with_class_weights(&weights, targets)?)
    }

    fn class_names(&self) -> &[String] {
        self.labels().names()
    }

    fn classes_of(target: &usize) -> Vec<usize> {
        vec![*target]
    }

    fn shown(&self, target: &usize) -> ShownTarget {
        ShownTarget::Label {
            label: self.labels().names()[*target].clone(),
        }
    }
}
