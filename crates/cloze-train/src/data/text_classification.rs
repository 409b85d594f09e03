//! One label a text.

use std::collections::BTreeMap;

use cloze_core::LabelSet;
use cloze_data::readers::LabelledText;
use cloze_data::records::Records;
use cloze_tasks::TextClassification;

use super::labelled_texts::{LabelledTask, TaskParts};
use super::sources::Source;
use crate::config::RunConfig;
use crate::error::TrainError;
use crate::head::head_config;
use crate::shown::ShownTarget;

impl LabelledTask for TextClassification {
    type Label = String;

    /// Ids among a file's own labels.
    fn classes(rows: &Records<LabelledText>) -> Result<Option<Vec<usize>>, TrainError> {
        // Every different label once, numbered as they come.
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        let mut classes = Vec::with_capacity(rows.len());
        for row in rows.iter() {
            let Some(label) = row?.label else { continue };
            let next = numbers.len();
            classes.push(*numbers.entry(label).or_insert(next));
        }
        let labels = LabelSet::from_observed(numbers.keys().map(String::as_str))?;
        let mut ids = vec![0; numbers.len()];
        for (label, number) in &numbers {
            ids[*number] = labels.id(label).unwrap_or_default();
        }
        classes.iter_mut().for_each(|class| *class = ids[*class]);
        Ok(Some(classes))
    }

    fn names_in(label: &String) -> &[String] {
        std::slice::from_ref(label)
    }

    fn of_rows(parts: &TaskParts<'_>) -> Result<Self, TrainError> {
        Ok(Self::new(parts.labels()?, parts.max_length)
            .with_windows(parts.stride)
            .with_head(head_config(parts.config.head.as_ref(), parts.checkpoint)?)
            .with_label_smoothing(parts.config.loss.label_smoothing))
    }

    fn targets_of(
        &self,
        rows: &[LabelledText],
        source: &Source<String>,
    ) -> Result<Vec<usize>, TrainError> {
        Ok(self.targets(rows, &source.file, &source.column)?)
    }

    fn is_weighted(config: &RunConfig) -> bool {
        config.loss.class_weights.is_some()
    }

    fn weighted(self, config: &RunConfig, targets: &[usize]) -> Result<Self, TrainError> {
        Ok(match &config.loss.class_weights {
            None => self,
            Some(weights) => self.with_class_weights(&weights.into(), targets)?,
        })
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
