//! Any number of labels a text.

use cloze_data::readers::LabelledText;
use cloze_data::splits::classes_of_label_sets;
use cloze_tasks::{MultiLabel, PositiveWeights, Threshold};

use super::labelled_texts::{LabelledTask, TaskParts};
use super::sources::Source;
use crate::config::{ClassWeightsConfig, RunConfig, ThresholdConfig};
use crate::error::TrainError;
use crate::head::head_config;
use crate::shown::ShownTarget;

impl LabelledTask for MultiLabel {
    type Label = Vec<String>;

    /// Rows with the same set of labels are a class.
    fn classes(rows: &[LabelledText<Vec<String>>]) -> Result<Option<Vec<usize>>, TrainError> {
        let labels = rows.iter().map(|row| row.label.as_deref().unwrap_or(&[]));
        Ok(Some(classes_of_label_sets(labels)))
    }

    fn of_rows(parts: &TaskParts<'_, Vec<String>>) -> Result<Self, TrainError> {
        let labels = parts.rows.iter().filter_map(|row| row.label.as_deref());
        let labels = parts.labels(labels.flatten().map(String::as_str))?;
        let threshold = match &parts.config.multi_label.threshold {
            ThresholdConfig::Same(threshold) => Threshold::Same(*threshold),
            ThresholdConfig::Named(_) => Threshold::Tuned,
            ThresholdConfig::Table(table) => Threshold::Table(table.clone()),
        };
        let head = head_config(parts.config.head.as_ref(), parts.checkpoint)?;
        Ok(Self::new(labels, parts.max_length)
            .with_windows(parts.stride)
            .with_head(head)
            .with_threshold(&threshold)?)
    }

    fn targets_of<'a>(
        &self,
        rows: impl Iterator<Item = &'a LabelledText<Vec<String>>>,
        source: &Source<Vec<String>>,
    ) -> Result<Vec<Vec<usize>>, TrainError> {
        Ok(self.targets(rows, &source.file, &source.column)?)
    }

    fn weighted(self, config: &RunConfig, targets: &[Vec<usize>]) -> Result<Self, TrainError> {
        let weights = match &config.loss.positive_weights {
            None => return Ok(self),
            Some(ClassWeightsConfig::Named(_)) => PositiveWeights::Balanced,
            Some(ClassWeightsConfig::Table(table)) => PositiveWeights::Table(table.clone()),
        };
        Ok(self.with_positive_weights(&weights, targets)?)
    }

    fn class_names(&self) -> &[String] {
        self.labels().names()
    }

    fn classes_of(target: &Vec<usize>) -> Vec<usize> {
        target.clone()
    }

    fn shown(&self, target: &Vec<usize>) -> ShownTarget {
        let names = self.labels().names();
        ShownTarget::Labels {
            labels: target.iter().map(|&label| names[label].clone()).collect(),
        }
    }
}
