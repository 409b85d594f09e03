use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use cloze_infer::ModelTask;

use super::device::DeviceArguments;
use super::table::{TableArguments, threshold_parser};
use crate::failure::Usage;

/// Measure a model: on labelled texts, on sentences of tagged words or, a masked language model, on
/// any texts
#[derive(Debug, Args)]
#[command(after_help = "\
Example: metrics, the table per class and the confusion matrix
  cloze eval runs/reviews --data test.csv --text review --label label
Several labels a text, divided by semicolons; a column for each label:
  cloze eval runs/topics --data test.csv --label topics --label-separator \";\"
  cloze eval runs/topics --data test.csv --label-columns person,place,time
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

    /// Column or key of the label, or of the list of labels [default: label, labels, … as found], or
    /// of the tags [default: ner_tags, tags, … as found]; in CoNLL columns a number as well
    #[arg(long, value_name = "COL")]
    pub(crate) label: Option<String>,

    /// Columns that each belong to the label of the same name and hold 1 or 0, given with commas
    /// between them
    #[arg(
        long,
        value_name = "COL",
        value_delimiter = ',',
        conflicts_with = "label"
    )]
    pub(crate) label_columns: Vec<String>,

    /// What stands between several labels in a text [default: a comma]
    #[arg(long, value_name = "TEXT")]
    pub(crate) label_separator: Option<String>,

    /// Count every label as given from this probability on [default: 0.5, or what was saved with
    /// the model]
    #[arg(long, value_name = "P", value_parser = threshold_parser)]
    pub(crate) threshold: Option<f64>,

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

impl EvalArguments {
    /// Refuses what makes no sense for a model's task.
    pub(crate) fn check(&self, task: ModelTask) -> Result<(), Usage> {
        let several = [
            ("--label-columns", !self.label_columns.is_empty()),
            ("--label-separator", self.label_separator.is_some()),
            ("--threshold", self.threshold.is_some()),
        ];
        let given = several.into_iter().find(|(_, is_given)| *is_given);
        match (task, given) {
            (ModelTask::MultiLabel, _) | (_, None) => {}
            (_, Some((name, _))) => {
                return Err(Usage::new(format!(
                    "{name} is for models that give any number of labels, and this one does not"
                )));
            }
        }
        if self.label_separator.as_deref() == Some("") {
            let message =
                "--label-separator: found an empty text, wanted what stands between labels";
            return Err(Usage::new(message));
        }
        Ok(())
    }
}
