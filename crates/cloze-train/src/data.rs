//! From files and columns to encoded splits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cloze_core::{EncoderConfig, LabelSet};
use cloze_data::fingerprint::file_fingerprint;
use cloze_data::readers::{
    BadRows, LabelledText, LabelledTexts, Labels, TextColumns, TextReadOptions, Value,
    read_labelled_texts,
};
use cloze_data::reports::{DatasetReport, ExampleFacts};
use cloze_data::splits::{Split, split_by_ratio, texts_in_two_splits};
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::Checkpoint;
use cloze_tasks::encoding::{encode_texts, with_targets};
use cloze_tasks::text_classification::text_input;
use cloze_tasks::{ClassWeights, Example, TextClassification};

use crate::config::{BadRowsConfig, ClassWeightsConfig, RunConfig};
use crate::error::TrainError;
use crate::events::{Event, Observer, SplitName, Warning};
use crate::head::head_config;
use crate::run_folder::Splits;
use crate::state::Fingerprints;

/// Share of unknown tokens from which a user is warned.
const MANY_UNKNOWN: f64 = 0.05;

/// Encoded rows of one split.
#[derive(Debug)]
pub(crate) struct SplitData<T> {
    pub(crate) file: PathBuf,
    pub(crate) examples: Vec<Example<T>>,
    /// Where each example comes from.
    pub(crate) origins: Vec<RowOrigin>,
}

/// Where an example comes from.
#[derive(Clone, Debug)]
pub(crate) struct RowOrigin {
    /// Number of the row in its file, from 0; rows that were skipped count.
    pub(crate) row: usize,
    /// Line of the file, from 1.
    pub(crate) line: usize,
    /// The row's own identifier.
    pub(crate) id: Option<Value>,
}

/// All splits; a split without rows is empty.
#[derive(Debug)]
pub(crate) struct Data<T> {
    pub(crate) train: SplitData<T>,
    pub(crate) validation: SplitData<T>,
    pub(crate) test: SplitData<T>,
    pub(crate) fingerprints: Fingerprints,
}

impl<T> Data<T> {
    /// What `splits.json` says.
    pub(crate) fn splits(&self) -> Splits<'_> {
        let rows = |split: &SplitData<T>| split.origins.iter().map(|origin| origin.row).collect();
        let named = [
            ("train", &self.train),
            ("validation", &self.validation),
            ("test", &self.test),
        ];
        Splits {
            train: rows(&self.train),
            validation: rows(&self.validation),
            test: rows(&self.test),
            files: named
                .into_iter()
                .filter(|(_, split)| !split.origins.is_empty())
                .map(|(name, split)| (name, split.file.as_path()))
                .collect::<BTreeMap<_, _>>(),
        }
    }
}

/// A file's rows.
struct Source {
    file: PathBuf,
    /// The label's column.
    column: String,
    rows: Vec<LabelledText>,
    /// Numbers of the rows in the file.
    numbers: Vec<usize>,
}

/// Rows of one split, still as texts.
struct TextSplit {
    name: SplitName,
    source: usize,
    rows: Vec<usize>,
}

/// Reads and encodes everything that the configuration names, and puts what was found out
/// (columns, the longest text) into the configuration.
pub(crate) fn prepare(
    config: &mut RunConfig,
    checkpoint: &Checkpoint,
    tokenizer: &Tokenizer,
    observer: &mut dyn Observer,
) -> Result<(TextClassification, Data<usize>), TrainError> {
    let max_length = max_length(config, checkpoint.encoder_config(), tokenizer)?;
    config.data.max_length = Some(max_length);
    let (sources, class_names) = read_sources(config, observer)?;
    let splits = split(config, &sources)?;
    warn_of_overlaps(&sources, &splits, observer);
    let train_rows = splits[0].rows.iter().map(|&row| &sources[0].rows[row]);
    let labels = labels(checkpoint, class_names, train_rows)?;
    let mut task = TextClassification::new(labels, max_length)
        .with_head(head_config(config.head.as_ref(), checkpoint)?)
        .with_label_smoothing(config.loss.label_smoothing);
    // Wrong labels are found before minutes are spent on encoding.
    let targets = splits
        .iter()
        .map(|split| split_targets(&task, split, &sources[split.source]))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(weights) = &config.loss.class_weights {
        task = task.with_class_weights(&class_weights(weights), &targets[0])?;
    }
    let mut encoded = encode(tokenizer, max_length, &sources, &splits, targets, observer)?;
    report(task.labels(), max_length, &encoded, observer);
    let fingerprints = fingerprints(config, tokenizer)?;
    // `encoded` holds train, validation and test, in this order, as `split` made them.
    let (test, validation) = (encoded.remove(2), encoded.remove(1));
    let data = Data {
        train: encoded.remove(0),
        validation,
        test,
        fingerprints,
    };
    Ok((task, data))
}

fn max_length(
    config: &RunConfig,
    encoder: &EncoderConfig,
    tokenizer: &Tokenizer,
) -> Result<usize, TrainError> {
    let limit = encoder.max_position_embeddings;
    match config.data.max_length {
        Some(found) if found > limit => Err(TrainError::MaxLength { found, limit }),
        Some(length) => Ok(length),
        None => Ok(tokenizer
            .model_max_length()
            .map_or(limit, |length| length.min(limit))),
    }
}

/// The training file first, then those of validation and test if there are any, and the names of
/// the classes where the training file has them.
fn read_sources(
    config: &mut RunConfig,
    observer: &mut dyn Observer,
) -> Result<(Vec<Source>, Option<Vec<String>>), TrainError> {
    let data = &mut config.data;
    let mut options = TextReadOptions {
        columns: TextColumns {
            text: data.text.clone(),
            text_pair: data.text_pair.clone(),
            label: data.label.clone(),
            id: data.id.clone(),
        },
        labels: Labels::Required,
        bad_rows: match data.bad_rows {
            BadRowsConfig::Stop => BadRows::Stop,
            BadRowsConfig::Skip => BadRows::Skip,
        },
        format: None,
    };
    let texts = read_labelled_texts(&data.train, &options)?;
    let found = &texts.columns;
    data.text = Some(found.text.clone());
    data.text_pair.clone_from(&found.text_pair);
    data.label.clone_from(&found.label);
    // The columns that were found in the training file are those of the other files; an id only
    // where the user named it, as test files often have one that training files lack.
    options.columns = TextColumns {
        text: data.text.clone(),
        text_pair: data.text_pair.clone(),
        label: data.label.clone(),
        id: data.id.clone(),
    };
    let class_names = texts.class_names.clone();
    let mut sources = vec![source(data.train.clone(), texts, observer)];
    for file in [&data.validation, &data.test].into_iter().flatten() {
        let texts = read_labelled_texts(file, &options)?;
        sources.push(source(file.clone(), texts, observer));
    }
    Ok((sources, class_names))
}

fn source(file: PathBuf, texts: LabelledTexts, observer: &mut dyn Observer) -> Source {
    if !texts.skipped.is_empty() {
        observer.observe(&Event::Warning(Warning::SkippedRows(&texts.skipped)));
    }
    let mut skipped = texts
        .skipped
        .iter()
        .filter_map(|error| error.line)
        .peekable();
    let mut before = 0;
    let numbers = texts
        .rows
        .iter()
        .enumerate()
        .map(|(index, row)| {
            while skipped.next_if(|line| *line < row.line).is_some() {
                before += 1;
            }
            index + before
        })
        .collect();
    Source {
        file,
        column: texts.columns.label.unwrap_or_else(|| "label".into()),
        rows: texts.rows,
        numbers,
    }
}

/// Train, validation and test.
fn split(config: &RunConfig, sources: &[Source]) -> Result<[TextSplit; 3], TrainError> {
    let all = sources[0].rows.len();
    let mut parts = match &config.data.split {
        Some(shares) => {
            let ids = class_ids(&sources[0].rows)?;
            let ids = shares.stratify.then_some(ids.as_slice());
            let seed = shares.seed.unwrap_or(config.seed);
            split_by_ratio(ids, all, shares.validation, shares.test, seed)?
        }
        None => Split {
            train: (0..all).collect(),
            ..Split::default()
        },
    };
    let mut next = 1;
    let mut from_file = |given: bool, rows: &mut Vec<usize>| {
        if !given {
            return 0;
        }
        *rows = (0..sources[next].rows.len()).collect();
        next += 1;
        next - 1
    };
    let validation = from_file(config.data.validation.is_some(), &mut parts.validation);
    let test = from_file(config.data.test.is_some(), &mut parts.test);
    let part = |name, source, rows| TextSplit { name, source, rows };
    Ok([
        part(SplitName::Train, 0, parts.train),
        part(SplitName::Validation, validation, parts.validation),
        part(SplitName::Test, test, parts.test),
    ])
}

/// Class ids among a file's own labels, to split it evenly.
fn class_ids(rows: &[LabelledText]) -> Result<Vec<usize>, TrainError> {
    let labels = LabelSet::from_observed(rows.iter().filter_map(|row| row.label.as_deref()))?;
    let id = |row: &LabelledText| row.label.as_deref().and_then(|label| labels.id(label));
    Ok(rows.iter().filter_map(id).collect())
}

fn warn_of_overlaps(sources: &[Source], splits: &[TextSplit], observer: &mut dyn Observer) {
    let rows = |split: &'_ TextSplit| {
        let source = &sources[split.source];
        split
            .rows
            .iter()
            .map(|&row| &source.rows[row])
            .collect::<Vec<_>>()
    };
    for overlap in texts_in_two_splits(splits.iter().map(|split| (split.name.name(), rows(split))))
    {
        observer.observe(&Event::Warning(Warning::TextsInTwoSplits(&overlap)));
    }
}

/// The labels by id: in the order of the checkpoint or of the file if one of them names all that
/// occur, otherwise those of the training rows in an order of their own.
fn labels<'a>(
    checkpoint: &Checkpoint,
    class_names: Option<Vec<String>>,
    rows: impl Iterator<Item = &'a LabelledText>,
) -> Result<LabelSet, TrainError> {
    let observed = LabelSet::from_observed(rows.filter_map(|row| row.label.as_deref()))?;
    let covers = |set: &LabelSet| observed.names().iter().all(|name| set.id(name).is_some());
    if let Some(names) = class_names
        .map(LabelSet::from_names)
        .transpose()?
        .filter(covers)
    {
        return Ok(names);
    }
    Ok(match checkpoint.labels()? {
        // A head for more labels than the data have would train the others away.
        Some(names) if covers(&names) && names.len() == observed.len() => names,
        _ => observed,
    })
}

fn split_targets(
    task: &TextClassification,
    split: &TextSplit,
    source: &Source,
) -> Result<Vec<usize>, TrainError> {
    let rows = split.rows.iter().map(|&row| &source.rows[row]);
    Ok(task.targets(rows, &source.file, &source.column)?)
}

fn class_weights(config: &ClassWeightsConfig) -> ClassWeights {
    match config {
        ClassWeightsConfig::Named(_) => ClassWeights::Balanced,
        ClassWeightsConfig::Table(table) => ClassWeights::Table(table.clone()),
    }
}

fn encode(
    tokenizer: &Tokenizer,
    max_length: usize,
    sources: &[Source],
    splits: &[TextSplit],
    targets: Vec<Vec<usize>>,
    observer: &mut dyn Observer,
) -> Result<Vec<SplitData<usize>>, TrainError> {
    let total = splits.iter().map(|split| split.rows.len()).sum();
    let mut before = 0;
    let mut encoded = Vec::with_capacity(splits.len());
    for (split, targets) in splits.iter().zip(targets) {
        let source = &sources[split.source];
        let rows = split.rows.iter().map(|&row| &source.rows[row]);
        let texts: Vec<_> = rows.map(text_input).collect();
        let examples = encode_texts(tokenizer, &texts, max_length, |done| {
            let done = before + done;
            observer.observe(&Event::Encoding { done, total });
        })?;
        before += texts.len();
        encoded.push(SplitData {
            file: source.file.clone(),
            examples: with_targets(examples, targets.into_iter()),
            origins: split.rows.iter().map(|&row| source.origin(row)).collect(),
        });
    }
    Ok(encoded)
}

impl Source {
    fn origin(&self, row: usize) -> RowOrigin {
        RowOrigin {
            row: self.numbers[row],
            line: self.rows[row].line,
            id: self.rows[row].id.clone(),
        }
    }
}

fn report(
    labels: &LabelSet,
    max_length: usize,
    splits: &[SplitData<usize>],
    observer: &mut dyn Observer,
) {
    let mut report = DatasetReport::new(labels.names(), Some(max_length));
    let names = [SplitName::Train, SplitName::Validation, SplitName::Test];
    for (name, split) in names.into_iter().zip(splits) {
        if !split.examples.is_empty() {
            let facts = split.examples.iter().map(|example| ExampleFacts {
                label: Some(example.target),
                ..example.facts
            });
            report.add_split(name.name(), facts);
        }
    }
    observer.observe(&Event::Report(&report));
    let cut = report.splits.iter().map(|split| split.cut.count).sum();
    let total = report.splits.iter().map(|split| split.rows).sum();
    if cut > 0 {
        let warning = Warning::CutTexts {
            texts: cut,
            total,
            max_length,
        };
        observer.observe(&Event::Warning(warning));
    }
    for split in report
        .splits
        .iter()
        .filter(|split| split.unknown.share > MANY_UNKNOWN)
    {
        let warning = Warning::UnknownTokens {
            split: &split.name,
            share: split.unknown.share,
        };
        observer.observe(&Event::Warning(warning));
    }
}

fn fingerprints(config: &RunConfig, tokenizer: &Tokenizer) -> Result<Fingerprints, TrainError> {
    let data = &config.data;
    let files = [
        ("data.train", Some(&data.train)),
        ("data.validation", data.validation.as_ref()),
        ("data.test", data.test.as_ref()),
    ];
    let mut fingerprints = Fingerprints::from([("tokenizer".into(), tokenizer.fingerprint())]);
    for (key, file) in files {
        if let Some(file) = file {
            let hash = file_fingerprint(file).map_err(|source| TrainError::read(file, source))?;
            fingerprints.insert(format!("{key} ({})", Path::display(file)), hash);
        }
    }
    Ok(fingerprints)
}
