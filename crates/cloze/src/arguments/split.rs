use std::path::PathBuf;

use clap::Args;
use cloze_data::readers::Format;

use super::table::format_parser;

/// Divide a file into training, validation and test rows
#[derive(Debug, Args)]
#[command(after_help = "\
Example: one fifth for the test, in split/train.csv and split/test.csv
  cloze split reviews.csv --test 0.2 --output split

The rows are those that a training run with the same shares and the same seed takes; every label
keeps its share in each split, or, where rows have several labels, every set of labels. CSV, TSV and
plain text stay what they are, other formats become JSON lines.")]
pub(crate) struct SplitArguments {
    /// The rows: csv, tsv, json, jsonl, parquet, or plain text, one a line
    pub(crate) data: PathBuf,

    /// The folder to make
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,

    /// Share of the rows for validation, from 0 to below 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub(crate) validation: f64,

    /// Share of the rows for the test, from 0 to below 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub(crate) test: f64,

    /// Decides which rows go where
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub(crate) seed: u64,

    /// Column or key of the label, or of a list of labels [default: label or labels, if there is one]
    #[arg(long, value_name = "COL")]
    pub(crate) label: Option<String>,

    /// What stands between several labels in a text [default: a text is one label]
    #[arg(long, value_name = "TEXT", conflicts_with = "no_stratify")]
    pub(crate) label_separator: Option<String>,

    /// Do not look at labels
    #[arg(long, conflicts_with = "label")]
    pub(crate) no_stratify: bool,

    /// Format of the input [default: by the name of the file]
    #[arg(long, value_name = "FORMAT", value_parser = format_parser())]
    pub(crate) format: Option<&'static Format>,
}
