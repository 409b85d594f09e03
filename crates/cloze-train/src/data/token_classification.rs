//! From sentences of tagged words to encoded splits.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloze_core::{InputError, LabelSet};
use cloze_data::readers::LabelledText;
use cloze_data::readers::tagged::{
    TagReadOptions, TaggedSentence, TaggedSentences, read_tagged_sentences,
};
use cloze_data::reports::DatasetReport;
use cloze_data::splits::texts_in_two_splits;
use cloze_data::tags::TagScheme;
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::Checkpoint;
use cloze_tasks::{Example, TagTarget, Task, TokenClassification};

use super::sources::{RowSplit, split_rows};
use super::{
    Data, Prepare, Prepared, RowOrigin, SplitData, fingerprints, max_length, warn_of_unknown_tokens,
};
use crate::StopFlag;
use crate::config::RunConfig;
use crate::error::TrainError;
use crate::events::{Event, Observer, SplitName, Warning};
use crate::shown::ShownTarget;

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

    /// Encodes all sentences.
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
        let (sources, tag_names) = read_sources(config, observer)?;
        let lengths: Vec<usize> = sources.iter().map(|file| file.sentences.len()).collect();
        let splits = split_rows(config, &lengths, None)?;
        warn_of_overlaps(&sources, &splits, observer);
        let training = splits[0].rows.iter().map(|&row| &sources[0].sentences[row]);
        let labels = labels(config, checkpoint, tag_names, &sources[0], training)?;
        let task = Self::new(labels, max_length)
            .with_labelled_sub_words(config.tags.sub_words.into())
            .with_overlap(config.tags.overlap);
        refuse_other_metric(&task, config)?;
        // Wrong tags are found before minutes are spent on encoding.
        let targets = splits
            .iter()
            .map(|split| targets(&task, split, &sources))
            .collect::<Result<Vec<_>, _>>()?;
        let mut encoded = encode(&task, tokenizer, &sources, &splits, &targets, observer)?;
        report(config, max_length, &encoded, observer);
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

/// The metric that chooses the best epoch must be one that these labels have.
fn refuse_other_metric(task: &TokenClassification, config: &RunConfig) -> Result<(), InputError> {
    let best = config.best().name();
    if task.direction(best).is_some() {
        return Ok(());
    }
    let found = format!("tags of the scheme {}", task.scheme().name());
    let wanted = format!("bio or bioes, which alone have {best:?}, or another metric");
    Err(InputError::new(config.data.train.first(), found, wanted).in_field("train.best"))
}

/// A file's sentences.
struct Source {
    file: PathBuf,
    /// The column of the tags.
    column: String,
    scheme: TagScheme,
    sentences: Vec<TaggedSentence>,
    /// Numbers of the sentences in the file; those that were skipped count.
    numbers: Vec<usize>,
}

fn targets(
    task: &TokenClassification,
    split: &RowSplit,
    sources: &[Source],
) -> Result<Vec<Vec<usize>>, TrainError> {
    let source = &sources[split.source];
    let sentences = split.rows.iter().map(|&row| &source.sentences[row]);
    Ok(task.targets(sentences, source.scheme, &source.file, &source.column)?)
}

/// The training file first, then those of validation and test if there are any, and the names of
/// the tags where they were given or the training file has them. Columns and scheme that were
/// found in the training file are those of the other files.
fn read_sources(
    config: &mut RunConfig,
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
    let training = read_tagged_sentences(data.train.first(), &options)?;
    options.words = Some(training.columns.words.clone());
    options.tags = Some(training.columns.tags.clone());
    options.scheme = Some(training.scheme);
    data.text.clone_from(&options.words);
    data.label.clone_from(&options.tags);
    tags.scheme = Some(training.scheme.into());
    let tag_names = training.tag_names.clone();
    let mut sources = vec![source(data.train.first().into(), training, observer)];
    for file in [&data.validation, &data.test].into_iter().flatten() {
        let sentences = read_tagged_sentences(file, &options)?;
        sources.push(source(file.clone(), sentences, observer));
    }
    Ok((sources, tag_names))
}

fn source(file: PathBuf, read: TaggedSentences, observer: &mut dyn Observer) -> Source {
    if !read.skipped.is_empty() {
        observer.observe(&Event::Warning(Warning::SkippedRows(&read.skipped)));
    }
    let skipped = read.skipped.iter().filter_map(|error| error.line);
    let numbers = super::row_numbers(read.sentences.iter().map(|sentence| sentence.line), skipped);
    Source {
        file,
        column: read.columns.tags,
        scheme: read.scheme,
        sentences: read.sentences,
        numbers,
    }
}

fn warn_of_overlaps(sources: &[Source], splits: &[RowSplit], observer: &mut dyn Observer) {
    let texts: Vec<(&str, Vec<LabelledText>)> = splits
        .iter()
        .map(|split| {
            let text = |&row: &usize| {
                let sentence = &sources[split.source].sentences[row];
                LabelledText {
                    text: sentence.words.join(" "),
                    text_pair: None,
                    label: None,
                    id: None,
                    line: sentence.line,
                }
            };
            (split.name.name(), split.rows.iter().map(text).collect())
        })
        .collect();
    for overlap in texts_in_two_splits(texts.iter().map(|(name, rows)| (*name, rows))) {
        observer.observe(&Event::Warning(Warning::TextsInTwoSplits(&overlap)));
    }
}

/// The labels by id: as they were given or as the file has them, or in the order of the
/// checkpoint, if these name all that occur; otherwise every tag of each type of entity.
fn labels<'a>(
    config: &RunConfig,
    checkpoint: &Checkpoint,
    tag_names: Option<Vec<String>>,
    source: &Source,
    sentences: impl Iterator<Item = &'a TaggedSentence>,
) -> Result<LabelSet, TrainError> {
    let learnt = match (config.tags.convert, source.scheme) {
        (Some(scheme), _) => scheme.into(),
        (None, TagScheme::Iob1) => TagScheme::Bio,
        (None, scheme) => scheme,
    };
    let mut observed = Vec::new();
    for sentence in sentences {
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

fn encode(
    task: &TokenClassification,
    tokenizer: &Tokenizer,
    sources: &[Source],
    splits: &[RowSplit],
    targets: &[Vec<Vec<usize>>],
    observer: &mut dyn Observer,
) -> Result<Vec<SplitData<TagTarget>>, TrainError> {
    let total = splits.iter().map(|split| split.rows.len()).sum();
    let mut before = 0;
    let mut encoded = Vec::with_capacity(splits.len());
    for (split, targets) in splits.iter().zip(targets) {
        let source = &sources[split.source];
        let sentences = split.rows.iter().map(|&row| &source.sentences[row]);
        let words = sentences.map(|sentence| sentence.words.as_slice());
        let examples = task.examples(tokenizer, words, targets, |done| {
            let done = before + done;
            observer.observe(&Event::Encoding { done, total });
        })?;
        before += split.rows.len();
        let origin = |example: &Example<TagTarget>| {
            let row = split.rows[example.row];
            RowOrigin {
                row: source.numbers[row],
                line: source.sentences[row].line,
                id: source.sentences[row].id.clone(),
            }
        };
        encoded.push(SplitData {
            file: source.file.clone(),
            origins: examples.iter().map(origin).collect(),
            examples: Arc::new(examples),
        });
    }
    Ok(encoded)
}

/// Tells of sentences, not of their windows.
fn report(
    config: &RunConfig,
    max_length: usize,
    splits: &[SplitData<TagTarget>],
    observer: &mut dyn Observer,
) {
    let mut report = DatasetReport::new(&[], None).with_coverage(config.data.coverage);
    let names = [SplitName::Train, SplitName::Validation, SplitName::Test];
    let (mut long, mut total) = (0, 0);
    for (name, split) in names.into_iter().zip(splits) {
        let examples = split.examples.in_memory().unwrap_or_default();
        let mut sentences: Vec<&Example<TagTarget>> = examples.iter().collect();
        sentences.dedup_by_key(|example| example.row);
        if !sentences.is_empty() {
            report.add_split(name.name(), sentences.iter().map(|example| example.facts));
        }
        let is_long = |example: &&&Example<TagTarget>| example.facts.length > max_length;
        long += sentences.iter().filter(is_long).count();
        total += sentences.len();
    }
    observer.observe(&Event::Report(&report));
    if long > 0 {
        observer.observe(&Event::Warning(Warning::Windows {
            sentences: long,
            total,
            max_length,
        }));
    }
    warn_of_unknown_tokens(&report, observer);
}
