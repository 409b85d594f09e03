use std::path::PathBuf;

use clap::Args;
use cloze_infer::Similarity;

use super::embedding::{ColumnArguments, EmbeddingArguments, PromptArguments, similarity_parser};

/// Make an index of the texts of a file, to search in by meaning
#[derive(Debug, Args)]
#[command(after_help = "\
Example: make an index, then search in it
  cloze index sentence-transformers/all-MiniLM-L6-v2 reviews.csv --output runs/reviews-index
  cloze search runs/reviews-index \"a waste of time\"

The prompt is the folder's for documents, if it has one.")]
pub(crate) struct IndexArguments {
    /// Folder, run folder or Hub name of a model
    pub(crate) model: String,

    /// The texts: csv, tsv, json, jsonl, parquet, or plain text, one a line; `-` is standard input
    pub(crate) file: PathBuf,

    /// The folder of the index, which must not exist
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: PathBuf,

    #[command(flatten)]
    pub(crate) columns: ColumnArguments,

    /// How vectors are compared [default: what the folder says, otherwise cosine]
    #[arg(long, value_name = "HOW", value_parser = similarity_parser())]
    pub(crate) score: Option<Similarity>,

    #[command(flatten)]
    pub(crate) embedding: EmbeddingArguments,

    #[command(flatten)]
    pub(crate) prompt: PromptArguments,
}
