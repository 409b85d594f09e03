use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use cloze_data::tokenizer::{DecodeOptions, EncodeOptions, Padding, Truncation};

use crate::failure::Usage;

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

/// What is encoded or decoded, and how it is shown.
#[derive(Debug)]
pub(crate) struct TokenizeSettings {
    pub(crate) what: What,
    pub(crate) encode: EncodeOptions,
    pub(crate) words: bool,
    pub(crate) show: ShowArgument,
    pub(crate) json: bool,
}

/// What is encoded or decoded.
#[derive(Debug)]
pub(crate) enum What {
    /// A text or a pair.
    Text(String, Option<String>),
    /// The lines of a file or of standard input.
    Lines(LinesInput),
    /// Ids that become text.
    Ids(Vec<u32>, DecodeOptions),
}

/// Lines, each a text, or the second text of a pair.
#[derive(Clone, Debug)]
pub(crate) struct LinesInput {
    /// The file; none is standard input.
    pub(crate) file: Option<PathBuf>,
    /// The first text of every pair.
    pub(crate) shared: Option<String>,
}

impl TokenizeArguments {
    /// What the arguments mean together.
    pub(crate) fn settings(self) -> Result<(String, TokenizeSettings), Usage> {
        let show = match self.show {
            Some(show) => show,
            None if self.text.is_some() && self.file.is_none() => ShowArgument::Table,
            None => ShowArgument::Tokens,
        };
        if self.stride.is_some() && self.max_length.is_none() {
            return Err(Usage::new(
                "--stride needs --max-length, the length of a window",
            ));
        }
        let table = !self.json && show == ShowArgument::Table;
        let encode = EncodeOptions {
            add_special_tokens: !self.no_special_tokens,
            max_length: self.max_length,
            truncation: self.truncation.into(),
            overflowing: self.stride.is_some(),
            stride: self.stride.unwrap_or(0),
            padding: self.padding.into(),
            pad_to_multiple_of: self.pad_to_multiple_of,
            alignment: self.json || table,
            tokens: self.json || show != ShowArgument::Ids,
        };
        let what = match (self.decode, self.text, self.file) {
            (Some(ids), ..) => What::Ids(
                ids,
                DecodeOptions {
                    skip_special_tokens: self.skip_special_tokens,
                    join_chinese: self.join_chinese,
                    clean_up_spaces: None,
                },
            ),
            (None, Some(text), None) => What::Text(text, self.pair),
            (None, shared, file) => What::Lines(LinesInput {
                file: file.filter(|path| path != Path::new("-")),
                shared,
            }),
        };
        let settings = TokenizeSettings {
            what,
            encode,
            words: self.words,
            show,
            json: self.json,
        };
        Ok((self.model, settings))
    }
}

impl From<TruncationArgument> for Truncation {
    fn from(argument: TruncationArgument) -> Self {
        match argument {
            TruncationArgument::LongestFirst => Self::LongestFirst,
            TruncationArgument::OnlyFirst => Self::OnlyFirst,
            TruncationArgument::OnlySecond => Self::OnlySecond,
            TruncationArgument::None => Self::None,
        }
    }
}

impl From<PaddingArgument> for Padding {
    fn from(argument: PaddingArgument) -> Self {
        match argument {
            PaddingArgument::None => Self::None,
            PaddingArgument::Longest => Self::Longest,
            PaddingArgument::MaxLength => Self::MaxLength,
        }
    }
}
