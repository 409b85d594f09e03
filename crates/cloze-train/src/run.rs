//! From a configuration, or a run's folder, to a trained model.

use std::path::{Path, PathBuf};

use burn::module::Module;
use cloze_data::tokenizer::Tokenizer;
use cloze_model::FreezeSpec;
use cloze_model::checkpoint::{Checkpoint, HubOptions, check_vocabulary, resolve_model};
use cloze_model::device::ComputeDevice;
use cloze_model::freeze::trainable_names;
use cloze_model::parameters::ParameterReport;
use cloze_tasks::{
    Continuation, MaskedLm, MultiLabel, QuestionAnswering, Regression, TextClassification,
    TokenClassification,
};

use crate::StopFlag;
use crate::checkpoints::{Checkpoints, Damaged, Found};
use crate::config::{RunConfig, TaskKind};
use crate::data::{Data, Prepare, Prepared};
use crate::device_checks;
use crate::error::TrainError;
use crate::events::{Event, Observer, Warning};
use crate::features::Keep;
use crate::parameter_groups::{ParameterGroup, parameter_groups};
use crate::run_folder::{RunFacts, RunFolder};
use crate::state::{Fingerprints, RunState};
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
    Run::new(config, folder, environment, observer, stop)?.of_its_task()
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
    resumed(folder, environment, observer, stop)?.of_its_task()
}

/// The run in `folder`, from its newest checkpoint that is whole, or from its start if there is none.
fn resumed<'a>(
    folder: &Path,
    environment: &'a Environment,
    observer: &'a mut dyn Observer,
    stop: &'a StopFlag,
) -> Result<Run<'a>, TrainError> {
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
        return Run::new(config, folder, environment, observer, stop);
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
    Ok(Run {
        freeze: FreezeSpec::parse(config.model.freeze.as_slice())?,
        source: Checkpoint::open(&path)?,
        tokenizer: Tokenizer::from_folder(&path)?,
        config,
        folder,
        resumed: Some(Resumed {
            path,
            state,
            damaged,
        }),
        environment,
        observer,
        stop,
    })
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

/// Something that is done for any task.
pub(crate) trait OfTask {
    /// What it comes to.
    type Output;

    /// Does it for this one.
    fn with<T: Prepare>(self) -> Result<Self::Output, TrainError>;
}

/// The list of all tasks that can be trained.
pub(crate) fn of_task<E: OfTask>(task: TaskKind, errand: E) -> Result<E::Output, TrainError> {
    match task {
        TaskKind::TextClassification => errand.with::<TextClassification>(),
        TaskKind::MultiLabel => errand.with::<MultiLabel>(),
        TaskKind::Regression => errand.with::<Regression>(),
        TaskKind::TokenClassification => errand.with::<TokenClassification>(),
        TaskKind::QuestionAnswering => errand.with::<QuestionAnswering>(),
        TaskKind::MaskedLm | TaskKind::Pretraining => errand.with::<MaskedLm>(),
        TaskKind::Continuation => errand.with::<Continuation>(),
    }
}

impl OfTask for Run<'_> {
    type Output = Outcome;

    fn with<T: Prepare>(self) -> Result<Outcome, TrainError> {
        self.of::<T>()
    }
}

/// A run whose model is found and whose data are not yet read.
struct Run<'a> {
    config: RunConfig,
    folder: RunFolder,
    freeze: FreezeSpec,
    /// The model that it starts from, or the checkpoint that it goes on from.
    source: Checkpoint,
    tokenizer: Tokenizer,
    /// `None` at a run's start.
    resumed: Option<Resumed>,
    environment: &'a Environment,
    observer: &'a mut dyn Observer,
    stop: &'a StopFlag,
}

/// Where a run goes on.
struct Resumed {
    path: PathBuf,
    state: RunState,
    /// Checkpoints that were passed over.
    damaged: Vec<Damaged>,
}

impl<'a> Run<'a> {
    /// A run at its start.
    fn new(
        config: RunConfig,
        folder: RunFolder,
        environment: &'a Environment,
        observer: &'a mut dyn Observer,
        stop: &'a StopFlag,
    ) -> Result<Self, TrainError> {
        let hub = HubOptions {
            revision: config.model.revision.clone(),
            ..environment.hub.clone()
        };
        // What is wrong with the configuration is told before a model is fetched.
        let freeze = FreezeSpec::parse(config.model.freeze.as_slice())?;
        let source = Checkpoint::open(&resolve_model(&config.model.path, &hub)?)?;
        let mut tokenizer = Tokenizer::from_folder(source.folder())?;
        if config.task == TaskKind::TokenClassification {
            // Words come one by one, and stand in texts behind spaces.
            tokenizer.set_add_prefix_space();
        }
        let ids = tokenizer.last_id() as usize + 1;
        check_vocabulary(&source, ids, source.encoder_config().vocab_size)?;
        Ok(Self {
            config,
            folder,
            freeze,
            source,
            tokenizer,
            resumed: None,
            environment,
            observer,
            stop,
        })
    }

    fn of_its_task(self) -> Result<Outcome, TrainError> {
        device_checks::check(&self.config.train, &self.environment.device)?;
        of_task(self.config.task, self)
    }

    fn of<T: Prepare>(mut self) -> Result<Outcome, TrainError> {
        let prepared = T::prepare(
            &mut self.config,
            &self.source,
            &self.tokenizer,
            self.environment.cache.as_deref(),
            self.observer,
            self.stop,
        )?;
        let Some(Prepared { task, data }) = prepared else {
            return Ok(self.stopped());
        };
        let first = &mut self.config.train.evaluate_first;
        first.get_or_insert(T::EVALUATE_FIRST);
        self.refuse_other_data(&data.fingerprints)?;
        let model = self.load(&task)?;
        let groups = self.parameter_groups(&model);
        self.make_folder(&data, &groups)?;
        let resumed = self
            .resumed
            .map(|resumed| (resumed.path, resumed.state.progress));
        let parts = Parts {
            keep: Keep::new(
                &self.config.model.feature_cache,
                self.environment.cache.as_deref(),
            ),
            config: self.config,
            folder: self.folder,
            task,
            model,
            data,
            source: self.source,
            tokenizer: self.tokenizer,
            device: self.environment.device.clone(),
        };
        Trainer::new(parts, resumed, self.observer, self.stop)?.run()
    }

    /// A run that was asked to stop before it began, or went on.
    fn stopped(self) -> Outcome {
        let resumed = self.resumed.as_ref();
        Outcome::Stopped {
            step: resumed.map_or(0, |resumed| resumed.state.progress.step),
            checkpoint: self.resumed.map(|resumed| resumed.path),
        }
    }

    fn refuse_other_data(&self, fingerprints: &Fingerprints) -> Result<(), TrainError> {
        let Some(Resumed { state, .. }) = &self.resumed else {
            return Ok(());
        };
        let before = &state.fingerprints;
        let changed = fingerprints
            .iter()
            .filter(|(name, hash)| before.get(*name) != Some(hash))
            .map(|(name, _)| name.clone());
        refuse_changes(&self.folder, changed.collect())
    }

    fn load<T: Prepare>(&mut self, task: &T) -> Result<T::Model, TrainError> {
        let device = self.environment.device.device().clone().autodiff();
        let (model, report) = task.load(&self.source, self.config.seed, &device)?;
        let (model, _) = self.freeze.apply(model, self.source.architecture())?;
        if trainable_names(&model).is_empty() {
            return Err(TrainError::NothingToTrain);
        }
        self.observer.observe(&Event::Model {
            report: &report,
            parameters: &ParameterReport::of(&model),
        });
        Ok(model)
    }

    fn parameter_groups<M: Module>(&mut self, model: &M) -> Vec<ParameterGroup> {
        let (optimizer, train) = (&self.config.optimizer, &self.config.train);
        let groups = parameter_groups(model, optimizer, train.learning_rate);
        self.observer.observe(&Event::ParameterGroups(&groups));
        groups
    }

    /// The run's folder with what is known before the first step, or without what is of no use.
    fn make_folder<T: Clone>(
        &mut self,
        data: &Data<T>,
        groups: &[ParameterGroup],
    ) -> Result<(), TrainError> {
        let Some(Resumed { damaged, .. }) = &self.resumed else {
            if data.validation.examples.is_empty() {
                self.observer
                    .observe(&Event::Warning(Warning::NoValidation));
            }
            self.folder.create()?;
            let device = &self.environment.device;
            let facts = RunFacts {
                device,
                fingerprints: &data.fingerprints,
                parameter_groups: groups,
            };
            return self.folder.describe(&self.config, &facts, &data.splits()?);
        };
        self.folder.create()?;
        let keep = self.config.train.keep_checkpoints;
        Checkpoints::new(self.folder.checkpoints(), keep)
            .clean(damaged)
            .map_err(|source| TrainError::write(self.folder.path(), source))
    }
}

#[cfg(test)]
mod tests;
