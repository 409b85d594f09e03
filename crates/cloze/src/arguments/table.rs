use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use cloze_data::readers::{BadRows, FORMATS, Format};

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
    #[arg(long, value_name = "FORMAT", value_parser = format_parser())]
    pub(crate) format: Option<&'static Format>,

    /// What a row without a usable text does
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub(crate) bad_rows: BadRowsArgument,
}

/// A probability.
pub(super) fn threshold_parser(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number| (0.0..=1.0).contains(number))
        .ok_or_else(|| "wanted a number from 0 to 1".into())
}

pub(super) fn format_parser() -> impl TypedValueParser<Value = &'static Format> {
    PossibleValuesParser::new(FORMATS.iter().map(|format| format.name)).map(|name| {
        // The parser lets only names of the list through.
        Format::from_name(&name).unwrap_or(FORMATS[0])
    })
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

impl From<BadRowsArgument> for BadRows {
    fn from(argument: BadRowsArgument) -> Self {
        match argument {
            BadRowsArgument::Stop => Self::Stop,
            BadRowsArgument::Skip => Self::Skip,
        }
    }
}
