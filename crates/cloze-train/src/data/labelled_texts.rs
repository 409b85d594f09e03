//! From rows of labelled texts to encoded splits: what the tasks with one prediction for a whole
//! text share.

use std::path::Path;
use std::sync::Arc;

use cloze_core::LabelSet;
use cloze_data::readers::{Label, LabelledText};
use cloze_data::reports::DatasetReport;
use cloze_data::tokenizer::{EncodeOptions, Tokenizer, TokenizerError};
use cloze_model::checkpoint::Checkpoint;
use cloze_tasks::encoding::{encode_windows, usual_stride, with_targets};
use cloze_tasks::{Task, text_input};

use super::sources::{RowSplit, Source, read_sources, split, warn_of_overlaps};
use super::{Data, Prepare, Prepared, SplitData, fingerprints, max_length, warn_of_unknown_tokens};
use crate::StopFlag;
use crate::config::{LongTextsConfig, RunConfig};
use crate::error::TrainError;
use crate::events::{Event, Observer, SplitName, Warning};
use crate::shown::ShownTarget;

/// A task over texts, or pairs of texts, that each have a label of some kind.
pub(crate) trait LabelledTask: Task<Target: 'static> + Clone {
    /// What stands in a row's label.
    type Label: Label + 'static;

    /// A class for every row, of which each split gets its share; `None` where rows have no
    /// classes.
    fn classes(rows: &[LabelledText<Self::Label>]) -> Result<Option<Vec<usize>>, TrainError>;

    /// The task as the configuration and the training rows have it.
    fn of_rows(parts: &TaskParts<'_, Self::Label>) -> Result<Self, TrainError>;

    /// What a model should say about rows of `source`.
    fn targets_of<'a>(
        &self,
        rows: impl Iterator<Item = &'a LabelledText<Self::Label>>,
        source: &Source<Self::Label>,
    ) -> Result<Vec<Self::Target>, TrainError>;

    /// The task with what follows from the targets of the training rows.
    fn weighted(self, _: &RunConfig, _: &[Self::Target]) -> Result<Self, TrainError> {
        Ok(self)
    }

    /// Names of the classes, for the report; empty where there are none.
    fn class_names(&self) -> &[String];

    /// The classes of a row, for the report.
    fn classes_of(target: &Self::Target) -> Vec<usize>;

    /// A target for people and other programs.
    fn shown(&self, target: &Self::Target) -> ShownTarget;
}

/// What a task is made of.
pub(crate) struct TaskParts<'a, L> {
    pub(crate) config: &'a RunConfig,
    pub(crate) checkpoint: &'a Checkpoint,
    pub(crate) max_length: usize,
    /// Where longer texts are read in windows, how many tokens a window repeats.
    pub(crate) stride: Option<usize>,
    /// The names of the classes where the training file has them.
    pub(crate) class_names: Option<Vec<String>>,
    /// The training rows.
    pub(crate) rows: Vec<&'a LabelledText<L>>,
}

impl<L> TaskParts<'_, L> {
    /// The labels by id: in the order of the checkpoint or of the file if one of them names all that
    /// occur, otherwise those of the training rows in an order of their own.
    pub(crate) fn labels<'a>(
        &self,
        observed: impl Iterator<Item = &'a str>,
    ) -> Result<LabelSet, TrainError> {
        let observed = LabelSet::from_observed(observed)?;
        let covers = |set: &LabelSet| observed.names().iter().all(|name| set.id(name).is_some());
        if let Some(names) = self
            .class_names
            .clone()
            .map(LabelSet::from_names)
            .transpose()?
            .filter(covers)
        {
            return Ok(names);
        }
        Ok(match self.checkpoint.labels()? {
            // A head for more labels than the data have would train the others away.
            Some(names) if covers(&names) && names.len() == observed.len() => names,
            _ => observed,
        })
    }
}

impl<T: LabelledTask> Prepare for T {
    fn shown_target(&self, target: &T::Target) -> ShownTarget {
        self.shown(target)
    }

    /// Encodes all texts.
    fn prepare(
        config: &mut RunConfig,
        checkpoint: &Checkpoint,
        tokenizer: &Tokenizer,
        _: Option<&Path>,
        observer: &mut dyn Observer,
        _: &StopFlag,
    ) -> Result<Option<Prepared<Self>>, TrainError> {
        let max_length = max_length(config, checkpoint.encoder_config(), tokenizer)?;
        config.data.max_length = Some(max_length);
        let stride = stride(config, max_length);
        config.data.stride = stride;
        let limits = Limits { max_length, stride };
        limits.check(tokenizer)?;
        let (sources, class_names) = read_sources::<T::Label>(config, observer)?;
        let splits = split(config, &sources, T::classes)?;
        warn_of_overlaps(&sources, &splits, observer);
        let task = T::of_rows(&TaskParts {
            config,
            checkpoint,
            max_length,
            stride,
            class_names,
            rows: rows(&splits[0], &sources[0]).collect(),
        })?;
        // Wrong labels are found before minutes are spent on encoding.
        let targets = splits
            .iter()
            .map(|split| {
                let source = &sources[split.source];
                task.targets_of(rows(split, source), source)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let task = task.weighted(config, &targets[0])?;
        let mut encoded = encode(tokenizer, limits, &sources, &splits, targets, observer)?;
        report::<T>(config, &task, limits, &encoded, observer);
        let fingerprints = fingerprints(config, tokenizer)?;
        // `encoded` holds train, validation and test, in this order, as `split` made them.
        let (test, validation) = (encoded.remove(2), encoded.remove(1));
        let data = Data {
            train: encoded.remove(0),
            validation,
            test,
            fingerprints,
        };
        Ok(Some(Prepared { task, data }))
    }
}

/// Tokens that a window repeats, where long texts are read in windows.
fn stride(config: &RunConfig, max_length: usize) -> Option<usize> {
    match config.data.long_texts {
        LongTextsConfig::Cut => None,
        LongTextsConfig::Windows => config.data.stride.or(Some(usual_stride(max_length))),
    }
}

/// How much is read of a text at once.
#[derive(Clone, Copy)]
struct Limits {
    /// Tokens, special tokens included.
    max_length: usize,
    /// Tokens that a window repeats of the one before; `None` where longer texts are cut.
    stride: Option<usize>,
}

impl Limits {
    /// Refuses windows that could not go forward, also where no text has several so far.
    fn check(self, tokenizer: &Tokenizer) -> Result<(), TrainError> {
        let Some(stride) = self.stride else {
            return Ok(());
        };
        let special = tokenizer
            .encode(&"".into(), &EncodeOptions::default())?
            .len();
        let window = self.max_length.saturating_sub(special);
        if stride >= window {
            return Err(TokenizerError::Stride { window, stride }.into());
        }
        Ok(())
    }
}

fn rows<'a, L>(
    split: &'a RowSplit,
    source: &'a Source<L>,
) -> impl Iterator<Item = &'a LabelledText<L>> {
    split.rows.iter().map(|&row| &source.rows[row])
}

fn encode<L, T: Clone + std::fmt::Debug + Send + Sync + 'static>(
    tokenizer: &Tokenizer,
    limits: Limits,
    sources: &[Source<L>],
    splits: &[RowSplit],
    targets: Vec<Vec<T>>,
    observer: &mut dyn Observer,
) -> Result<Vec<SplitData<T>>, TrainError> {
    let total = splits.iter().map(|split| split.rows.len()).sum();
    let mut before = 0;
    let mut encoded = Vec::with_capacity(splits.len());
    for (split, targets) in splits.iter().zip(targets) {
        let source = &sources[split.source];
        let texts: Vec<_> = rows(split, source).map(text_input).collect();
        let Limits { max_length, stride } = limits;
        let examples = encode_windows(tokenizer, &texts, max_length, stride, |done| {
            let done = before + done;
            observer.observe(&Event::Encoding { done, total });
        })?;
        before += texts.len();
        encoded.push(SplitData {
            file: source.file.clone(),
            examples: Arc::new(with_targets(examples, targets.into_iter())),
            origins: split.rows.iter().map(|&row| source.origin(row)).collect(),
        });
    }
    Ok(encoded)
}

fn report<T: LabelledTask>(
    config: &RunConfig,
    task: &T,
    limits: Limits,
    splits: &[SplitData<T::Target>],
    observer: &mut dyn Observer,
) {
    let Limits { max_length, stride } = limits;
    let mut report = DatasetReport::new(task.class_names(), Some(max_length))
        .with_windows(stride)
        .with_coverage(config.data.coverage);
    let mut windows = 0;
    let names = [SplitName::Train, SplitName::Validation, SplitName::Test];
    for (name, split) in names.into_iter().zip(splits) {
        let examples = split.examples.in_memory().unwrap_or_default();
        if !examples.is_empty() {
            let rows = examples.iter();
            let rows = rows.map(|example| (example.facts, T::classes_of(&example.target)));
            report.add_split_of_several(name.name(), rows);
            windows += examples
                .iter()
                .map(|example| example.windows.len())
                .sum::<usize>();
        }
    }
    observer.observe(&Event::Report(&report));
    let texts = report.splits.iter().map(|split| split.cut.count).sum();
    let total = report.splits.iter().map(|split| split.rows).sum();
    if texts > 0 {
        let warning = match stride {
            None => Warning::CutTexts {
                texts,
                total,
                max_length,
            },
            Some(_) => Warning::TextWindows {
                texts,
                windows,
                total,
                max_length,
            },
        };
        observer.observe(&Event::Warning(warning));
    }
    warn_of_unknown_tokens(&report, observer);
}
