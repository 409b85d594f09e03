use std::path::PathBuf;

use clap::Args;

/// Make a model with random weights from a config.json and a tokenizer
#[derive(Debug, Args)]
#[command(after_help = "\
Example: a model that starts from nothing
  cloze vocab train corpus.txt --size 8000 --output vocabulary
  cloze init --config config.json --tokenizer vocabulary fresh-model")]
pub(crate) struct InitArguments {
    /// The folder to make
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,

    /// The architecture and its sizes, as in a Hugging Face checkpoint; without `vocab_size` the
    /// tokenizer's is taken
    #[arg(long, value_name = "C.json")]
    pub(crate) config: PathBuf,

    /// A folder with tokenizer files
    #[arg(long, value_name = "DIR")]
    pub(crate) tokenizer: PathBuf,

    /// The weights are a function of this number
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub(crate) seed: u64,
}
