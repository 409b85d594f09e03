use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cloze_train::SplitName;

/// Show examples as the model will see them in training
#[derive(Debug, Args)]
#[command(after_help = "\
Examples: three masked texts; all validation examples for another program
  cloze data adapt.toml --show 3
  cloze data adapt.toml --split validation --json > masked.jsonl

With --json every example is one line: `tokens`, `input_ids`, `token_type_ids`, and its `label`, its
`labels` where there may be several, the `tags` and `labels` of its tokens (-100: none), the
`start_position`, `end_position` and `answer` of a question, the `positions` and `targets` of what was masked, or the `next_id` of the token that comes next.")]
pub(crate) struct DataArguments {
    /// The configuration of a run; docs/configuration.md lists its keys
    #[arg(value_name = "CONFIG.toml")]
    pub(crate) config: PathBuf,

    /// Replace a value of the configuration; the value is TOML, or a text without quotes
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// How many examples [default: 5; with --json all]
    #[arg(long, value_name = "N")]
    pub(crate) show: Option<NonZeroUsize>,

    /// Of which split
    #[arg(long, value_enum, value_name = "SPLIT", default_value_t)]
    pub(crate) split: SplitArgument,

    /// As which epoch of training sees them, counted from 1
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) epoch: NonZeroUsize,

    /// Print one line of JSON an example
    #[arg(long)]
    pub(crate) json: bool,
}

/// One of the parts of the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitArgument {
    /// What is trained on
    #[default]
    Train,
    /// What chooses the best epoch
    Validation,
    /// What is measured at the end
    Test,
}

impl From<SplitArgument> for SplitName {
    fn from(argument: SplitArgument) -> Self {
        match argument {
            SplitArgument::Train => Self::Train,
            SplitArgument::Validation => Self::Validation,
            SplitArgument::Test => Self::Test,
        }
    }
}
