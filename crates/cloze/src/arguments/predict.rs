use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use cloze_data::readers::{BadRows, Format, LabelledText, TextColumns};
use cloze_data::tokenizer::Tokenizer;
use cloze_infer::rows::{STANDARD_INPUT, Source};
use cloze_infer::{
    Aggregation, AnsweringOptions, FillOptions, PredictOptions, TaggingOptions, TopK,
};

use super::answers::AnswerArguments;
use super::device::DeviceArguments;
use super::long_texts::LongTextArguments;
use super::predict_task::PredictTask;
use super::table::{TableArguments, threshold_parser};
use crate::failure::Usage;

/// Label texts or their words, answer questions, or fill masks: arguments, a file, or standard input
#[derive(Debug, Args)]
#[command(after_help = "\
Examples: a text, a file with all scores, a stream
  cloze predict runs/reviews \"The plot is thin, but the acting is wonderful.\"
  cloze predict runs/reviews --file new.csv --all --json > scores.jsonl
  tail -f comments.txt | cloze predict runs/reviews
Several labels, and a number for a pair:
  cloze predict runs/topics \"He left Beijing on Monday.\" --threshold 0.3
  cloze predict runs/similarity \"A man eats.\" --pair \"Someone is eating.\"
Entities of a text, with their places in characters:
  cloze predict runs/names \"Angela Merkel lives in Berlin.\" --aggregation simple
Answers to questions, with their places in characters, for one context or from a file:
  cloze predict runs/questions --question \"Who left?\" --context \"On Monday he left Beijing.\"
  cloze predict runs/questions --file questions.jsonl --top-k 3 --json
Masked words, and whether one sentence follows another:
  cloze predict runs/adapted \"The [MASK] was wonderful.\" --top-k 3
  cloze predict runs/pretrained \"He was hungry.\" --pair \"So he ate.\" --task next-sentence

The task is the model's. A text for a masked language model has one or several masks.
With --json each text gives one line with the fields of a `transformers` text-classification
pipeline: {\"label\": …, \"score\": …}, or a list of these with --top-k or --all, and always for a
model that gives any number of labels. Where a row of the input has an `id`, it comes first in each
object. Words and entities have the fields of a token-classification pipeline, a list for each text:
{\"entity\": …, \"score\": …, \"index\": …, \"word\": …, \"start\": …, \"end\": …}, or with --aggregation
{\"entity_group\": …, \"score\": …, \"word\": …, \"start\": …, \"end\": …}. Answers have those that the
question-answering pipeline had: {\"score\": …, \"start\": …, \"end\": …, \"answer\": …}, the answer
empty where there is none, and a list with --top-k. Fillings have those of a fill-mask pipeline:
{\"score\": …, \"token\": …, \"token_str\": …, \"sequence\": …}, a list for each
mask. Rows come out in the order they came in, each as soon as it is known.")]
pub(crate) struct PredictArguments {
    /// Folder, run folder or Hub name of a trained model
    pub(crate) model: String,

    /// The texts [default: one a line from --file or standard input]
    #[arg(value_name = "TEXT", conflicts_with = "file")]
    pub(crate) texts: Vec<String>,

    /// The second text of a pair, the same for every text
    #[arg(long, value_name = "TEXT", conflicts_with = "text_pair")]
    pub(crate) pair: Option<String>,

    /// Read texts from a file: csv, tsv, json, jsonl, parquet, or plain text, one a line; questions
    /// with their contexts from SQuAD's JSON too; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) table: TableArguments,

    /// Column or key that identifies a row [default: id, idx or guid, if there is one]
    #[arg(long, value_name = "COL")]
    pub(crate) id: Option<String>,

    /// Give the N most likely labels, or answers, instead of one; fillings of a mask [default: 5]
    #[arg(long, value_name = "N")]
    pub(crate) top_k: Option<NonZeroUsize>,

    /// Give the scores of all labels
    #[arg(long, conflicts_with = "top_k")]
    pub(crate) all: bool,

    /// Give every label from this probability on [default: 0.5, or what was saved with the model]
    #[arg(
        long,
        value_name = "P",
        value_parser = threshold_parser,
        conflicts_with_all = ["top_k", "all"]
    )]
    pub(crate) threshold: Option<f64>,

    #[command(flatten)]
    pub(crate) answers: AnswerArguments,

    #[command(flatten)]
    pub(crate) long: LongTextArguments,

    /// Fill masks with one of these tokens only, given with commas between them
    #[arg(long, value_name = "TOKEN", value_delimiter = ',')]
    pub(crate) targets: Vec<String>,

    /// How tokens become entities [default: none]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) aggregation: Option<AggregationArgument>,

    /// Predict this, where the model has a head for it, instead of what it was made for
    #[arg(long, value_enum, value_name = "TASK")]
    pub(crate) task: Option<PredictTask>,

    /// Texts that are computed together
    #[arg(long, value_name = "N", default_value = "32")]
    pub(crate) batch_size: NonZeroUsize,

    #[command(flatten)]
    pub(crate) device: DeviceArguments,

    /// Print one line of JSON a text
    #[arg(long)]
    pub(crate) json: bool,
}

/// How tokens become entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AggregationArgument {
    /// Every token by itself
    None,
    /// Neighbours of a type are one entity
    Simple,
    /// A word has the label of its first token; then as simple
    First,
    /// A word has the label with the highest mean score; then as simple
    Average,
    /// A word has the label of its surest token; then as simple
    Max,
}

impl From<AggregationArgument> for Aggregation {
    fn from(argument: AggregationArgument) -> Self {
        match argument {
            AggregationArgument::None => Self::None,
            AggregationArgument::Simple => Self::Simple,
            AggregationArgument::First => Self::First,
            AggregationArgument::Average => Self::Average,
            AggregationArgument::Max => Self::Max,
        }
    }
}

/// What is predicted and how it is shown.
#[derive(Debug)]
pub(crate) struct PredictSettings {
    pub(crate) input: Input,
    pub(crate) options: PredictOptions,
    /// Each text gives a list of labels, were it of one.
    pub(crate) list: bool,
    pub(crate) json: bool,
    /// For a model that gives any number of labels: from which probability on.
    pub(crate) threshold: Option<f64>,
    /// What was said about long texts.
    pub(crate) long: LongTextArguments,
    /// What was asked for, instead of what the model was made for.
    pub(super) task: Option<PredictTask>,
    /// Labels, answers or fillings of a text, where that was said.
    top_k: Option<NonZeroUsize>,
    /// Tokens that masks may be filled with.
    pub(super) targets: Vec<String>,
    /// What was said about answers.
    pub(crate) answers: AnswerArguments,
    /// Whether the input is a file of questions.
    pub(crate) asks: bool,
    /// What was said about entities.
    pub(super) aggregation: Option<AggregationArgument>,
    /// Whether a second text was given.
    pub(super) has_pair: bool,
    /// Where rows come from, for messages; nothing for texts of the command line.
    pub(crate) file: Option<PathBuf>,
}

impl PredictSettings {
    /// How entities are found.
    pub(crate) fn tagging_options(&self) -> TaggingOptions {
        TaggingOptions {
            aggregation: self.aggregation.map(Into::into).unwrap_or_default(),
            batch_size: self.options.batch_size,
            ..TaggingOptions::default()
        }
    }

    /// Which answers are given.
    pub(crate) fn answering_options(&self) -> AnsweringOptions {
        AnsweringOptions {
            top_k: match self.options.top_k {
                TopK::Best(count) => count,
                TopK::All => NonZeroUsize::MIN,
            },
            batch_size: self.options.batch_size,
        }
    }

    /// How masks are filled.
    pub(crate) fn fill_options(&self, tokenizer: &Tokenizer) -> Result<FillOptions, Usage> {
        let known = |token: &String| {
            tokenizer.token_to_id(token).ok_or_else(|| {
                Usage::new(format!(
                    "--targets: {token:?} is no token of the model's vocabulary (`cloze tokenize` \
                     shows what a word is made of)"
                ))
            })
        };
        let targets = &self.targets;
        let targets: Vec<u32> = targets.iter().map(known).collect::<Result<_, _>>()?;
        let usual = FillOptions::default();
        let all = NonZeroUsize::new(tokenizer.len()).unwrap_or(usual.top_k);
        Ok(FillOptions {
            top_k: match self.options.top_k {
                TopK::All => all,
                TopK::Best(_) => self.top_k.unwrap_or(usual.top_k),
            },
            targets: (!targets.is_empty()).then_some(targets),
            batch_size: self.options.batch_size,
        })
    }
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
    pub(crate) fn settings(mut self) -> Result<(String, PredictSettings), Usage> {
        self.long.check()?;
        // A question is a text, and its context the second one.
        self.texts.extend(self.answers.question.clone());
        self.pair = self.pair.or_else(|| self.answers.context.clone());
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
            threshold: self.threshold,
            long: self.long,
            answers: self.answers,
            asks: false,
            aggregation: self.aggregation,
            has_pair: self.pair.is_some() || self.table.text_pair.is_some(),
            task: self.task,
            top_k: self.top_k,
            targets: self.targets,
            file: self.texts.is_empty().then(|| match &self.file {
                Some(path) if path != Path::new("-") => path.clone(),
                _ => STANDARD_INPUT.into(),
            }),
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

pub(super) fn texts(texts: Vec<String>, pair: Option<&str>) -> Result<Vec<LabelledText>, Usage> {
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
