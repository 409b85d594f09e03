//! What the user types, as clap reads it: one file a command. Every help text ends with an
//! example. What needs more than one argument to be judged is judged by `settings` methods here,
//! so that a command sees only what makes sense.

pub(crate) mod answers;
pub(crate) mod convert;
pub(crate) mod data;
pub(crate) mod decoding;
pub(crate) mod device;
pub(crate) mod embed;
pub(crate) mod embedding;
pub(crate) mod eval;
pub(crate) mod generate;
pub(crate) mod index;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod long_texts;
pub(crate) mod predict;
mod predict_checks;
pub(crate) mod predict_task;
pub(crate) mod search;
pub(crate) mod similarity;
pub(crate) mod split;
pub(crate) mod table;
pub(crate) mod tokenize;
pub(crate) mod train;
pub(crate) mod vocab;

use std::num::NonZeroUsize;

use anstyle::{AnsiColor, Style};
use clap::builder::Styles;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default())
    .error(AnsiColor::Red.on_default().bold())
    .valid(AnsiColor::Green.on_default())
    .invalid(Style::new().bold());

/// Pretrain and fine-tune BERT-family encoders on your own texts, evaluate them, predict with them.
#[derive(Debug, Parser)]
#[command(
    name = "cloze",
    version,
    styles = STYLES,
    max_term_width = 100,
    propagate_version = true,
    after_help = "\
Example: fine-tune on a table of labelled texts, then ask the model
  cloze train examples/reviews.toml
  cloze predict runs/reviews \"The plot is thin, but the acting is wonderful.\"

MODEL is a folder with a checkpoint, the folder of a training run, or a name on the Hugging Face
Hub, `owner/name` or `owner/name@revision`. Results go to standard output, everything else to
standard error. Exit status: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) shared: SharedArguments,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Shared options")]
pub(crate) struct SharedArguments {
    /// Use this many threads [default: as many as there are cores for this process]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,

    /// Never ask the Hub: use only what is in folders and in its cache
    #[arg(long, global = true)]
    pub(crate) offline: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Train(train::TrainArguments),
    Eval(eval::EvalArguments),
    Predict(predict::PredictArguments),
    Generate(generate::GenerateArguments),
    Embed(embed::EmbedArguments),
    Similarity(similarity::SimilarityArguments),
    Index(index::IndexArguments),
    Search(search::SearchArguments),
    Inspect(inspect::InspectArguments),
    Tokenize(tokenize::TokenizeArguments),
    Data(data::DataArguments),
    Split(split::SplitArguments),
    Convert(convert::ConvertArguments),
    #[command(subcommand)]
    Vocab(vocab::VocabCommand),
    Init(init::InitArguments),
    Schema(SchemaArguments),
    Completions(CompletionsArguments),
}

/// Print the JSON Schema of the training configuration
#[derive(Debug, Args)]
#[command(after_help = "\
Example: let an editor complete and check the keys of a config
  cloze schema > cloze.schema.json")]
pub(crate) struct SchemaArguments {}

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Example: complete `cloze` in bash
  cloze completions bash > ~/.local/share/bash-completion/completions/cloze")]
pub(crate) struct CompletionsArguments {
    /// The shell
    pub(crate) shell: Shell,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn leaves(command: &clap::Command, found: &mut Vec<clap::Command>) {
        let mut has_subcommands = false;
        for subcommand in command.get_subcommands() {
            has_subcommands = true;
            leaves(subcommand, found);
        }
        if !has_subcommands {
            found.push(command.clone());
        }
    }

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example_that_it_can_parse() {
        let mut commands = Vec::new();
        leaves(&Cli::command(), &mut commands);
        assert!(commands.len() >= 12, "{}", commands.len());
        for mut command in commands {
            let help = command.render_help().to_string();
            let name = command.get_name().to_owned();
            let (_, examples) = help
                .split_once("Example")
                .unwrap_or_else(|| panic!("{name}"));
            let lines: Vec<&str> = examples
                .lines()
                .map(str::trim)
                .filter_map(|line| line.find("cloze ").map(|at| &line[at..]))
                .collect();
            assert!(!lines.is_empty(), "{name}");
            for line in lines {
                let line = line.split(" >").next().unwrap_or(line);
                let words = split_words(line);
                if let Err(error) = Cli::try_parse_from(&words) {
                    panic!("{words:?}: {error}");
                }
            }
        }
    }

    /// Splits as a shell does, for the quotes that the examples use.
    fn split_words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
        for character in line.chars() {
            match character {
                '"' | '\'' => quoted = !quoted,
                ' ' if !quoted => words.push(std::mem::take(&mut word)),
                other => word.push(other),
            }
        }
        words.push(word);
        words
    }
}
