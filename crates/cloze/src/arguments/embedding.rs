//! What the commands that make vectors of texts share.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use cloze_data::readers::{Format, TextColumns};
use cloze_infer::rows::Source;
use cloze_infer::{EmbedOptions, EmbedderOptions, Prompt, Similarity};
use cloze_model::Pooling;

use super::device::DeviceArguments;
use super::predict::{Input, StreamInput, texts};
use super::table::{BadRowsArgument, format_parser};
use crate::failure::Usage;

/// Where texts come from.
#[derive(Debug, Args)]
pub(crate) struct TextArguments {
    /// The texts [default: one a line from --file or standard input]
    #[arg(value_name = "TEXT", conflicts_with = "file")]
    texts: Vec<String>,

    /// Read texts from a file: csv, tsv, json, jsonl, parquet, or plain text, one a line; `-` is
    /// standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    #[command(flatten)]
    columns: ColumnArguments,
}

/// Which column of a table holds the texts, and what to do with a row that cannot be used.
#[derive(Clone, Debug, Args)]
pub(crate) struct ColumnArguments {
    /// Column or key of the text [default: sentence, text, review, … as found]
    #[arg(long, value_name = "COL")]
    text: Option<String>,

    /// Column or key that identifies a row [default: id, idx or guid, if there is one]
    #[arg(long, value_name = "COL")]
    id: Option<String>,

    /// Format of the input [default: by the name of the file; plain text on standard input]
    #[arg(long, value_name = "FORMAT", value_parser = format_parser())]
    format: Option<&'static Format>,

    /// What a row without a usable text does
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    bad_rows: BadRowsArgument,
}

impl TextArguments {
    /// The texts, or where to read them.
    pub(crate) fn input(self) -> Result<Input, Usage> {
        if !self.texts.is_empty() {
            return Ok(Input::Texts(texts(self.texts, None)?));
        }
        let file = self.file.unwrap_or_else(|| "-".into());
        Ok(Input::Stream(self.columns.input(file)))
    }

    /// How columns are found, for another file.
    pub(crate) fn columns(&self) -> &ColumnArguments {
        &self.columns
    }
}

impl ColumnArguments {
    /// A file, or standard input.
    pub(crate) fn input(&self, file: PathBuf) -> StreamInput {
        StreamInput {
            source: match file {
                path if path == Path::new("-") => Source::StandardInput,
                path => Source::File(path),
            },
            format: self.format,
            columns: TextColumns {
                text: self.text.clone(),
                text_pair: None,
                label: None,
                id: self.id.clone(),
            },
            pair: None,
            bad_rows: self.bad_rows.into(),
        }
    }
}

/// How texts become vectors.
#[derive(Clone, Debug, Args)]
pub(crate) struct EmbeddingArguments {
    /// How the vectors of a text's tokens become one; those of several ways, given with commas
    /// between them, stand side by side [default: what the folder says, otherwise mean]
    #[arg(long, value_name = "HOW", value_delimiter = ',', value_parser = pooling_parser())]
    pooling: Vec<Pooling>,

    /// Give every vector length 1 [default: what the folder says, otherwise not]
    #[arg(long)]
    normalize: bool,

    /// Leave vectors as long as they are
    #[arg(long, conflicts_with = "normalize")]
    no_normalize: bool,

    /// Read at most this many tokens of a text [default: what the folder says, otherwise what the
    /// model reads]
    #[arg(long, value_name = "N")]
    max_length: Option<NonZeroUsize>,
}

impl EmbeddingArguments {
    /// What is to be otherwise than the model's folder says.
    pub(crate) fn options(&self) -> EmbedderOptions {
        EmbedderOptions {
            pooling: (!self.pooling.is_empty()).then(|| self.pooling.clone()),
            normalize: match (self.normalize, self.no_normalize) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            },
            max_length: self.max_length.map(NonZeroUsize::get),
        }
    }
}

/// What stands in front of texts, and how they are computed.
#[derive(Clone, Debug, Args)]
pub(crate) struct PromptArguments {
    /// Put this in front of every text; nothing where it is empty
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,

    /// Put the folder's prompt of this name in front of every text
    #[arg(long, value_name = "NAME", conflicts_with = "prompt")]
    prompt_name: Option<String>,

    /// Texts that are computed together
    #[arg(long, value_name = "N", default_value = "32")]
    batch_size: NonZeroUsize,

    #[command(flatten)]
    pub(crate) device: DeviceArguments,
}

impl PromptArguments {
    /// How texts are embedded, with `usual` in front of them where nothing else is said.
    pub(crate) fn options(&self, usual: Prompt) -> EmbedOptions {
        EmbedOptions {
            prompt: match (&self.prompt, &self.prompt_name) {
                (Some(text), _) => Prompt::Text(text.clone()),
                (None, Some(name)) => Prompt::Named(name.clone()),
                (None, None) => usual,
            },
            batch_size: self.batch_size,
        }
    }
}

fn pooling_parser() -> impl TypedValueParser<Value = Pooling> {
    PossibleValuesParser::new(Pooling::ALL.map(Pooling::name)).map(|name| {
        // The parser lets only names of the list through.
        Pooling::from_name(&name).unwrap_or(Pooling::Mean)
    })
}

/// A name of [`Similarity`].
pub(super) fn similarity_parser() -> impl TypedValueParser<Value = Similarity> {
    PossibleValuesParser::new(Similarity::ALL.map(Similarity::name)).map(|name| {
        // The parser lets only names of the list through.
        Similarity::from_name(&name).unwrap_or_default()
    })
}
