use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::embedding::{PromptArguments, TextArguments};

/// Search in an index: the texts that mean most nearly the same
#[derive(Debug, Args)]
#[command(after_help = "\
Examples: a query, a file of queries
  cloze search runs/reviews-index \"a waste of time\" --top-k 3
  cloze search runs/reviews-index --file queries.txt --json > found.jsonl

With --json each query gives one line, a list with the fields of semantic_search in
`sentence-transformers` and the text, best first: {\"corpus_id\": …, \"score\": …, \"text\": …};
`corpus_id` counts the texts of the index from 0, and a text that had an `id` has it first. The prompt
is the folder's for queries, if it has one.")]
pub(crate) struct SearchArguments {
    /// The folder of the index
    pub(crate) index: PathBuf,

    #[command(flatten)]
    pub(crate) queries: TextArguments,

    /// Give the N nearest texts
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) top_k: NonZeroUsize,

    /// Compare every vector, also where the index has a graph of neighbours
    #[arg(long)]
    pub(crate) exact: bool,

    /// Where the model is now [default: where it was when the index was made]
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,

    #[command(flatten)]
    pub(crate) prompt: PromptArguments,

    /// Print one line of JSON a query
    #[arg(long)]
    pub(crate) json: bool,
}
