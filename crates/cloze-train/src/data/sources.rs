//! Labelled texts of the files that a configuration names, and which split each belongs to.

use std::path::PathBuf;

use cloze_data::readers::{
    Label, LabelCells, LabelledText, LabelledTexts, Labels, TextColumns, TextReadOptions,
    read_labelled_texts,
};
use cloze_data::splits::{Split, split_by_ratio, texts_in_two_splits};

use super::{RowOrigin, row_numbers};
use crate::config::RunConfig;
use crate::error::TrainError;
use crate::events::{Event, Observer, SplitName, Warning};

/// A file's rows.
pub(crate) struct Source<L> {
    pub(crate) file: PathBuf,
    /// The label's column.
    pub(crate) column: String,
    pub(crate) rows: Vec<LabelledText<L>>,
    /// Numbers of the rows in the file.
    pub(crate) numbers: Vec<usize>,
}

/// Rows of one split, by their places in a source.
pub(crate) struct RowSplit {
    pub(crate) name: SplitName,
    pub(crate) source: usize,
    pub(crate) rows: Vec<usize>,
}

/// The files, and the names of the classes where the training file has them.
pub(crate) type Sources<L> = (Vec<Source<L>>, Option<Vec<String>>);

/// The training file first, then those of validation and test if there are any.
pub(crate) fn read_sources<L: Label>(
    config: &mut RunConfig,
    observer: &mut dyn Observer,
) -> Result<Sources<L>, TrainError> {
    let data = &mut config.data;
    let label_columns = data.label_columns.clone();
    let mut options = TextReadOptions {
        columns: TextColumns {
            text: data.text.clone(),
            text_pair: data.text_pair.clone(),
            label: data.label.clone(),
            id: data.id.clone(),
        },
        labels: Labels::Required,
        cells: LabelCells {
            separator: data.label_separator.clone(),
            columns: label_columns.clone().unwrap_or_default(),
        },
        bad_rows: data.bad_rows.into(),
        format: None,
    };
    let texts = read_labelled_texts::<L>(data.train.first(), &options)?;
    let found = &texts.columns;
    data.text = Some(found.text.clone());
    data.text_pair.clone_from(&found.text_pair);
    if label_columns.is_none() {
        data.label.clone_from(&found.label);
    }
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

fn source<L>(file: PathBuf, texts: LabelledTexts<L>, observer: &mut dyn Observer) -> Source<L> {
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

/// A class for every row of a file, where rows have classes.
pub(crate) type Classes<L> = fn(&[LabelledText<L>]) -> Result<Option<Vec<usize>>, TrainError>;

/// Train, validation and test; each gets its share of every class, if that is wanted.
pub(crate) fn split<L>(
    config: &RunConfig,
    sources: &[Source<L>],
    classes: Classes<L>,
) -> Result<[RowSplit; 3], TrainError> {
    let shares = config.data.split.as_ref();
    let ids = match shares.is_some_and(|shares| shares.stratify) {
        true => classes(&sources[0].rows)?,
        false => None,
    };
    let lengths: Vec<usize> = sources.iter().map(|source| source.rows.len()).collect();
    split_rows(config, &lengths, ids.as_deref())
}

/// Train, validation and test of files with these numbers of rows: the training file first, then
/// those of validation and test if there are any. Each gets its share of every class, if every row
/// of the training file has one.
pub(crate) fn split_rows(
    config: &RunConfig,
    lengths: &[usize],
    classes: Option<&[usize]>,
) -> Result<[RowSplit; 3], TrainError> {
    let parts = match &config.data.split {
        Some(shares) => {
            let seed = shares.seed.unwrap_or(config.seed);
            split_by_ratio(classes, lengths[0], shares.validation, shares.test, seed)?
        }
        None => Split {
            train: (0..lengths[0]).collect(),
            ..Split::default()
        },
    };
    let mut files = 1..lengths.len();
    let mut part = |name, has_file: bool, rows| {
        let source = if has_file { files.next() } else { None };
        RowSplit {
            name,
            source: source.unwrap_or(0),
            rows: source.map_or(rows, |source| (0..lengths[source]).collect()),
        }
    };
    let (validation, test) = (&config.data.validation, &config.data.test);
    Ok([
        part(SplitName::Train, false, parts.train),
        part(
            SplitName::Validation,
            validation.is_some(),
            parts.validation,
        ),
        part(SplitName::Test, test.is_some(), parts.test),
    ])
}

pub(crate) fn warn_of_overlaps<L>(
    sources: &[Source<L>],
    splits: &[RowSplit],
    observer: &mut dyn Observer,
) {
    let rows = |split: &'_ RowSplit| {
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

impl<L> Source<L> {
    pub(crate) fn origin(&self, row: usize) -> RowOrigin {
        RowOrigin {
            row: self.numbers[row],
            line: self.rows[row].line,
            id: self.rows[row].id.clone(),
        }
    }
}
