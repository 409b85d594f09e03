use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::table::TableArguments;

/// Label texts: arguments, a file, or standard input
#[derive(Debug, Args)]
#[command(after_help = "\
Examples: a text, a file with all scores, a stream
  cloze predict runs/reviews \"The plot is thin, but the acting is wonderful.\"
  cloze predict runs/reviews --file new.csv --all --json > scores.jsonl
  tail -f comments.txt | cloze predict runs/reviews

With --json each text gives one line with the fields of a `transformers` text-classification
pipeline: {\"label\": …, \"score\": …}, or a list of these with --top-k or --all. Where a row of the
input has an `id`, it comes first in each object. Rows come out in the order they came in, each as
soon as it is known.")]
pub(crate) struct PredictArguments {
    /// Folder, run folder or Hub name of a classifier
    pub(crate) model: String,

    /// The texts [default: one a line from --file or standard input]
    #[arg(value_name = "TEXT", conflicts_with = "file")]
    pub(crate) texts: Vec<String>,

    /// The second text of a pair, the same for every text
    #[arg(long, value_name = "TEXT")]
    pub(crate) pair: Option<String>,

    /// Read texts from a file: csv, tsv, json, jsonl, parquet, or plain text, one a line; `-` is
    /// standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) table: TableArguments,

    /// Give the N most likely labels instead of one
    #[arg(long, value_name = "N")]
    pub(crate) top_k: Option<NonZeroUsize>,

    /// Give the scores of all labels
    #[arg(long, conflicts_with = "top_k")]
    pub(crate) all: bool,

    /// Texts that are computed together
    #[arg(long, value_name = "N", default_value = "32")]
    pub(crate) batch_size: NonZeroUsize,

    /// Print one line of JSON a text
    #[arg(long)]
    pub(crate) json: bool,
}
