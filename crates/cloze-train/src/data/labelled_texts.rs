//! From rows of labelled texts to encoded splits: what the tasks with one prediction for a whole
//! text share.

use std::collections::BTreeSet;
use std::path::Path;

use cloze_core::LabelSet;
use cloze_data::readers::{Label, LabelledText};
use cloze_data::records::{Record, Records};
use cloze_data::reports::{DatasetReport, SplitCounts};
use cloze_data::tokenizer::{EncodeOptions, Tokenizer, TokenizerError};
use cloze_model::checkpoint::Checkpoint;
use cloze_tasks::encoding::{encode_windows, usual_stride, with_targets};
use cloze_tasks::{Task, text_input};

use super::sources::{RowSplit, Source, read_sources, split, warn_of_overlaps};
use super::splits::{SplitWriter, records_folder};
use super::{Data, Prepare, Prepared, SplitData, fingerprints, max_length, warn_of_unknown_tokens};
use crate::StopFlag;
use crate::config::{LongTextsConfig, RunConfig};
use crate::error::TrainError;
use crate::events::{Event, Observer, SplitName, Warning};
use crate::shown::ShownTarget;

/// Rows that are read and encoded together.
const CHUNK: usize = 4096;

/// A task over texts, or pairs of texts, that each have a label of some kind.
pub(crate) trait LabelledTask: Task<Target: Record + 'static> + Clone {
    /// What stands in a row's label.
    type Label: Label + Record + 'static;

    /// A class for every row, of which each split gets its share; `None` where rows have no
    /// classes.
    fn classes(rows: &Records<LabelledText<Self::Label>>)
    -> Result<Option<Vec<usize>>, TrainError>;

    /// The names of classes in a row's label.
    fn names_in(label: &Self::Label) -> &[String];

    /// The task as the configuration and the training rows have it.
    fn of_rows(parts: &TaskParts<'_>) -> Result<Self, TrainError>;

    /// What a model should say about rows of `source`.
    fn targets_of(
        &self,
        rows: &[LabelledText<Self::Label>],
        source: &Source<Self::Label>,
    ) -> Result<Vec<Self::Target>, TrainError>;

    /// Whether anything follows from the targets of the training rows.
    fn is_weighted(_: &RunConfig) -> bool {
        false
    }

    /// The task with what does.
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
pub(crate) struct TaskParts<'a> {
    pub(crate) config: &'a RunConfig,
    pub(crate) checkpoint: &'a Checkpoint,
    pub(crate) max_length: usize,
    /// Where longer texts are read in windows, how many tokens a window repeats.
    pub(crate) stride: Option<usize>,
    /// The names of the classes where the training file has them.
    pub(crate) class_names: Option<Vec<String>>,
    /// The names of the classes in the training rows.
    pub(crate) observed: BTreeSet<String>,
}

impl TaskParts<'_> {
    /// The labels by id: in the order of the checkpoint or of the file if one of them names all that
    /// occur, otherwise those of the training rows in an order of their own.
    pub(crate) fn labels(&self) -> Result<LabelSet, TrainError> {
        let observed = self.observed.iter().map(String::as_str);
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

    /// Encodes all texts. Rows and examples are kept on the disk, if they are many.
    fn prepare(
        config: &mut RunConfig,
        checkpoint: &Checkpoint,
        tokenizer: &Tokenizer,
        cache: Option<&Path>,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<Option<Prepared<Self>>, TrainError> {
        let max_length = max_length(config, checkpoint.encoder_config(), tokenizer)?;
        config.data.max_length = Some(max_length);
        let stride = stride(config, max_length);
        config.data.stride = stride;
        let limits = Limits { max_length, stride };
        limits.check(tokenizer)?;
        let folder = records_folder(cache);
        let (sources, class_names) = read_sources::<T::Label>(config, &folder, observer)?;
        let splits = split(config, &sources, T::classes)?;
        warn_of_overlaps(&sources, &splits, observer)?;
        let task = T::of_rows(&TaskParts {
            config,
            checkpoint,
            max_length,
            stride,
            class_names,
            observed: observed::<T>(&splits[0], &sources[0])?,
        })?;
        // Wrong labels are found before minutes are spent on encoding.
        let task = check_targets(task, config, &splits, &sources)?;
        let encoding = Encoding {
            task: &task,
            tokenizer,
            limits,
            folder: &folder,
            total: splits.iter().map(|split| split.rows.len()).sum(),
        };
        let mut report = DatasetReport::new(task.class_names(), Some(max_length))
            .with_windows(stride)
            .with_coverage(config.data.coverage);
        let all = encoding.splits(&splits, &sources, &mut report, observer, stop)?;
        let Some((mut encoded, windows)) = all else {
            return Ok(None);
        };
        tell(&report, limits, windows, observer);
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

/// The names of classes in the rows of a split.
fn observed<T: LabelledTask>(
    split: &RowSplit,
    source: &Source<T::Label>,
) -> Result<BTreeSet<String>, TrainError> {
    let mut observed = BTreeSet::new();
    for &row in &split.rows {
        let label = source.rows.get(row)?.label;
        for name in label.as_ref().map_or(&[][..], T::names_in) {
            if !observed.contains(name) {
                observed.insert(name.clone());
            }
        }
    }
    Ok(observed)
}

/// Some rows of a source, by their places in it.
fn rows<L: Record>(
    places: &[usize],
    source: &Source<L>,
) -> Result<Vec<LabelledText<L>>, TrainError> {
    let rows = places.iter().map(|&row| Ok(source.rows.get(row)?));
    rows.collect()
}

/// The task with what follows from the training rows, whose targets are all right, as are those of the
/// others.
fn check_targets<T: LabelledTask>(
    task: T,
    config: &RunConfig,
    splits: &[RowSplit],
    sources: &[Source<T::Label>],
) -> Result<T, TrainError> {
    let mut training = Vec::new();
    for split in splits {
        let source = &sources[split.source];
        for places in split.rows.chunks(CHUNK) {
            let targets = task.targets_of(&rows(places, source)?, source)?;
            if split.name == SplitName::Train && T::is_weighted(config) {
                training.extend(targets);
            }
        }
    }
    task.weighted(config, &training)
}

/// Rows that have become examples.
struct EncodedSplit<T: Clone> {
    data: SplitData<T>,
    /// What a report says of them.
    counts: SplitCounts,
    /// Of the long texts among them.
    windows: usize,
}

/// All splits, and the windows of their long texts.
type EncodedSplits<T> = (Vec<SplitData<T>>, usize);

/// How rows become examples.
struct Encoding<'a, T> {
    task: &'a T,
    tokenizer: &'a Tokenizer,
    limits: Limits,
    folder: &'a Path,
    /// Rows of all splits.
    total: usize,
}

impl<T: LabelledTask> Encoding<'_, T> {
    /// All splits, which `report` is told of; `None` if asked to stop.
    fn splits(
        &self,
        splits: &[RowSplit],
        sources: &[Source<T::Label>],
        report: &mut DatasetReport,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<Option<EncodedSplits<T::Target>>, TrainError> {
        let mut encoded = Vec::with_capacity(splits.len());
        let (mut done, mut windows) = (0, 0);
        for split in splits {
            let source = &sources[split.source];
            let found = self.split(split, source, &mut done, observer, stop)?;
            let Some(found) = found else {
                return Ok(None);
            };
            windows += found.windows;
            if found.counts.rows() > 0 {
                report.add_counts(split.name.name(), &found.counts);
            }
            encoded.push(found.data);
        }
        Ok(Some((encoded, windows)))
    }

    /// A split; `None` if asked to stop. `done` counts the rows of all splits.
    fn split(
        &self,
        split: &RowSplit,
        source: &Source<T::Label>,
        done: &mut usize,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<Option<EncodedSplit<T::Target>>, TrainError> {
        let mut writer = SplitWriter::new(self.folder);
        let mut counts = SplitCounts::new(self.task.class_names().len());
        let (mut number, mut windows) = (0, 0);
        let Limits { max_length, stride } = self.limits;
        for places in split.rows.chunks(CHUNK) {
            if stop.is_requested() {
                return Ok(None);
            }
            let rows = rows(places, source)?;
            let texts: Vec<_> = rows.iter().map(text_input).collect();
            let examples = encode_windows(self.tokenizer, &texts, max_length, stride, |_| ())?;
            let targets = self.task.targets_of(&rows, source)?;
            let examples = with_targets(examples, targets.into_iter());
            for ((mut example, row), &place) in examples.into_iter().zip(&rows).zip(places) {
                example.row = number;
                number += 1;
                windows += example.windows.len();
                counts.add(example.facts, T::classes_of(&example.target));
                writer.push(&example, &source.origin(place, row))?;
            }
            *done += places.len();
            observer.observe(&Event::Encoding {
                done: *done,
                total: self.total,
            });
        }
        let data = writer.finish(&source.file)?;
        Ok(Some(EncodedSplit {
            data,
            counts,
            windows,
        }))
    }
}

fn tell(report: &DatasetReport, limits: Limits, windows: usize, observer: &mut dyn Observer) {
    let Limits { max_length, stride } = limits;
    observer.observe(&Event::Report(report));
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
    warn_of_unknown_tokens(report, observer);
}
