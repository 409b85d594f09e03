use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Show a text, a pair or a file as the model sees it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples: a table of tokens, a pair cut to 128 tokens and padded, a file, ids back to text
  cloze tokenize bert-base-uncased \"I love China\"
  cloze tokenize bert-base-chinese 床前明月光 疑是地上霜 --max-length 128 --padding max-length --json
  cloze tokenize bert-base-uncased --file corpus.txt --show ids > ids.txt
  cloze tokenize bert-base-uncased --decode 101 1045 2293 2859 102

With --json each text gives one line with the fields of a `transformers` tokenizer: input_ids,
token_type_ids, attention_mask, special_tokens_mask, offset_mapping (in characters), and tokens,
word_ids, length besides. A text and --file together make pairs: the text first, each line second.")]
pub(crate) struct TokenizeArguments {
    /// Folder, run folder or Hub name of a model or a tokenizer
    pub(crate) model: String,

    /// The text
    #[arg(value_name = "TEXT")]
    pub(crate) text: Option<String>,

    /// The second text of a pair
    #[arg(value_name = "PAIR", conflicts_with = "file")]
    pub(crate) pair: Option<String>,

    /// Read texts from a file, one a line (a tab separates the texts of a pair); `-` is standard
    /// input
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// The text is already split into words by spaces: keep them apart and number them
    #[arg(long)]
    pub(crate) words: bool,

    /// Leave out [CLS] and [SEP]
    #[arg(long)]
    pub(crate) no_special_tokens: bool,

    /// Cut to this many tokens, special ones included
    #[arg(long, value_name = "N")]
    pub(crate) max_length: Option<usize>,

    /// What is cut when the text, or the pair, is longer
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub(crate) truncation: TruncationArgument,

    /// Also give what was cut, in windows that overlap by this many tokens
    #[arg(long, value_name = "N")]
    pub(crate) stride: Option<usize>,

    /// Fill up with [PAD]
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub(crate) padding: PaddingArgument,

    /// Fill up to a multiple of this
    #[arg(long, value_name = "N")]
    pub(crate) pad_to_multiple_of: Option<usize>,

    /// Turn ids back into text
    #[arg(long, value_name = "ID", num_args = 1.., conflicts_with_all = ["text", "file", "words"])]
    pub(crate) decode: Option<Vec<u32>>,

    /// Decode: leave out special tokens
    #[arg(long, requires = "decode")]
    pub(crate) skip_special_tokens: bool,

    /// Decode: no spaces between Chinese characters
    #[arg(long, requires = "decode")]
    pub(crate) join_chinese: bool,

    /// How texts are shown [default: table; tokens for a file]
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with = "json")]
    pub(crate) show: Option<ShowArgument>,

    /// Print one line of JSON a text
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is cut from a text or a pair that is too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TruncationArgument {
    /// A token at a time from the longer text
    #[default]
    LongestFirst,
    /// The first text
    OnlyFirst,
    /// The second text
    OnlySecond,
    /// Nothing
    None,
}

/// How texts are filled up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PaddingArgument {
    /// Not at all
    #[default]
    None,
    /// To the longest text of the input, which is read as a whole first
    Longest,
    /// To --max-length, or to what the model reads
    MaxLength,
}

/// What is printed of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowArgument {
    /// A table with one row a token
    Table,
    /// The tokens on one line
    Tokens,
    /// The ids on one line
    Ids,
}
