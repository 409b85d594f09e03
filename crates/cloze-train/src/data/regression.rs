//! A number a text.

use cloze_data::readers::LabelledText;
use cloze_data::records::Records;
use cloze_tasks::Regression;

use super::labelled_texts::{LabelledTask, TaskParts};
use super::sources::Source;
use crate::error::TrainError;
use crate::head::head_config;
use crate::shown::ShownTarget;

impl LabelledTask for Regression {
    type Label = f64;

    fn classes(_: &Records<LabelledText<f64>>) -> Result<Option<Vec<usize>>, TrainError> {
        Ok(None)
    }

    fn names_in(_: &f64) -> &[String] {
        &[]
    }

    fn of_rows(parts: &TaskParts<'_>) -> Result<Self, TrainError> {
        let head = head_config(parts.config.head.as_ref(), parts.checkpoint)?;
        Ok(Self::new(parts.checkpoint, parts.max_length)?
            .with_windows(parts.stride)
            .with_head(head))
    }

    fn targets_of(
        &self,
        rows: &[LabelledText<f64>],
        source: &Source<f64>,
    ) -> Result<Vec<f64>, TrainError> {
        Ok(Self::targets(rows, &source.file, &source.column)?)
    }

    fn class_names(&self) -> &[String] {
        &[]
    }

    fn classes_of(_: &f64) -> Vec<usize> {
        Vec::new()
    }

    fn shown(&self, target: &f64) -> ShownTarget {
        ShownTarget::Number { label: *target }
    }
}
