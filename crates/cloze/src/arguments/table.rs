use clap::{Args, ValueEnum};

/// Which columns of a table hold what, and what to do with a row that cannot be used.
#[derive(Clone, Debug, Args)]
pub(crate) struct TableArguments {
    /// Column or key of the text [default: sentence1, sentence, text, review, … as found]
    #[arg(long, value_name = "COL")]
    pub(crate) text: Option<String>,

    /// Column or key of the second text of a pair [default: sentence2, … as found]
    #[arg(long, value_name = "COL")]
    pub(crate) text_pair: Option<String>,

    /// Format of the input [default: by the name of the file; plain text on standard input]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<FormatArgument>,

    /// What a row without a usable text does
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub(crate) bad_rows: BadRowsArgument,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArgument {
    /// One text a line
    Txt,
    /// Comma-separated values with a header line
    Csv,
    /// Tab-separated values with a header line
    Tsv,
    /// One JSON array of objects
    Json,
    /// One JSON object a line
    Jsonl,
    /// Apache Parquet
    Parquet,
}

/// What happens at a row that cannot be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum BadRowsArgument {
    /// It stops the command
    #[default]
    Stop,
    /// It is left out, and listed on standard error
    Skip,
}
