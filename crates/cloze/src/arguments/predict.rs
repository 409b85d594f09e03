use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use cloze_data::readers::{BadRows, Format, LabelledText, TextColumns};
use cloze_infer::rows::Source;
use cloze_infer::{PredictOptions, TopK};

use super::device::DeviceArguments;
use super::table::TableArguments;
use crate::failure::Usage;

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
    #[arg(long, value_name = "TEXT", conflicts_with = "text_pair")]
    pub(crate) pair: Option<String>,

    /// Read texts from a file: csv, tsv, json, jsonl, parquet, or plain text, one a line; `-` is
    /// standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) table: TableArguments,

    /// Column or key that identifies a row [default: id, idx or guid, if there is one]
    #[arg(long, value_name = "COL")]
    pub(crate) id: Option<String>,

    /// Give the N most likely labels instead of one
    #[arg(long, value_name = "N")]
    pub(crate) top_k: Option<NonZeroUsize>,

    /// Give the scores of all labels
    #[arg(long, conflicts_with = "top_k")]
    pub(crate) all: bool,

    /// Texts that are computed together
    #[arg(long, value_name = "N", default_value = "32")]
    pub(crate) batch_size: NonZeroUsize,

    #[command(flatten)]
    pub(crate) device: DeviceArguments,

    /// Print one line of JSON a text
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is predicted and how it is shown.
#[derive(Debug)]
pub(crate) struct PredictSettings {
    pub(crate) input: Input,
    pub(crate) options: PredictOptions,
    /// Each text gives a list of labels, were it of one.
    pub(crate) list: bool,
    pub(crate) json: bool,
}

/// Where texts come from.
#[derive(Debug)]
pub(crate) enum Input {
    /// The command line.
    Texts(Vec<LabelledText>),
    /// A file or standard input.
    Stream(StreamInput),
}

/// Texts of a file or of standard input.
#[derive(Debug)]
pub(crate) struct StreamInput {
    pub(crate) source: Source,
    pub(crate) format: Option<&'static Format>,
    pub(crate) columns: TextColumns,
    pub(crate) pair: Option<String>,
    pub(crate) bad_rows: BadRows,
}

impl PredictArguments {
    /// What the arguments mean together.
    pub(crate) fn settings(self) -> Result<(String, PredictSettings), Usage> {
        let top_k = match (self.all, self.top_k) {
            (true, _) => TopK::All,
            (false, count) => TopK::Best(count.unwrap_or(NonZeroUsize::MIN)),
        };
        let settings = PredictSettings {
            options: PredictOptions {
                top_k,
                batch_size: self.batch_size,
            },
            list: self.all || self.top_k.is_some(),
            json: self.json,
            input: if self.texts.is_empty() {
                Input::Stream(StreamInput {
                    source: match self.file {
                        Some(path) if path != Path::new("-") => Source::File(path),
                        _ => Source::StandardInput,
                    },
                    format: self.table.format,
                    columns: TextColumns {
                        text: self.table.text,
                        text_pair: self.table.text_pair,
                        label: None,
                        id: self.id,
                    },
                    pair: self.pair,
                    bad_rows: self.table.bad_rows.into(),
                })
            } else {
                Input::Texts(texts(self.texts, self.pair.as_deref())?)
            },
        };
        Ok((self.model, settings))
    }
}

fn texts(texts: Vec<String>, pair: Option<&str>) -> Result<Vec<LabelledText>, Usage> {
    let text = |(index, text): (usize, String)| {
        let number = index + 1;
        if text.trim().is_empty() {
            return Err(Usage::new(format!(
                "argument TEXT, number {number}: found an empty text, wanted a text"
            )));
        }
        Ok(LabelledText {
            text,
            text_pair: pair.map(str::to_owned),
            label: None,
            id: None,
            line: number,
        })
    };
    texts.into_iter().enumerate().map(text).collect()
}
