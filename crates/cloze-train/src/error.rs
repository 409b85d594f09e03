use std::io;
use std::path::{Path, PathBuf};

use cloze_core::{InputError, LabelError};
use cloze_data::corpus::CorpusError;
use cloze_data::masking::MaskingError;
use cloze_data::readers::ReadError;
use cloze_data::records::RecordError;
use cloze_data::sentences::SentenceError;
use cloze_data::splits::SplitError;
use cloze_data::tokenizer::TokenizerError;
use cloze_model::FreezeError;
use cloze_model::checkpoint::CheckpointError;
use cloze_tasks::TaskError;
use thiserror::Error;

use crate::config::RunConfigError;

/// Why a run cannot start, or cannot go on.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] RunConfigError),
    /// A data file cannot be used.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Something in a file is not as it should be.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Rows or examples cannot be kept, or not be read again.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// The rows cannot be split as asked.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Masks cannot be drawn as asked.
    #[error("field `masking`: {0}")]
    Masking(#[from] MaskingError),
    /// Sentences cannot be cut as asked.
    #[error("field `sentences.split_at`: {0}")]
    Sentences(#[from] SentenceError),
    /// A corpus cannot be built or read.
    #[error(transparent)]
    Corpus(Box<CorpusError>),
    /// There is no usable set of labels.
    #[error(transparent)]
    Labels(#[from] LabelError),
    /// The tokenizer cannot be loaded, or refuses a text.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The model cannot be loaded or saved.
    #[error(transparent)]
    Checkpoint(Box<CheckpointError>),
    /// The model cannot be frozen as asked.
    #[error(transparent)]
    Freeze(#[from] FreezeError),
    /// The task cannot go on.
    #[error(transparent)]
    Task(Box<TaskError>),
    /// The freezing leaves nothing to train.
    #[error("every weight of the model is frozen: there is nothing to train")]
    NothingToTrain,
    /// Texts may be longer than the model reads.
    #[error(
        "field `{field}`: found {found}, wanted at most {limit}, which is what the model reads"
    )]
    MaxLength {
        /// The key.
        field: &'static str,
        /// As asked.
        found: usize,
        /// What the model reads.
        limit: usize,
    },
    /// An average of the weights would have nothing in it.
    #[error(
        "field `train.ema`: found an average that begins behind step {start} (its `start`, or the end of \
         the warm-up), wanted one that begins before the last step, {steps}"
    )]
    LateAverage {
        /// The step.
        start: u64,
        /// Steps of the run.
        steps: u64,
    },
    /// Attention heads would not be of one width.
    #[error(
        "field `{field}`: found {heads}, wanted a number that divides the width, {width}, evenly"
    )]
    AttentionHeads {
        /// The key.
        field: &'static str,
        /// As asked.
        heads: usize,
        /// What they share.
        width: usize,
    },
    /// The device of the run cannot do what the configuration asks for.
    #[error("field `{field}`: found {found} on the device {device}, wanted {wanted}")]
    Device {
        /// The key.
        field: &'static str,
        /// As asked.
        found: String,
        /// The device.
        device: String,
        /// What it can do.
        wanted: String,
    },
    /// The run's folder is in use.
    #[error(
        "{} {}",
        path.display(),
        if *resumable {
            format!("holds a run already: choose another `output`, or go on with it by `cloze train --resume {}`", path.display())
        } else {
            "is not empty: choose another `output`".to_owned()
        }
    )]
    OutputExists {
        /// The folder.
        path: PathBuf,
        /// Whether a run is in it.
        resumable: bool,
    },
    /// What a run should go on from differs from what it began with.
    #[error(
        "the run in {} cannot go on: {} changed since it began; put back what it was, or start a new run",
        path.display(),
        names.join(", ")
    )]
    Changed {
        /// The run's folder.
        path: PathBuf,
        /// Configuration keys, data files, the tokenizer.
        names: Vec<String>,
    },
    /// The saved optimizer state does not belong to the model.
    #[error("{}, tensor `{tensor}`: it belongs to no parameter that is trained, or lacks its counterpart", path.display())]
    OptimizerState {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
    },
    /// The saved optimizer state cannot be read.
    #[error("cannot read {}", path.display())]
    OptimizerFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: safetensors::SafeTensorError,
    },
    /// The loss or the gradient has become infinite or no number.
    #[error(transparent)]
    NotFinite(Box<NotFinite>),
    /// A file of the run cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of the run cannot be read.
    #[error("cannot read {}", path.display())]
    ReadFile {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A loss or a gradient that is infinite or no number: where it was, and what is left.
#[derive(Debug, Error)]
#[error(
    "step {step}: the {what} is {value} at learning rate {learning_rate:e}, in {} of {}; a lower \
     `train.learning_rate` or `optimizer.clip` may help{}",
    batch(lines),
    file.display(),
    kept(checkpoint.as_deref())
)]
pub struct NotFinite {
    /// `loss` or `gradient norm`.
    pub what: &'static str,
    /// Its value.
    pub value: f64,
    /// The step that was not taken, from 1.
    pub step: u64,
    /// Its learning rate.
    pub learning_rate: f64,
    /// The training file.
    pub file: PathBuf,
    /// Lines of the batch's rows; empty where its examples come from no single row.
    pub lines: Vec<usize>,
    /// The last checkpoint, whose weights are good.
    pub checkpoint: Option<PathBuf>,
}

impl From<CheckpointError> for TrainError {
    fn from(error: CheckpointError) -> Self {
        Self::Checkpoint(Box::new(error))
    }
}

impl From<CorpusError> for TrainError {
    fn from(error: CorpusError) -> Self {
        Self::Corpus(Box::new(error))
    }
}

impl From<TaskError> for TrainError {
    fn from(error: TaskError) -> Self {
        Self::Task(Box::new(error))
    }
}

impl TrainError {
    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write {
            path: path.into(),
            source,
        }
    }

    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Self::ReadFile {
            path: path.into(),
            source,
        }
    }
}

fn batch(lines: &[usize]) -> String {
    if lines.is_empty() {
        return "a batch".into();
    }
    let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
    format!("the batch of lines {}", lines.join(", "))
}

fn kept(checkpoint: Option<&Path>) -> String {
    match checkpoint {
        Some(path) => format!("; the last good checkpoint is {}", path.display()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_that_is_no_number_is_placed_as_well_as_can_be() {
        let message = |lines: &[usize]| {
            let error = NotFinite {
                what: "loss",
                value: f64::NAN,
                step: 3,
                learning_rate: 0.5,
                file: "t.csv".into(),
                lines: lines.into(),
                checkpoint: None,
            };
            error.to_string()
        };
        let advice = "a lower `train.learning_rate` or `optimizer.clip` may help";
        assert_eq!(
            message(&[4, 9]),
            format!(
                "step 3: the loss is NaN at learning rate 5e-1, in the batch of lines 4, 9 of t.csv; {advice}"
            )
        );
        assert_eq!(
            message(&[]),
            format!("step 3: the loss is NaN at learning rate 5e-1, in a batch of t.csv; {advice}")
        );
    }
}
