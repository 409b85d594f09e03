use std::path::PathBuf;

use clap::Args;
use cloze_infer::Similarity;

use super::embedding::{EmbeddingArguments, PromptArguments, TextArguments, similarity_parser};

/// Show how alike texts are
#[derive(Debug, Args)]
#[command(after_help = "\
Examples: every text with every other, the texts of a file with those of another
  cloze similarity models/cloze-tiny-zh 酒店很干净。 房间很整洁。 书的内容空洞。
  cloze similarity runs/reviews --file new.txt --against known.txt --json

With --json each text gives one line, {\"text\": …, \"scores\": [ … ]}, with a score for every text that it
is compared with and the row's `id` first where there is one.")]
pub(crate) struct SimilarityArguments {
    /// Folder, run folder or Hub name of a model
    pub(crate) model: String,

    #[command(flatten)]
    pub(crate) texts: TextArguments,

    /// Compare with the texts of this file instead of with each other
    #[arg(long, value_name = "FILE")]
    pub(crate) against: Option<PathBuf>,

    /// How vectors are compared [default: what the folder says, otherwise cosine]
    #[arg(long, value_name = "HOW", value_parser = similarity_parser())]
    pub(crate) score: Option<Similarity>,

    #[command(flatten)]
    pub(crate) embedding: EmbeddingArguments,

    #[command(flatten)]
    pub(crate) prompt: PromptArguments,

    /// Print one line of JSON a text
    #[arg(long)]
    pub(crate) json: bool,
}
