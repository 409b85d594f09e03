use std::path::PathBuf;

use clap::Args;
use cloze_infer::{SearchKind, Similarity};

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

    /// Compare every vector in searches, however many there are [default: below 100,000 texts]
    #[arg(long, conflicts_with = "approximate")]
    pub(crate) exact: bool,

    /// Make a graph of neighbours, so that searches compare few vectors and find nearly always the
    /// same texts [default: from 100,000 texts on]
    #[arg(long)]
    pub(crate) approximate: bool,

    #[command(flatten)]
    pub(crate) embedding: EmbeddingArguments,

    #[command(flatten)]
    pub(crate) prompt: PromptArguments,
}

impl IndexArguments {
    /// How the index is to be searched in, where that is said.
    pub(crate) fn kind(&self) -> Option<SearchKind> {
        match (self.exact, self.approximate) {
            (true, _) => Some(SearchKind::Exact),
            (false, true) => Some(SearchKind::Approximate),
            (false, false) => None,
        }
    }
}
