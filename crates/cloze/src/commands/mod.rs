//! The commands, one file each: they call the library and print what it returns.

mod completions;
mod convert;
mod data;
mod embed;
mod embedding;
mod eval;
mod generate;
mod index;
mod init;
mod inspect;
mod predict;
mod schema;
mod search;
mod similarity;
mod split;
mod tokenize;
mod train;
mod vocab;

use crate::arguments::{Cli, Command};
use crate::models::Models;

/// Runs a command to its end.
pub(crate) fn run(cli: Cli) -> anyhow::Result<()> {
    cloze_platform::threads::start(cli.shared.threads)?;
    let models = Models::new(&cli.shared);
    match cli.command {
        Command::Train(arguments) => train::run(&arguments, &models),
        Command::Eval(arguments) => eval::run(&arguments, &models),
        Command::Predict(arguments) => predict::run(arguments, &models),
        Command::Generate(arguments) => generate::run(&arguments, &models),
        Command::Embed(arguments) => embed::run(arguments, &models),
        Command::Similarity(arguments) => similarity::run(arguments, &models),
        Command::Index(arguments) => index::run(&arguments, &models),
        Command::Search(arguments) => search::run(arguments, &models),
        Command::Inspect(arguments) => inspect::run(&arguments, &models),
        Command::Tokenize(arguments) => tokenize::run(arguments, &models),
        Command::Convert(arguments) => convert::run(&arguments, &models),
        Command::Data(arguments) => data::run(&arguments, &models),
        Command::Split(arguments) => split::run(&arguments),
        Command::Vocab(command) => vocab::run(command, &models),
        Command::Init(arguments) => init::run(&arguments),
        Command::Schema(_) => schema::run(),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}
