use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Train, extend and look up vocabularies
#[derive(Debug, Subcommand)]
pub(crate) enum VocabCommand {
    Train(VocabTrainArguments),
    Add(VocabAddArguments),
    List(VocabListArguments),
    Show(VocabShowArguments),
}

/// Learn a WordPiece vocabulary from text files
#[derive(Debug, Args)]
#[command(after_help = "\
Example: 8,000 sub-words of two files, upper and lower case apart
  cloze vocab train news.txt novels.txt --size 8000 --cased --output vocabulary")]
pub(crate) struct VocabTrainArguments {
    /// Text files in UTF-8
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Size of the vocabulary, special tokens included
    #[arg(long, value_name = "N")]
    pub(crate) size: usize,

    /// The folder to make
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,

    /// Leave out what is rarer than this
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) min_frequency: u64,

    /// Keep upper case and accents
    #[arg(long)]
    pub(crate) cased: bool,

    /// Do not make a word of every Chinese character
    #[arg(long)]
    pub(crate) join_chinese: bool,

    /// Longest sequence that models with this vocabulary read
    #[arg(long, value_name = "N", default_value_t = 512)]
    pub(crate) max_length: usize,
}

/// Add tokens to a vocabulary, and rows to the embeddings that belong to it
#[derive(Debug, Args)]
#[command(after_help = "\
Example: two words become one token each
  cloze vocab add bert-base-chinese 奥密克戎 核酸检测 --output extended")]
pub(crate) struct VocabAddArguments {
    /// Folder, run folder or Hub name of a model or a tokenizer
    pub(crate) model: String,

    /// The tokens
    #[arg(value_name = "TOKEN", required_unless_present = "file")]
    pub(crate) tokens: Vec<String>,

    /// Take tokens from a UTF-8 file, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// The folder to make
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,

    /// The new rows of the embeddings are a function of this number
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub(crate) seed: u64,
}

/// Print the whole vocabulary, ordered by id
#[derive(Debug, Args)]
#[command(after_help = "\
Example: the vocabulary as a table of id and token
  cloze vocab list bert-base-uncased > vocabulary.tsv")]
pub(crate) struct VocabListArguments {
    /// Folder, run folder or Hub name of a model or a tokenizer
    pub(crate) model: String,

    /// Print one line of JSON a token
    #[arg(long)]
    pub(crate) json: bool,
}

/// Look up tokens: their ids, or whether the vocabulary lacks them
#[derive(Debug, Args)]
#[command(after_help = "\
Example: is the word one token?
  cloze vocab show bert-base-uncased china sinology")]
pub(crate) struct VocabShowArguments {
    /// Folder, run folder or Hub name of a model or a tokenizer
    pub(crate) model: String,

    /// The tokens; without any, the size and the special tokens are shown
    #[arg(value_name = "TOKEN")]
    pub(crate) tokens: Vec<String>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
