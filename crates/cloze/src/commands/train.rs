use std::path::Path;

use cloze_data::tokenizer::TokenizerError;
use cloze_train::{
    Environment, Outcome, RunConfig, RunConfigError, RunFolder, RunResults, StopFlag, TrainError,
    cache_folder, resume, train,
};

use crate::arguments::train::TrainArguments;
use crate::failure::{Interrupted, Usage, hint};
use crate::models::Models;
use crate::reports::print_evaluation;
use crate::signals::stop_on_signals;
use crate::terminal::{Results, Thousands};
use crate::training_display::TrainingDisplay;

/// `cloze train CONFIG.toml`, `cloze train --resume RUN`
pub(crate) fn run(arguments: &TrainArguments, models: &Models) -> anyhow::Result<()> {
    let environment = Environment {
        device: arguments.device.open()?,
        hub: models.hub().clone(),
        cache: cache_folder(),
    };
    let stop = StopFlag::new();
    let (config, named, folder) = match (&arguments.resume, &arguments.config) {
        (Some(run), _) => (run_config(run)?, RunFolder::new(run).config(), run.clone()),
        (None, Some(path)) => {
            let mut config = RunConfig::read(path, &arguments.set).map_err(config_error)?;
            config.model.path = model_of_run(config.model.path);
            let folder = config.output.clone();
            (config, path.clone(), folder)
        }
        (None, None) => return Err(Usage::new("a configuration or --resume RUN is needed").into()),
    };
    let mut display = TrainingDisplay::new(config.best().name(), &environment.device);
    stop_on_signals(stop.clone())?;
    let outcome = match &arguments.resume {
        Some(run) => resume(run, &environment, &mut display, &stop),
        None => train(config, &environment, &mut display, &stop),
    };
    drop(display);
    match outcome.map_err(|error| train_error(error, &named))? {
        Outcome::Finished(results) => print_results(&results, &folder),
        Outcome::Stopped { step, checkpoint } => {
            let message = match checkpoint {
                Some(_) => format!(
                    "after step {}; go on with `cloze train --resume {}`",
                    Thousands(step as usize),
                    folder.display()
                ),
                None => "before the first step; there is nothing to go on with".into(),
            };
            Err(Interrupted { message }.into())
        }
    }
}

/// The configuration of a run that is to go on.
fn run_config(run: &Path) -> anyhow::Result<RunConfig> {
    let path = RunFolder::new(run).config();
    if !path.is_file() {
        let error = anyhow::anyhow!(
            "{} is not the folder of a run: it has no config.toml",
            run.display()
        );
        return Err(hint(error, "`cloze train CONFIG.toml` starts a run"));
    }
    RunConfig::read(&path, &[]).map_err(config_error)
}

/// A run folder stands for its model, here as in every command.
pub(super) fn model_of_run(path: String) -> String {
    let folder = RunFolder::new(&path);
    match folder.config().is_file() && !folder.path().join("config.json").exists() {
        true => folder.model().display().to_string(),
        false => path,
    }
}

pub(super) fn config_error(error: RunConfigError) -> anyhow::Error {
    match error {
        RunConfigError::Read { .. } => error.into(),
        error => Usage::from(error).into(),
    }
}

/// `config` is the file that messages name.
pub(super) fn train_error(error: TrainError, config: &Path) -> anyhow::Error {
    match error {
        TrainError::Config(error) => config_error(error),
        TrainError::MaxLength { .. }
        | TrainError::AttentionHeads { .. }
        | TrainError::LateAverage { .. } => {
            Usage::new(format!("{}, {error}", config.display())).into()
        }
        TrainError::Freeze(_)
        | TrainError::NothingToTrain
        | TrainError::Tokenizer(TokenizerError::Stride { .. }) => Usage::from(error).into(),
        TrainError::Read(cloze_data::readers::ReadError::Rows(_)) => {
            hint(error, "`--set data.bad_rows=skip` leaves such rows out")
        }
        error => error.into(),
    }
}

fn print_results(run: &RunResults, folder: &Path) -> anyhow::Result<()> {
    let mut results = Results::stdout();
    for (name, evaluation) in [("validation", &run.validation), ("test", &run.test)] {
        if let Some(evaluation) = evaluation {
            results.line(format_args!("{name}, epoch {}", run.best_epoch))?;
            print_evaluation(evaluation, &mut results)?;
            results.line("")?;
        }
    }
    let speed = match run.tokens_per_second {
        Some(speed) => format!(", {} tokens a second", Thousands(speed as usize)),
        None => " on features from the cache".into(),
    };
    results.line(format_args!(
        "trained for {:.0} s{speed}; the model is {}",
        run.train_seconds,
        RunFolder::new(folder).model().display()
    ))?;
    results.flush()
}
