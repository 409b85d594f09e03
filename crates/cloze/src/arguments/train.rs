use std::path::PathBuf;

use clap::Args;

use super::device::DeviceArguments;

/// Train a model as a configuration says: fine-tune, adapt to a domain, pretrain
#[derive(Debug, Args)]
#[command(after_help = "\
Examples: train, train with another learning rate, go on after a stop
  cloze train reviews.toml
  cloze train reviews.toml --set train.learning_rate=3e-5 --set output=runs/faster
  cloze train --resume runs/reviews

The first Ctrl-C saves a checkpoint and stops, the second stops at once. A run that was stopped,
even by a power cut, and is resumed ends with exactly the weights of one that was never stopped.")]
pub(crate) struct TrainArguments {
    /// The configuration; docs/configuration.md lists its keys
    #[arg(value_name = "CONFIG.toml", required_unless_present = "resume")]
    pub(crate) config: Option<PathBuf>,

    /// Replace a value of the configuration; the value is TOML, or a text without quotes
    #[arg(long = "set", value_name = "KEY=VALUE", conflicts_with = "resume")]
    pub(crate) set: Vec<String>,

    /// Go on with a run from its last checkpoint
    #[arg(long, value_name = "RUN", conflicts_with = "config")]
    pub(crate) resume: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) device: DeviceArguments,
}
