//! The loop: epochs of steps, validation, checkpoints, and the best model at the end.

mod ahead;
mod batches;
mod early_stopping;
mod epoch_end;
mod first_evaluation;
mod frozen;
mod plan;
mod saving;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::Checkpoint;
use cloze_model::device::ComputeDevice;
use cloze_tasks::Task;

use crate::StopFlag;
use crate::checkpoints::Checkpoints;
use crate::config::RunConfig;
use crate::data::Data;
use crate::ema::Ema;
use crate::error::{NotFinite, TrainError};
use crate::events::{Event, Observer};
use crate::features::{Features, Keep};
use crate::log::LogLine;
use crate::optimizer_file;
use crate::records::Records;
use crate::results::{self, RunResults};
use crate::run_folder::RunFolder;
use crate::schedule::Schedule;
use crate::state::Progress;
use crate::step::{StepError, TrainingStep};
use ahead::{Ahead, read_ahead};
use batches::{ReadBatchOf, StepBatch, inputs};
use plan::{epoch_batches, epoch_plan};

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// All epochs are done.
    Finished(Box<RunResults>),
    /// It was asked to stop; it can be resumed.
    Stopped {
        /// Optimizer steps taken.
        step: u64,
        /// Where it goes on; `None` if its data were not yet there, so that there is no run.
        checkpoint: Option<PathBuf>,
    },
}

/// What a run is made of, before its first step.
pub(crate) struct Parts<T: Task> {
    pub(crate) config: RunConfig,
    pub(crate) folder: RunFolder,
    pub(crate) task: T,
    pub(crate) model: T::Model,
    pub(crate) data: Data<T::Target>,
    /// The checkpoint that the model came from.
    pub(crate) source: Checkpoint,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) device: ComputeDevice,
    /// Where to keep features of a frozen encoder.
    pub(crate) keep: Keep,
}

/// A run in progress.
pub(crate) struct Trainer<'a, T: Task> {
    config: RunConfig,
    folder: RunFolder,
    training: TrainingStep<T>,
    data: Data<T::Target>,
    keep: Keep,
    /// Of a frozen encoder, once they are there.
    features: Option<Arc<Features<T::Features>>>,
    /// Batches of every epoch.
    epoch_batches: Vec<usize>,
    total_steps: u64,
    source: Checkpoint,
    tokenizer: Tokenizer,
    device: ComputeDevice,
    checkpoints: Checkpoints,
    last_checkpoint: Option<PathBuf>,
    /// The best model so far, and the task as validation decided it, where `model/` does not have
    /// them yet.
    unsaved_best: Option<(T::Model, T)>,
    records: Records,
    progress: Progress,
    observer: &'a mut dyn Observer,
    stop: &'a StopFlag,
    /// When this process began to train, and the run's time before that.
    since: (Instant, f64),
    /// When the last checkpoint was written, or this process began.
    saved_at: Instant,
}

/// Whether to go on.
enum Flow {
    Continue,
    Stop,
}

impl<'a, T: Task + Clone> Trainer<'a, T> {
    /// A run at its start, or where `resumed` left it: a checkpoint's folder and what it says.
    pub(crate) fn new(
        parts: Parts<T>,
        resumed: Option<(PathBuf, Progress)>,
        observer: &'a mut dyn Observer,
        stop: &'a StopFlag,
    ) -> Result<Self, TrainError> {
        let Parts {
            config,
            folder,
            task,
            model,
            data,
            source,
            tokenizer,
            device,
            keep,
        } = parts;
        let epoch_batches = epoch_batches(&config, &data.train.examples)?;
        let train = &config.train;
        let steps = |batches: &usize| batches.div_ceil(train.gradient_accumulation) as u64;
        let epoch_steps: Vec<u64> = epoch_batches.iter().map(steps).collect();
        let schedule = Schedule::new(&train.schedule, train.learning_rate, &epoch_steps);
        let total_steps = schedule.total_steps();
        let ema = train.ema.as_ref();
        let ema = ema.map(|config| Ema::new(config, total_steps, schedule.warmup_steps()));
        if let Some(start) = ema.as_ref().map(Ema::start)
            && start >= total_steps
        {
            return Err(TrainError::LateAverage {
                start,
                steps: total_steps,
            });
        }
        let mut training = TrainingStep::new(
            task,
            model,
            &config.optimizer,
            train.learning_rate,
            schedule,
            config.seed,
        )
        .with_dropout(train.dropout)
        .with_gradient_checkpointing(train.gradient_checkpointing)
        .with_precision(train.precision.into())
        .with_ema(ema);
        let (last_checkpoint, progress) = match resumed {
            Some((path, progress)) => {
                optimizer_file::restore(&mut training, progress.step, &path, device.device())?;
                training.set_batches(progress.batches);
                (Some(path), progress)
            }
            None => (None, Progress::default()),
        };
        let records = Records::open(&folder, train, &progress)?;
        Ok(Self {
            checkpoints: Checkpoints::new(folder.checkpoints(), train.keep_checkpoints),
            since: (Instant::now(), progress.run_seconds),
            config,
            folder,
            training,
            data,
            keep,
            features: None,
            epoch_batches,
            total_steps,
            source,
            tokenizer,
            device,
            last_checkpoint,
            unsaved_best: None,
            saved_at: Instant::now(),
            records,
            progress,
            observer,
            stop,
        })
    }

    /// Trains to the end, or until asked to stop.
    pub(crate) fn run(mut self) -> Result<Outcome, TrainError> {
        self.announce()?;
        if let Flow::Stop = self.obtain_features()? {
            return self.stopped();
        }
        if let Flow::Stop = self.evaluate_first()? {
            return self.stopped();
        }
        if let Flow::Stop = self.epochs()? {
            return self.stopped();
        }
        let Some(test) = self.test()? else {
            return self.stopped();
        };
        self.progress.run_seconds = self.run_seconds();
        let results = results::write(&self.folder, &self.progress, test)?;
        Ok(Outcome::Finished(Box::new(results)))
    }

    fn announce(&mut self) -> Result<(), TrainError> {
        let step = self.progress.step;
        let resumed = self.last_checkpoint.as_deref().map(|path| (path, step));
        self.observer.observe(&Event::Start {
            steps: self.total_steps,
            epochs: self.config.train.epochs,
            resumed,
        });
        if resumed.is_some() {
            self.append(&LogLine::Resume { step })?;
        }
        Ok(())
    }

    /// Saves where the run stands and says so.
    fn stopped(mut self) -> Result<Outcome, TrainError> {
        let checkpoint = self.save_checkpoint()?;
        // Behind it: a picture that cannot be written must not cost the steps.
        self.records.draw(true)?;
        Ok(Outcome::Stopped {
            step: self.progress.step,
            checkpoint: Some(checkpoint),
        })
    }

    /// What is left of all epochs. If they fail, `model/` has the best of those that did not.
    fn epochs(&mut self) -> Result<Flow, TrainError> {
        while !self.is_over() {
            match self.epoch() {
                Ok(Flow::Continue) => (),
                Ok(Flow::Stop) => return Ok(Flow::Stop),
                Err(error) => {
                    self.save_best()?;
                    // What ended the run is told, not that a picture of it could not be written.
                    self.records.draw(true).ok();
                    return Err(error);
                }
            }
        }
        Ok(Flow::Continue)
    }

    /// What is left of the current epoch. Its batches are read ahead of it by a thread of their own.
    fn epoch(&mut self) -> Result<Flow, TrainError> {
        let mut plan = epoch_plan(&self.config, &self.data.train.examples, self.progress.epoch);
        let done = self.progress.position;
        let plan = move || plan.skip_batches(done).map(|()| plan);
        let reader = self.batch_reader();
        let accumulation = self.config.train.gradient_accumulation;
        let flow =
            std::thread::scope(|scope| self.steps(read_ahead(scope, reader, plan, accumulation)))?;
        if let Flow::Stop = flow {
            return Ok(Flow::Stop);
        }
        let Some(validation) = self.validate()? else {
            return Ok(Flow::Stop);
        };
        self.finish_epoch(validation)?;
        Ok(Flow::Continue)
    }

    fn steps(&mut self, mut ahead: Ahead<T::Target, T::Features>) -> Result<Flow, TrainError> {
        while ahead.has_next() {
            if self.stop.is_requested() {
                return Ok(Flow::Stop);
            }
            let Some((group, waited)) = ahead.next() else {
                break;
            };
            self.step(group?, waited)?;
            let due = self.config.train.checkpoint_every;
            let due = due.is_some_and(|every| self.progress.step.is_multiple_of(every));
            if due && ahead.has_next() {
                self.save_checkpoint()?;
            }
        }
        Ok(Flow::Continue)
    }

    /// A step, whose batches were waited for so long.
    fn step(&mut self, group: Vec<ReadBatchOf<T>>, waited: Duration) -> Result<(), TrainError> {
        let start = Instant::now();
        let group: Vec<_> = group.into_iter().map(|batch| self.batch(batch)).collect();
        let report = match self.training.step_on(&inputs(&group)) {
            Ok(report) => report,
            Err(error) => return Err(self.step_error(error, &group)),
        };
        let waited = waited.as_secs_f64();
        let seconds = waited + start.elapsed().as_secs_f64();
        let batches = self.epoch_batches[self.progress.epoch as usize] as f64;
        let progress = &mut self.progress;
        progress.step += 1;
        progress.position += group.len();
        progress.batches = self.training.batches();
        progress.loss_sum += report.loss * report.weight;
        progress.loss_weight += report.weight;
        progress.tokens += report.tokens as u64;
        progress.step_seconds += seconds;
        progress.epoch_seconds += seconds;
        progress.data_wait_seconds += waited;
        progress.epoch_data_wait_seconds += waited;
        let line = LogLine::Step {
            step: progress.step,
            epoch: progress.epoch as f64 + progress.position as f64 / batches,
            loss: report.loss,
            parts: report.parts.clone(),
            learning_rate: report.learning_rate,
            gradient_norm: report.gradient_norm,
            tokens: report.tokens,
            seconds,
        };
        self.observer.observe(&Event::Step {
            step: progress.step,
            epoch: progress.epoch + 1,
            steps: self.total_steps,
            report: &report,
            seconds,
        });
        self.append(&line)
    }

    fn step_error(&self, error: StepError, group: &[StepBatch<T>]) -> TrainError {
        match error {
            StepError::Task(error) => error.into(),
            StepError::NotFinite {
                what,
                value,
                learning_rate,
                batch,
            } => TrainError::NotFinite(Box::new(NotFinite {
                what,
                value,
                step: self.progress.step + 1,
                learning_rate,
                file: self.data.train.file.clone(),
                lines: group[batch]
                    .rows
                    .iter()
                    .filter_map(|&row| self.data.train.line(row))
                    .collect(),
                checkpoint: self.last_checkpoint.clone(),
            })),
        }
    }

    fn append(&mut self, line: &LogLine) -> Result<(), TrainError> {
        self.records.append(line)
    }

    fn run_seconds(&self) -> f64 {
        self.since.1 + self.since.0.elapsed().as_secs_f64()
    }
}
