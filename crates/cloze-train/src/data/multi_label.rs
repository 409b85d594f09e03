//! Any number of labels a text.

use cloze_data::readers::LabelledText;
use cloze_data::records::Records;
use cloze_data::splits::LabelSetClasses;
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
    fn classes(
        rows: &Records<LabelledText<Vec<String>>>,
    ) -> Result<Option<Vec<usize>>, TrainError> {
        let mut classes = LabelSetClasses::default();
        for row in rows.iter() {
            classes.see(row?.label.as_deref().unwrap_or(&[]));
        }
        Ok(Some(classes.finish()))
    }

    fn names_in(label: &Vec<String>) -> &[String] {
        label
    }

    fn of_rows(parts: &TaskParts<'_>) -> Result<Self, TrainError> {
        let labels = parts.labels()?;
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

    fn targets_of(
        &self,
        rows: &[LabelledText<Vec<String>>],
        source: &Source<Vec<String>>,
    ) -> Result<Vec<Vec<usize>>, TrainError> {
        Ok(self.targets(rows, &source.file, &source.column)?)
    }

    fn is_weighted(config: &RunConfig) -> bool {
        config.loss.positive_weights.is_some()
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
