//! From files to splits of examples: a file for each task, with what is special to its data.

mod continuation;
mod labelled_texts;
mod masked_lm;
mod multi_label;
mod question_answering;
mod regression;
mod sources;
mod splits;
mod text_classification;
mod token_classification;

use std::collections::BTreeMap;
use std::path::Path;

use cloze_core::EncoderConfig;
use cloze_data::fingerprint::file_fingerprint;
use cloze_data::records::RecordError;
use cloze_data::reports::DatasetReport;
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::Checkpoint;
use cloze_tasks::{Example, Task, TaskError};

use crate::StopFlag;
use crate::config::RunConfig;
use crate::error::TrainError;
use crate::events::{Event, Observer, SplitName, Warning};
use crate::run_folder::Splits;
use crate::shown::ShownTarget;
use crate::state::Fingerprints;
pub(crate) use splits::{RowOrigin, SplitData, in_memory};

/// The tokenizer's name among the fingerprints.
pub(crate) const TOKENIZER: &str = "tokenizer";

/// All splits; a split without rows is empty.
#[derive(Debug)]
pub(crate) struct Data<T: Clone> {
    pub(crate) train: SplitData<T>,
    pub(crate) validation: SplitData<T>,
    pub(crate) test: SplitData<T>,
    pub(crate) fingerprints: Fingerprints,
}

impl<T: Clone> Data<T> {
    /// Train, validation and test.
    pub(crate) fn all(&self) -> [&SplitData<T>; 3] {
        [&self.train, &self.validation, &self.test]
    }

    /// The examples of all splits, in memory: those that are the same in every epoch.
    pub(crate) fn in_memory(&self) -> Result<[Vec<Example<T>>; 3], TaskError> {
        let [train, validation, test] = self.all().map(|split| in_memory(&*split.examples));
        Ok([train?, validation?, test?])
    }

    pub(crate) fn split(&self, name: SplitName) -> &SplitData<T> {
        match name {
            SplitName::Train => &self.train,
            SplitName::Validation => &self.validation,
            SplitName::Test => &self.test,
        }
    }

    /// What `splits.json` says.
    pub(crate) fn splits(&self) -> Result<Splits<'_>, RecordError> {
        let named = [
            ("train", &self.train),
            ("validation", &self.validation),
            ("test", &self.test),
        ];
        Ok(Splits {
            train: self.train.rows()?,
            validation: self.validation.rows()?,
            test: self.test.rows()?,
            files: named
                .into_iter()
                .filter(|(_, split)| !split.examples.is_empty())
                .map(|(name, split)| (name, split.file.as_path()))
                .collect::<BTreeMap<_, _>>(),
        })
    }
}

/// A task with its data.
#[derive(Debug)]
pub(crate) struct Prepared<T: Task> {
    pub(crate) task: T,
    pub(crate) data: Data<T::Target>,
}

/// A task that a run can be prepared for.
pub(crate) trait Prepare: Task + Clone {
    /// Whether the model is evaluated before its first step where the configuration does not say
    /// it: worth its time where a model comes that can do the task already.
    const EVALUATE_FIRST: bool = false;

    /// A target for people and other programs.
    fn shown_target(&self, target: &Self::Target) -> ShownTarget;

    /// Reads what the configuration names, and puts what was found out (columns, the longest text)
    /// into the configuration. What takes long to make and can be found again by what it depends
    /// on belongs into `cache`, cloze's own folder, if there is one. `None` if asked to stop
    /// meanwhile.
    fn prepare(
        config: &mut RunConfig,
        checkpoint: &Checkpoint,
        tokenizer: &Tokenizer,
        cache: Option<&Path>,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<Option<Prepared<Self>>, TrainError>;
}

/// The most tokens of an example: as the configuration says, otherwise what the model reads.
fn max_length(
    config: &RunConfig,
    encoder: &EncoderConfig,
    tokenizer: &Tokenizer,
) -> Result<usize, TrainError> {
    let limit = encoder.longest_sequence();
    match config.data.max_length {
        Some(found) if found > limit => Err(TrainError::MaxLength {
            field: "data.max_length",
            found,
            limit,
        }),
        Some(length) => Ok(length),
        None => Ok(tokenizer
            .model_max_length()
            .map_or(limit, |length| length.min(limit))),
    }
}

/// Share of unknown tokens from which a user is warned.
const MANY_UNKNOWN: f64 = 0.05;

fn warn_of_unknown_tokens(report: &DatasetReport, observer: &mut dyn Observer) {
    for split in &report.splits {
        if split.unknown.share > MANY_UNKNOWN {
            let warning = Warning::UnknownTokens {
                split: &split.name,
                share: split.unknown.share,
            };
            observer.observe(&Event::Warning(warning));
        }
    }
}

/// The name of a data file among the fingerprints.
fn fingerprint_name(key: &str, file: &Path) -> String {
    format!("{key} ({})", file.display())
}

/// Hashes of the tokenizer and of every file that the configuration names.
fn fingerprints(config: &RunConfig, tokenizer: &Tokenizer) -> Result<Fingerprints, TrainError> {
    let data = &config.data;
    let train = data.train.as_slice().iter();
    let others = [
        ("data.validation", &data.validation),
        ("data.test", &data.test),
    ];
    let others = others
        .into_iter()
        .filter_map(|(key, file)| Some((key, file.as_ref()?)));
    let files = train.map(|file| ("data.train", file)).chain(others);
    let mut fingerprints = Fingerprints::from([(TOKENIZER.into(), tokenizer.fingerprint())]);
    for (key, file) in files {
        let hash = file_fingerprint(file).map_err(|source| TrainError::read(file, source))?;
        fingerprints.insert(fingerprint_name(key, file), hash);
    }
    Ok(fingerprints)
}
