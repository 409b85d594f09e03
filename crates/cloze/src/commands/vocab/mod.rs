//! `cloze vocab …`

mod add;
mod list;
mod show;
mod train;

use crate::arguments::vocab::VocabCommand;
use crate::models::Models;

/// Runs one of the commands.
pub(crate) fn run(command: VocabCommand, models: &Models) -> anyhow::Result<()> {
    match command {
        VocabCommand::Train(arguments) => train::run(&arguments),
        VocabCommand::Add(arguments) => add::run(&arguments, models),
        VocabCommand::List(arguments) => list::run(&arguments, models),
        VocabCommand::Show(arguments) => show::run(&arguments, models),
    }
}
