use clap::Args;

/// Show what a model is made of: parameters, labels, lengths
#[derive(Debug, Args)]
#[command(after_help = "\
Examples: the parameter report, and what would be trained with six frozen layers
  cloze inspect sentence-transformers/all-MiniLM-L6-v2
  cloze inspect runs/reviews --tensors --freeze layers:6")]
pub(crate) struct InspectArguments {
    /// Folder, run folder or Hub name of a model
    pub(crate) model: String,

    /// List every tensor with its shape
    #[arg(long)]
    pub(crate) tensors: bool,

    /// Show what training would change if this were frozen: none, encoder, all-but-pooler,
    /// embeddings, layers:N, a pattern of tensor names, or several of these
    #[arg(long, value_name = "SPEC", value_delimiter = ',')]
    pub(crate) freeze: Vec<String>,

    /// Print one JSON object instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}
