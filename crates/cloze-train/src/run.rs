//! From a configuration, or a run's folder, to a trained model.

use std::path::{Path, PathBuf};

use cloze_data::tokenizer::Tokenizer;
use cloze_model::FreezeSpec;
use cloze_model::checkpoint::{Checkpoint, HubOptions, check_vocabulary, resolve_model};
use cloze_model::device::ComputeDevice;
use cloze_model::freeze::trainable_names;
use cloze_model::parameters::ParameterReport;
use cloze_tasks::{Task, TextClassification};

use crate::StopFlag;
use crate::checkpoints::{Checkpoints, Found};
use crate::config::RunConfig;
use crate::data::prepare;
use crate::error::TrainError;
use crate::events::{Event, Observer, Warning};
use crate::features::Keep;
use crate::run_folder::RunFolder;
use crate::state::RunState;
use crate::trainer::{Outcome, Parts, Trainer};

/// Where a run computes, and where it gets models from.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// What computes.
    pub device: ComputeDevice,
    /// Access to the Hub; the revision is the configuration's.
    pub hub: HubOptions,
    /// Where, in a sub-folder, features of frozen encoders are kept between runs, unless the
    /// configuration says otherwise: [`cache_folder`](crate::cache_folder) for a program. Without
    /// it they stay in memory.
    pub cache: Option<PathBuf>,
}

/// Trains as `config` says, in a new run folder.
///
/// `stop` is looked at before every step and every batch of an evaluation. Everything random
/// follows from `config.seed`: the same configuration, data and number of threads give the same
/// model.
///
/// # Errors
/// If the run's folder is not empty, the model, the data or the configuration cannot be used, a
/// file cannot be written, or the loss is no longer finite.
pub fn train(
    config: RunConfig,
    environment: &Environment,
    observer: &mut dyn Observer,
    stop: &StopFlag,
) -> Result<Outcome, TrainError> {
    let folder = RunFolder::new(&config.output);
    folder.refuse_unless_empty()?;
    start(config, folder, environment, observer, stop)
}

fn start(
    mut config: RunConfig,
    folder: RunFolder,
    environment: &Environment,
    observer: &mut dyn Observer,
    stop: &StopFlag,
) -> Result<Outcome, TrainError> {
    let hub = HubOptions {
        revision: config.model.revision.clone(),
        ..environment.hub.clone()
    };
    let freeze = FreezeSpec::parse(config.model.freeze.as_slice())?;
    let source = Checkpoint::open(&resolve_model(&config.model.path, &hub)?)?;
    let tokenizer = Tokenizer::from_folder(source.folder())?;
    let ids = tokenizer.last_id() as usize + 1;
    check_vocabulary(&source, ids, source.encoder_config().vocab_size)?;
    let (task, data) = prepare(&mut config, &source, &tokenizer, observer)?;
    let device = environment.device.clone();
    let model = load(&task, &source, &freeze, &config, &device, observer)?;
    if data.validation.examples.is_empty() {
        observer.observe(&Event::Warning(Warning::NoValidation));
    }
    folder.create()?;
    folder.describe(
        &config,
        &environment.device,
        &data.fingerprints,
        &data.splits(),
    )?;
    let parts = Parts {
        keep: Keep::new(&config.model.feature_cache, environment.cache.as_deref()),
        config,
        folder,
        task,
        model,
        data,
        source,
        tokenizer,
        device,
    };
    Trainer::new(parts, None, observer, stop)?.run()
}

/// Goes on with the run in `folder` from its newest checkpoint that is whole. On the device of that
/// checkpoint, if it is the CPU, the steps that follow are, bit for bit, those of the run that was
/// never stopped.
///
/// # Errors
/// As [`train`]; if `folder` holds no run; if its configuration, the data or the tokenizer are no
/// longer what the run began with.
pub fn resume(
    folder: &Path,
    environment: &Environment,
    observer: &mut dyn Observer,
    stop: &StopFlag,
) -> Result<Outcome, TrainError> {
    let folder = RunFolder::new(folder);
    let mut config = RunConfig::read(&folder.config(), &[])?;
    // A run's folder may have been moved.
    config.output = folder.path().into();
    let checkpoints = Checkpoints::new(folder.checkpoints(), config.train.keep_checkpoints);
    let path = folder.checkpoints();
    let (found, damaged) = checkpoints
        .newest()
        .map_err(|source| TrainError::read(&path, source))?;
    for checkpoint in &damaged {
        observer.observe(&Event::Warning(Warning::DamagedCheckpoint(checkpoint)));
    }
    let Some(Found { path, state }) = found else {
        observer.observe(&Event::Warning(Warning::NoCheckpoint));
        checkpoints
            .clean(&damaged)
            .map_err(|source| TrainError::write(&path, source))?;
        return start(config, folder, environment, observer, stop);
    };
    refuse_changes(
        &folder,
        config.differences(&with_output(&state, &config.output)),
    )?;
    let now = environment.device.to_string();
    if state.device != now {
        let before = &state.device;
        observer.observe(&Event::Warning(Warning::OtherDevice { before, now: &now }));
    }
    let source = Checkpoint::open(&path)?;
    let tokenizer = Tokenizer::from_folder(&path)?;
    let (task, data) = prepare(&mut config, &source, &tokenizer, observer)?;
    let hashes = data.fingerprints.iter();
    let changed = hashes.filter(|(name, hash)| state.fingerprints.get(*name) != Some(hash));
    refuse_changes(&folder, changed.map(|(name, _)| name.clone()).collect())?;
    let freeze = FreezeSpec::parse(config.model.freeze.as_slice())?;
    let device = environment.device.clone();
    let model = load(&task, &source, &freeze, &config, &device, observer)?;
    folder.create()?;
    checkpoints
        .clean(&damaged)
        .map_err(|source| TrainError::write(folder.path(), source))?;
    let parts = Parts {
        keep: Keep::new(&config.model.feature_cache, environment.cache.as_deref()),
        config,
        folder,
        task,
        model,
        data,
        source,
        tokenizer,
        device,
    };
    Trainer::new(parts, Some((&path, state.progress)), observer, stop)?.run()
}

fn with_output(state: &RunState, output: &Path) -> RunConfig {
    RunConfig {
        output: PathBuf::from(output),
        ..state.config.clone()
    }
}

fn refuse_changes(folder: &RunFolder, names: Vec<String>) -> Result<(), TrainError> {
    if names.is_empty() {
        return Ok(());
    }
    Err(TrainError::Changed {
        path: folder.path().into(),
        names,
    })
}

fn load(
    task: &TextClassification,
    source: &Checkpoint,
    freeze: &FreezeSpec,
    config: &RunConfig,
    device: &ComputeDevice,
    observer: &mut dyn Observer,
) -> Result<<TextClassification as Task>::Model, TrainError> {
    let device = device.device().clone().autodiff();
    let (model, report) = task.load(source, config.seed, &device)?;
    let (model, _) = freeze.apply(model, source.architecture())?;
    if trainable_names(&model).is_empty() {
        return Err(TrainError::NothingToTrain);
    }
    observer.observe(&Event::Model {
        report: &report,
        parameters: &ParameterReport::of(&model),
    });
    Ok(model)
}
