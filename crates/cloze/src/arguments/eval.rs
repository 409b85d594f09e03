use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::device::DeviceArguments;
use super::table::TableArguments;

/// Measure a model: on labelled texts or, a masked language model, on any texts
#[derive(Debug, Args)]
#[command(after_help = "\
Example: metrics, the table per class and the confusion matrix
  cloze eval runs/reviews --data test.csv --text review --label label
Perplexity of a masked language model, each text by itself:
  cloze eval runs/adapted --data new-reviews.txt")]
pub(crate) struct EvalArguments {
    /// Folder, run folder or Hub name of a trained model
    pub(crate) model: String,

    /// The texts: csv, tsv, json, jsonl or parquet; plain text for a masked language model
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,

    #[command(flatten)]
    pub(crate) table: TableArguments,

    /// Column or key of the label [default: label]
    #[arg(long, value_name = "COL")]
    pub(crate) label: Option<String>,

    /// Decides which tokens are masked
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub(crate) seed: u64,

    /// Texts that are computed together
    #[arg(long, value_name = "N", default_value = "32")]
    pub(crate) batch_size: NonZeroUsize,

    #[command(flatten)]
    pub(crate) device: DeviceArguments,

    /// Print one JSON object instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}
