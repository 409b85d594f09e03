use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::device::DeviceArguments;
use super::table::TableArguments;

/// Measure a model: on labelled texts, on sentences of tagged words or, a masked language model, on
/// any texts
#[derive(Debug, Args)]
#[command(after_help = "\
Example: metrics, the table per class and the confusion matrix
  cloze eval runs/reviews --data test.csv --text review --label label
Precision, recall and F1 of entities, in all and by type:
  cloze eval runs/names --data test.conll
Perplexity of a masked language model, each text by itself:
  cloze eval runs/adapted --data new-reviews.txt")]
pub(crate) struct EvalArguments {
    /// Folder, run folder or Hub name of a trained model
    pub(crate) model: String,

    /// The texts: csv, tsv, json, jsonl or parquet; for a token classifier CoNLL columns, jsonl,
    /// parquet or `word/tag` text; plain text for a masked language model
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,

    #[command(flatten)]
    pub(crate) table: TableArguments,

    /// Column or key of the label [default: label], or of the tags [default: ner_tags, tags, …]; in
    /// CoNLL columns a number as well
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
