//! Training: run configuration, trainer, optimizer, schedules, run folder, resume.
//!
//! - [`config`]: a run's TOML file, its schema and its errors
//! - [`train`] and [`resume`]: a configuration or a run's folder → [`Outcome`]
//! - [`Observer`] and [`Event`]: what a run tells whoever watches; [`StopFlag`]: how to stop it
//! - [`TrainingStep`]: one optimizer step, apart from the loop; [`Optimizer`], [`Schedule`],
//!   [`parameter_groups`]
//! - [`cache_folder`]: where features of frozen encoders are kept between runs
//! - [`RunFolder`]: what lies where; [`LogLine`]: the lines of `log.jsonl`

mod appended_file;
mod checkpoints;
pub mod config;
mod curves;
mod data;
mod device_checks;
mod ema;
mod error;
mod evaluation;
mod events;
mod exact_json;
mod features;
mod head;
mod log;
mod optimizer;
mod optimizer_file;
mod parameter_groups;
mod records;
mod results;
mod run;
mod run_folder;
mod schedule;
mod shown;
mod state;
mod step;
mod stop;
mod tensorboard;
mod trainer;

pub use checkpoints::Damaged;
pub use config::{RunConfig, RunConfigError, json_schema};
pub use error::{NotFinite, TrainError};
pub use events::{CorpusFacts, Event, Observer, SplitName, Warning};
pub use features::cache_folder;
pub use log::{EpochRecord, FeatureRecord, LogLine};
pub use optimizer::Optimizer;
pub use parameter_groups::{ParameterGroup, decays, parameter_groups};
pub use results::RunResults;
pub use run::{Environment, resume, train};
pub use run_folder::RunFolder;
pub use schedule::Schedule;
pub use shown::{Shown, ShownExample, ShownTarget, show_examples};
pub use step::{Batch, InputBatch, StepError, StepReport, TrainingStep};
pub use stop::StopFlag;
pub use trainer::Outcome;
