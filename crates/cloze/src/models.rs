//! From what the user calls a model to its folder.

use std::path::PathBuf;

use cloze_infer::{
    Embedder, EmbedderOptions, InferError, MultiLabelClassifier, TextClassifier, TextRegressor,
    model_folder,
};
use cloze_model::checkpoint::{CheckpointError, HubError, HubOptions};
use cloze_model::device::ComputeDevice;
use cloze_train::cache_folder;

use crate::arguments::SharedArguments;
use crate::arguments::long_texts::LongTextArguments;
use crate::failure::hint;
use crate::progress;

/// How models are found.
#[derive(Debug)]
pub(crate) struct Models {
    hub: HubOptions,
}

impl Models {
    /// As the shared options say.
    pub(crate) fn new(shared: &SharedArguments) -> Self {
        Self {
            hub: HubOptions {
                offline: shared.offline,
                progress: progress::downloads(),
                ..HubOptions::default()
            },
        }
    }

    /// How names on the Hub are found.
    pub(crate) fn hub(&self) -> &HubOptions {
        &self.hub
    }

    /// The folder of a model, fetched if need be.
    pub(crate) fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        model_folder(name, &self.hub).map_err(|error| {
            let is_no_name = |inner: &CheckpointError| {
                matches!(inner, CheckpointError::Hub(HubError::Name { .. }))
            };
            if matches!(&error, InferError::Checkpoint(inner) if is_no_name(inner)) {
                let advice =
                    "MODEL is a folder with config.json, a run folder, or a name on the Hub";
                return hint(error, advice);
            }
            error.into()
        })
    }

    /// A text classifier, loaded onto a device.
    pub(crate) fn text_classifier(
        &self,
        name: &str,
        long: LongTextArguments,
        device: &ComputeDevice,
    ) -> anyhow::Result<TextClassifier> {
        let folder = self.folder(name)?;
        let classifier = TextClassifier::open_head(&folder, device.device()).map_err(advise)?;
        let stride = long.stride(classifier.stride(), classifier.max_length())?;
        Ok(classifier.with_windows(stride))
    }

    /// A classifier with several labels a text, loaded onto a device; its own thresholds, unless
    /// another one is given.
    pub(crate) fn multi_label_classifier(
        &self,
        name: &str,
        threshold: Option<f64>,
        long: LongTextArguments,
        device: &ComputeDevice,
    ) -> anyhow::Result<MultiLabelClassifier> {
        let folder = self.folder(name)?;
        let classifier =
            MultiLabelClassifier::open_head(&folder, device.device()).map_err(advise)?;
        let stride = long.stride(classifier.stride(), classifier.max_length())?;
        let classifier = classifier.with_windows(stride);
        Ok(match threshold {
            Some(threshold) => classifier.with_threshold(threshold),
            None => classifier,
        })
    }

    /// A model that gives vectors, loaded onto a device.
    pub(crate) fn embedder(
        &self,
        name: &str,
        options: &EmbedderOptions,
        device: &ComputeDevice,
    ) -> anyhow::Result<Embedder> {
        Ok(Embedder::open(
            &self.folder(name)?,
            options,
            device.device(),
        )?)
    }

    /// A model that gives numbers, loaded onto a device.
    pub(crate) fn text_regressor(
        &self,
        name: &str,
        long: LongTextArguments,
        device: &ComputeDevice,
    ) -> anyhow::Result<TextRegressor> {
        let folder = self.folder(name)?;
        let regressor = TextRegressor::open(&folder, device.device()).map_err(advise)?;
        let stride = long.stride(regressor.stride(), regressor.max_length())?;
        Ok(regressor.with_windows(stride))
    }
}

/// Says what to do about a model without head.
fn advise(error: InferError) -> anyhow::Error {
    match &error {
        InferError::NotAClassifier { .. } => hint(
            error,
            "`cloze train` makes a classifier of it: give it as `model.path` of a configuration",
        ),
        _ => error.into(),
    }
}

/// Where rows of large files are kept while they are used.
pub(crate) fn records_folder() -> PathBuf {
    cache_folder().unwrap_or_else(std::env::temp_dir)
}
