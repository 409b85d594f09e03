use std::ops::ControlFlow;

use anstyle::Style;
use cloze_data::tokenizer::Tokenizer;
use cloze_train::{
    Environment, RunConfig, Shown, ShownExample, ShownTarget, StopFlag, cache_folder, show_examples,
};

use super::train::{config_error, model_of_run, train_error};
use crate::arguments::data::DataArguments;
use crate::models::Models;
use crate::signals::stop_on_signals;
use crate::terminal::Results;
use crate::training_display::TrainingDisplay;

/// Examples that people are shown unless they say how many.
const SHOWN: usize = 5;

/// `cloze data CONFIG.toml`
pub(crate) fn run(arguments: &DataArguments, models: &Models) -> anyhow::Result<()> {
    let mut config = RunConfig::read(&arguments.config, &arguments.set).map_err(config_error)?;
    config.model.path = model_of_run(config.model.path);
    let tokenizer = Tokenizer::from_folder(&models.folder(&config.model.path)?)?;
    let environment = Environment {
        hub: models.hub().clone(),
        cache: cache_folder(),
        ..Environment::default()
    };
    let shown = Shown {
        split: arguments.split.into(),
        epoch: arguments.epoch.get() as u64 - 1,
    };
    let most = match arguments.show {
        Some(count) => count.get(),
        None if arguments.json => usize::MAX,
        None => SHOWN,
    };
    let mut results = Results::stdout();
    let mut printed = 0;
    let mut failed = None;
    let mut display = TrainingDisplay::new(config.best().name(), &environment.device);
    let stop = StopFlag::new();
    stop_on_signals(stop.clone())?;
    let mut show = |example: &ShownExample| {
        let line = match arguments.json {
            true => results.json(example),
            false => print(example, &tokenizer, &mut results),
        };
        printed += 1;
        failed = line.err();
        if failed.is_some() || printed >= most || stop.is_requested() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    show_examples(config, shown, &environment, &mut display, &stop, &mut show)
        .map_err(|error| train_error(error, &arguments.config))?;
    match failed {
        Some(error) => Err(error),
        None => results.flush(),
    }
}

/// The tokens of every window, or all of them where there is but one.
fn windows<'a>(tokens: &'a [String], lengths: &[usize]) -> Vec<&'a [String]> {
    if lengths.is_empty() {
        return vec![tokens];
    }
    let mut rest = tokens;
    let mut window = |&length: &usize| {
        let (window, others) = rest.split_at(length);
        rest = others;
        window
    };
    lengths.iter().map(&mut window).collect()
}

/// A line of tokens for each window, each token that has a tag or was masked with the tag or with what stood there behind
/// it, and a line with what is to be said of the whole.
fn print(
    example: &ShownExample,
    tokenizer: &Tokenizer,
    results: &mut Results,
) -> anyhow::Result<()> {
    let bold = results.style(Style::new().bold());
    let mut tokens = example.tokens.clone();
    let last = match &example.target {
        ShownTarget::Label { label } => Some(format!("label {bold}{label}{bold:#}")),
        ShownTarget::Labels { labels } if labels.is_empty() => Some("no label".to_owned()),
        ShownTarget::Labels { labels } => {
            Some(format!("labels {bold}{}{bold:#}", labels.join(", ")))
        }
        ShownTarget::Number { label } => Some(format!("number {bold}{label}{bold:#}")),
        ShownTarget::Tags { tags, .. } => {
            for (token, tag) in tokens.iter_mut().zip(tags) {
                if let Some(tag) = tag {
                    *token = format!("{token}({bold}{tag}{bold:#})");
                }
            }
            None
        }
        ShownTarget::Span {
            start_position,
            end_position,
            answer,
        } => {
            let (start, end) = (start_position.unwrap_or(0), end_position.unwrap_or(0));
            if answer.is_some() && start <= end {
                for token in &mut tokens[start..=end] {
                    *token = format!("{bold}{token}{bold:#}");
                }
            }
            Some(match answer {
                Some(answer) => format!("tokens {start} to {end}: {bold}{answer}{bold:#}"),
                None => "no answer here".to_owned(),
            })
        }
        ShownTarget::Next { next_id } => {
            let word = tokenizer.id_to_token(*next_id).unwrap_or_default();
            Some(format!("next {bold}{word}{bold:#}"))
        }
        ShownTarget::Masked {
            positions,
            targets,
            next_sentence_label,
        } => {
            for (&position, &id) in positions.iter().zip(targets) {
                let word = tokenizer.id_to_token(id).unwrap_or_default();
                tokens[position] = format!("{}({bold}{word}{bold:#})", tokens[position]);
            }
            next_sentence_label.map(|label| match label {
                0 => "the second text follows the first".to_owned(),
                _ => "the second text does not follow the first".to_owned(),
            })
        }
    };
    for window in windows(&tokens, &example.windows) {
        results.line(window.join(" "))?;
    }
    if let Some(last) = last {
        results.line(format_args!("  {last}"))?;
    }
    results.line("")
}
