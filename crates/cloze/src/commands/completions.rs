use clap::CommandFactory;
use clap_complete::generate;

use crate::arguments::{Cli, CompletionsArguments};
use crate::terminal::Results;

/// `cloze completions SHELL`
pub(crate) fn run(arguments: &CompletionsArguments) -> anyhow::Result<()> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut Cli::command(), "cloze", &mut script);
    let mut results = Results::stdout();
    results.line(String::from_utf8_lossy(&script).trim_end())?;
    results.flush()
}
