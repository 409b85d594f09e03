use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cloze_infer::ModelTask;
use cloze_tasks::metrics::AnswerMetric;

use super::device::DeviceArguments;
use super::long_texts::{LONG_TEXTS, LongTextArguments};
use super::table::{TableArguments, threshold_parser};
use crate::failure::Usage;

/// Measure a model: on labelled texts, on sentences of tagged words, on questions with answers or, a
/// masked language model or one that continues texts, on any texts
#[derive(Debug, Args)]
#[command(after_help = "\
Example: metrics, the table per class and the confusion matrix
  cloze eval runs/reviews --data test.csv --text review --label label
Several labels a text, divided by semicolons; a column for each label:
  cloze eval runs/topics --data test.csv --label topics --label-separator \";\"
  cloze eval runs/topics --data test.csv --label-columns person,place,time
Precision, recall and F1 of entities, in all and by type:
  cloze eval runs/names --data test.conll
Exact match and F1 of answers, as SQuAD's script or that of CMRC 2018 computes them:
  cloze eval runs/questions --data dev-v2.0.json
  cloze eval runs/questions --data cmrc2018_dev.json --metric cmrc
Perplexity of a masked language model, each text by itself:
  cloze eval runs/adapted --data new-reviews.txt
Perplexity of the next token, over all texts laid end to end:
  cloze eval runs/novel --data another-novel.txt")]
pub(crate) struct EvalArguments {
    /// Folder, run folder or Hub name of a trained model
    pub(crate) model: String,

    /// The texts: csv, tsv, json, jsonl or parquet; for a token classifier CoNLL columns, jsonl,
    /// parquet or `word/tag` text; questions in SQuAD's JSON, jsonl or parquet; plain text for a
    /// masked language model and for one that continues texts
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

    /// Count a question as answered by nothing where that scores better than the best answer by more
    /// than this [default: what was saved with the model]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(crate) null_threshold: Option<f64>,

    /// How answers are compared with the right ones [default: what was saved with the model, squad]
    #[arg(long, value_enum, value_name = "METRIC")]
    pub(crate) metric: Option<AnswerMetricArgument>,

    #[command(flatten)]
    pub(crate) long: LongTextArguments,

    /// Decides which tokens are masked, or how long prefixes are
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

/// How answers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerMetricArgument {
    /// By words, as the script of SQuAD
    Squad,
    /// By Chinese characters and words, as that of CMRC 2018
    Cmrc,
}

impl From<AnswerMetricArgument> for AnswerMetric {
    fn from(argument: AnswerMetricArgument) -> Self {
        match argument {
            AnswerMetricArgument::Squad => Self::Squad,
            AnswerMetricArgument::Cmrc => Self::Cmrc,
        }
    }
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
        if task != ModelTask::QuestionAnswering {
            for (name, is_given) in [
                ("--null-threshold", self.null_threshold.is_some()),
                ("--metric", self.metric.is_some()),
            ] {
                if is_given {
                    return Err(Usage::new(format!(
                        "{name} is for models that answer questions, and this one does not"
                    )));
                }
            }
        }
        self.long.check()?;
        if self.long.are_given() && !task.is_of_whole_texts() {
            return Err(Usage::new(LONG_TEXTS));
        }
        if self.label_separator.as_deref() == Some("") {
            let message =
                "--label-separator: found an empty text, wanted what stands between labels";
            return Err(Usage::new(message));
        }
        Ok(())
    }
}
