//! Labelled texts of the files that a configuration names, and which split each belongs to.

use std::path::PathBuf;

use cloze_core::LabelSet;
use cloze_data::readers::{
    BadRows, LabelledText, LabelledTexts, Labels, TextColumns, TextReadOptions, read_labelled_texts,
};
use cloze_data::splits::{Split, split_by_ratio, texts_in_two_splits};

use super::{RowOrigin, row_numbers};
use crate::config::{BadRowsConfig, RunConfig};
use crate::error::TrainError;
use crate::events::{Event, Observer, SplitName, Warning};

/// A file's rows.
pub(crate) struct Source {
    pub(crate) file: PathBuf,
    /// The label's column.
    pub(crate) column: String,
    pub(crate) rows: Vec<LabelledText>,
    /// Numbers of the rows in the file.
    pub(crate) numbers: Vec<usize>,
}

/// Rows of one split, still as texts.
pub(crate) struct TextSplit {
    pub(crate) name: SplitName,
    pub(crate) source: usize,
    pub(crate) rows: Vec<usize>,
}

/// The training file first, then those of validation and test if there are any, and the names of
/// the classes where the training file has them.
pub(crate) fn read_sources(
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
    let texts = read_labelled_texts(data.train.first(), &options)?;
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
    let mut sources = vec![source(data.train.first().into(), texts, observer)];
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
    let skipped = texts.skipped.iter().filter_map(|error| error.line);
    let numbers = row_numbers(texts.rows.iter().map(|row| row.line), skipped);
    Source {
        file,
        column: texts.columns.label.unwrap_or_else(|| "label".into()),
        rows: texts.rows,
        numbers,
    }
}

/// Train, validation and test.
pub(crate) fn split(config: &RunConfig, sources: &[Source]) -> Result<[TextSplit; 3], TrainError> {
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

pub(crate) fn warn_of_overlaps(
    sources: &[Source],
    splits: &[TextSplit],
    observer: &mut dyn Observer,
) {
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

impl Source {
    pub(crate) fn origin(&self, row: usize) -> RowOrigin {
        RowOrigin {
            row: self.numbers[row],
            line: self.rows[row].line,
            id: self.rows[row].id.clone(),
        }
    }
}
