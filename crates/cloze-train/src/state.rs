//! Where a run stands, besides weights and optimizer.

use std::collections::BTreeMap;

use cloze_model::device::ComputeDevice;
use cloze_tasks::metrics::{Evaluation, Metrics};
use serde::{Deserialize, Serialize};

use crate::config::RunConfig;
use crate::log::{EpochRecord, FeatureRecord};

/// What was hashed of the data and the model when the run began, by name.
pub(crate) type Fingerprints = BTreeMap<String, String>;

/// A run's state between two optimizer steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Optimizer steps taken.
    pub(crate) step: u64,
    /// Epochs finished, validation included.
    pub(crate) epoch: u64,
    /// Batches of the current epoch's plan that are done. All of them: what is left of the epoch
    /// is its validation.
    pub(crate) position: usize,
    /// Batches seen since the run began.
    pub(crate) batches: u64,
    /// Sum of the current epoch's training losses.
    pub(crate) loss_sum: f64,
    /// What that sum is to be divided by.
    pub(crate) loss_weight: f64,
    /// Metrics on the validation rows before the first step, where they were wanted.
    #[serde(default)]
    pub(crate) before: Option<Metrics>,
    /// The best epoch so far.
    pub(crate) best: Option<Best>,
    /// Whether validation still gets better, where that ends the run.
    #[serde(default)]
    pub(crate) early_stopping: Option<Patience>,
    /// The epochs so far.
    pub(crate) history: Vec<EpochRecord>,
    /// Length of `log.jsonl`.
    pub(crate) log_bytes: u64,
    /// Length of TensorBoard's event file; 0 where there is none.
    #[serde(default)]
    pub(crate) tensorboard_bytes: u64,
    /// Tokens read in training, by a frozen encoder those whose features are kept.
    pub(crate) tokens: u64,
    /// Wall time of training steps.
    pub(crate) step_seconds: f64,
    /// Wall time of training steps of the current epoch.
    pub(crate) epoch_seconds: f64,
    /// The part of the training steps' time in which they waited for their batches.
    #[serde(default)]
    pub(crate) data_wait_seconds: f64,
    /// The same of the current epoch.
    #[serde(default)]
    pub(crate) epoch_data_wait_seconds: f64,
    /// How the run first came by the features of a frozen encoder.
    #[serde(default)]
    pub(crate) features: Option<FeatureRecord>,
    /// Wall time of computing or finding features, after every resume again.
    #[serde(default)]
    pub(crate) feature_seconds: f64,
    /// Wall time of the whole run, the waiting between stop and resume left out.
    pub(crate) run_seconds: f64,
}

/// The epoch whose model is in `model/`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    /// Number of the epoch, from 1.
    pub(crate) epoch: u64,
    /// What its model says about the validation rows.
    pub(crate) evaluation: Evaluation,
}

/// How long validation has not got better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Patience {
    /// The best value that counted as an improvement, if there was a value.
    pub(crate) best: Option<f64>,
    /// Evaluations since then.
    pub(crate) evaluations: u64,
    /// Whether they were too many.
    pub(crate) exhausted: bool,
}

/// All of a checkpoint but weights and optimizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunState {
    pub(crate) progress: Progress,
    pub(crate) config: RunConfig,
    pub(crate) fingerprints: Fingerprints,
    /// What computed the last step.
    #[serde(default = "cpu")]
    pub(crate) device: String,
}

/// What computed where a checkpoint does not say it.
fn cpu() -> String {
    ComputeDevice::default().to_string()
}
