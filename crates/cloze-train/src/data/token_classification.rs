//! From sentences of tagged words to encoded splits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cloze_core::{InputError, LabelSet};
use cloze_data::readers::tagged::{
    StoredSentences, TagReadOptions, TaggedSentence, store_tagged_sentences,
};
use cloze_data::records::Records;
use cloze_data::reports::{DatasetReport, SplitCounts};
use cloze_data::splits::OverlapFinder;
use cloze_data::tags::TagScheme;
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::Checkpoint;
use cloze_tasks::{TagTarget, Task, TokenClassification};

use super::sources::{RowSplit, split_rows, tell_of_overlaps};
use super::splits::{RowNumbers, SplitWriter, records_folder};
use super::{
    Data, Prepare, Prepared, RowOrigin, SplitData, fingerprints, max_length, warn_of_unknown_tokens,
};
use crate::StopFlag;
use crate::config::{BestMetric, RunConfig};
use crate::error::TrainError;
use crate::events::{Event, Observer, SplitName, Warning};
use crate::shown::ShownTarget;

/// Sentences that are read and encoded together.
const CHUNK: usize = 4096;

impl Prepare for TokenClassification {
    fn shown_target(&self, target: &TagTarget) -> ShownTarget {
        let labels = target.label_ids();
        let name = |&id: &i64| {
            let id = usize::try_from(id).ok();
            id.and_then(|id| self.labels().name(id).map(str::to_owned))
        };
        ShownTarget::Tags {
            tags: labels.iter().map(name).collect(),
            labels,
        }
    }

    /// Encodes all sentences. They and their examples are kept on the disk, if they are many.
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
        let folder = records_folder(cache);
        let (sources, tag_names) = read_sources(config, &folder, observer)?;
        let lengths: Vec<usize> = sources.iter().map(|file| file.sentences.len()).collect();
        let splits = split_rows(config, &lengths, None)?;
        warn_of_overlaps(&sources, &splits, observer)?;
        let labels = labels(config, checkpoint, tag_names, &sources[0], &splits[0])?;
        let task = Self::new(labels, max_length)
            .with_labelled_sub_words(config.tags.sub_words.into())
            .with_overlap(config.tags.overlap);
        refuse_other_metric(&task, config)?;
        // Wrong tags are found before minutes are spent on encoding.
        let is_weighted = config.loss.class_weights.is_some();
        let mut weighing = Vec::new();
        for split in &splits {
            let source = &sources[split.source];
            for places in split.rows.chunks(CHUNK) {
                let targets = source.targets(&task, &source.sentences(places)?)?;
                if is_weighted && split.name == SplitName::Train {
                    weighing.extend(targets.into_iter().flatten());
                }
            }
        }
        let task = weighted(task, config, &weighing)?;
        let encoding = Encoding {
            task: &task,
            tokenizer,
            folder: &folder,
            total: splits.iter().map(|split| split.rows.len()).sum(),
        };
        let mut report = DatasetReport::new(&[], None).with_coverage(config.data.coverage);
        let mut encoded = Vec::with_capacity(splits.len());
        let (mut done, mut long, mut total) = (0, 0, 0);
        for split in &splits {
            let source = &sources[split.source];
            let found = encoding.split(split, source, &mut done, observer, stop)?;
            let Some((data, counts)) = found else {
                return Ok(None);
            };
            if counts.rows() > 0 {
                report.add_counts(split.name.name(), &counts);
            }
            long += counts.longer_than(max_length);
            total += counts.rows();
            encoded.push(data);
        }
        tell(&report, [long, total, max_length], observer);
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

/// The task with what the configuration says of its loss; `targets` are the labels of the training
/// sentences' words.
fn weighted(
    task: TokenClassification,
    config: &RunConfig,
    targets: &[usize],
) -> Result<TokenClassification, TrainError> {
    let task = task.with_label_smoothing(config.loss.label_smoothing);
    Ok(match &config.loss.class_weights {
        None => task,
        Some(weights) => task.with_class_weights(&weights.into(), targets)?,
    })
}

/// The metrics that choose the best epoch, and end the run, must be ones that these labels have.
fn refuse_other_metric(task: &TokenClassification, config: &RunConfig) -> Result<(), InputError> {
    let stopping = config.train.early_stopping.as_ref();
    let chosen = [
        ("train.best", Some(config.best())),
        (
            "train.early_stopping.metric",
            stopping.and_then(|stopping| stopping.metric),
        ),
    ];
    for (key, metric) in chosen {
        let name = metric.map(BestMetric::name);
        if let Some(name) = name.filter(|name| task.direction(name).is_none()) {
            let found = format!("tags of the scheme {}", task.scheme().name());
            let wanted = format!("bio or bioes, which alone have {name:?}, or another metric");
            return Err(InputError::new(config.data.train.first(), found, wanted).in_field(key));
        }
    }
    Ok(())
}

/// A file's sentences.
struct Source {
    file: PathBuf,
    /// The column of the tags.
    column: String,
    scheme: TagScheme,
    sentences: Records<TaggedSentence>,
    /// Numbers of the sentences in the file; those that were skipped count.
    numbers: RowNumbers,
}

impl Source {
    /// Some sentences, by their places.
    fn sentences(&self, places: &[usize]) -> Result<Vec<TaggedSentence>, TrainError> {
        let sentences = places.iter().map(|&row| Ok(self.sentences.get(row)?));
        sentences.collect()
    }

    fn targets(
        &self,
        task: &TokenClassification,
        sentences: &[TaggedSentence],
    ) -> Result<Vec<Vec<usize>>, TrainError> {
        Ok(task.targets(sentences, self.scheme, &self.file, &self.column)?)
    }

    /// Where a sentence comes from.
    fn origin(&self, place: usize, sentence: &TaggedSentence) -> RowOrigin {
        RowOrigin {
            row: self.numbers.number(place, sentence.line),
            line: sentence.line,
            id: sentence.id.clone(),
        }
    }
}

/// The training file first, then those of validation and test if there are any, and the names of
/// the tags where they were given or the training file has them. Columns and scheme that were
/// found in the training file are those of the other files.
fn read_sources(
    config: &mut RunConfig,
    folder: &Path,
    observer: &mut dyn Observer,
) -> Result<(Vec<Source>, Option<Vec<String>>), TrainError> {
    let (data, tags) = (&mut config.data, &mut config.tags);
    let mut options = TagReadOptions {
        words: data.text.clone(),
        tags: data.label.clone(),
        id: data.id.clone(),
        tag_names: tags.names.clone(),
        scheme: tags.scheme.map(Into::into),
        bad_rows: data.bad_rows.into(),
    };
    let training = store_tagged_sentences::<TrainError>(data.train.first(), &options, folder)?;
    options.words = Some(training.columns.words.clone());
    options.tags = Some(training.columns.tags.clone());
    options.scheme = Some(training.scheme);
    data.text.clone_from(&options.words);
    data.label.clone_from(&options.tags);
    tags.scheme = Some(training.scheme.into());
    let tag_names = training.tag_names.clone();
    let mut sources = vec![source(data.train.first().into(), training, observer)];
    for file in [&data.validation, &data.test].into_iter().flatten() {
        let sentences = store_tagged_sentences::<TrainError>(file, &options, folder)?;
        sources.push(source(file.clone(), sentences, observer));
    }
    Ok((sources, tag_names))
}

fn source(file: PathBuf, read: StoredSentences, observer: &mut dyn Observer) -> Source {
    if !read.skipped.is_empty() {
        observer.observe(&Event::Warning(Warning::SkippedRows(&read.skipped)));
    }
    Source {
        file,
        column: read.columns.tags,
        scheme: read.scheme,
        sentences: read.sentences,
        numbers: RowNumbers::new(read.skipped.iter().filter_map(|error| error.line)),
    }
}

fn warn_of_overlaps(
    sources: &[Source],
    splits: &[RowSplit],
    observer: &mut dyn Observer,
) -> Result<(), TrainError> {
    let mut finder = OverlapFinder::default();
    for split in splits {
        finder.begin(split.name.name());
        for &row in &split.rows {
            let sentence = sources[split.source].sentences.get(row)?;
            finder.see(&sentence.words.join(" "), None);
        }
    }
    tell_of_overlaps(finder, observer);
    Ok(())
}

/// The labels by id: as they were given or as the file has them, or in the order of the
/// checkpoint, if these name all that occur; otherwise every tag of each type of entity.
fn labels(
    config: &RunConfig,
    checkpoint: &Checkpoint,
    tag_names: Option<Vec<String>>,
    source: &Source,
    training: &RowSplit,
) -> Result<LabelSet, TrainError> {
    let learnt = match (config.tags.convert, source.scheme) {
        (Some(scheme), _) => scheme.into(),
        (None, TagScheme::Iob1) => TagScheme::Bio,
        (None, scheme) => scheme,
    };
    let mut observed = BTreeSet::new();
    for &row in &training.rows {
        let sentence = source.sentences.get(row)?;
        let converted = source.scheme.convert(&sentence.tags, learnt);
        let error = |error| sentence.error(&source.file, &source.column, &error);
        observed.extend(converted.map_err(error)?);
    }
    let observed = || observed.iter().map(String::as_str);
    let covers = |set: &LabelSet| observed().all(|name| set.id(name).is_some());
    if let Some(names) = tag_names
        .map(LabelSet::from_names)
        .transpose()?
        .filter(covers)
    {
        return Ok(names);
    }
    let complete = LabelSet::from_names(learnt.labels(observed()))?;
    Ok(match checkpoint.labels()? {
        // A head for more labels than the data have would train the others away.
        Some(names)
            if checkpoint.is_token_classifier()
                && covers(&names)
                && names.len() <= complete.len() =>
        {
            names
        }
        _ => complete,
    })
}

/// How sentences become examples.
struct Encoding<'a> {
    task: &'a TokenClassification,
    tokenizer: &'a Tokenizer,
    folder: &'a Path,
    /// Sentences of all splits.
    total: usize,
}

impl Encoding<'_> {
    /// A split, and what a report says of its sentences; `None` if asked to stop. `done` counts the
    /// sentences of all splits.
    fn split(
        &self,
        split: &RowSplit,
        source: &Source,
        done: &mut usize,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<Option<(SplitData<TagTarget>, SplitCounts)>, TrainError> {
        let mut writer = SplitWriter::new(self.folder);
        let mut counts = SplitCounts::default();
        let mut last = None;
        for (chunk, places) in split.rows.chunks(CHUNK).enumerate() {
            if stop.is_requested() {
                return Ok(None);
            }
            let first = chunk * CHUNK;
            let sentences = source.sentences(places)?;
            let targets = source.targets(self.task, &sentences)?;
            let words = sentences.iter().map(|sentence| sentence.words.as_slice());
            let tokenizer = self.tokenizer;
            let task = self.task;
            for example in task.examples_from(first, tokenizer, words, &targets, |_| ())? {
                // A report tells of sentences, not of their windows.
                if last != Some(example.row) {
                    counts.add(example.facts, None);
                    last = Some(example.row);
                }
                let place = example.row - first;
                let origin = source.origin(places[place], &sentences[place]);
                writer.push(&example, &origin)?;
            }
            *done += places.len();
            observer.observe(&Event::Encoding {
                done: *done,
                total: self.total,
            });
        }
        Ok(Some((writer.finish(&source.file)?, counts)))
    }
}

/// `[long, total, max_length]`: how many sentences are longer than a window, of how many, and its
/// length.
fn tell(
    report: &DatasetReport,
    [sentences, total, max_length]: [usize; 3],
    observer: &mut dyn Observer,
) {
    observer.observe(&Event::Report(report));
    if sentences > 0 {
        observer.observe(&Event::Warning(Warning::Windows {
            sentences,
            total,
            max_length,
        }));
    }
    warn_of_unknown_tokens(report, observer);
}
