//! The commands, one file each: they call the library and print what it returns.

mod completions;
mod schema;

use crate::arguments::{Cli, Command};

/// Runs a command to its end.
pub(crate) fn run(cli: Cli) -> anyhow::Result<()> {
    cloze_platform::threads::start(cli.shared.threads)?;
    match cli.command {
        Command::Completions(arguments) => completions::run(&arguments),
        _ => anyhow::bail!("not yet"),
    }
}
