//! Labelled texts of the files that a configuration names, and which split each belongs to.

use std::path::{Path, PathBuf};

use cloze_data::readers::{
    Label, LabelCells, LabelledHead, LabelledText, Labels, TextColumns, TextReadOptions,
    for_each_labelled_text,
};
use cloze_data::records::{Record, Records, RecordsWriter};
use cloze_data::splits::{OverlapFinder, Split, split_by_ratio};

use super::RowOrigin;
use super::splits::RowNumbers;
use crate::config::RunConfig;
use crate::error::TrainError;
use crate::events::{Event, Observer, SplitName, Warning};

/// A file's rows.
pub(crate) struct Source<L> {
    pub(crate) file: PathBuf,
    /// The label's column.
    pub(crate) column: String,
    pub(crate) rows: Records<LabelledText<L>>,
    /// Numbers of the rows in the file.
    numbers: RowNumbers,
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
pub(crate) fn read_sources<L: Label + Record>(
    config: &mut RunConfig,
    folder: &Path,
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
    let (training, texts) = read_source::<L>(data.train.first(), &options, folder, observer)?;
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
    let mut sources = vec![training];
    for file in [&data.validation, &data.test].into_iter().flatten() {
        sources.push(read_source(file, &options, folder, observer)?.0);
    }
    Ok((sources, texts.class_names))
}

/// Reads a file, whose rows are kept in `folder` if they are many.
fn read_source<L: Label + Record>(
    file: &Path,
    options: &TextReadOptions,
    folder: &Path,
    observer: &mut dyn Observer,
) -> Result<(Source<L>, LabelledHead), TrainError> {
    let mut rows = RecordsWriter::new(folder);
    let head = for_each_labelled_text(file, options, |row| {
        rows.push(&row).map_err(TrainError::from)
    })?;
    if !head.skipped.is_empty() {
        observer.observe(&Event::Warning(Warning::SkippedRows(&head.skipped)));
    }
    let label = head.columns.label.clone();
    let source = Source {
        file: file.into(),
        column: label.unwrap_or_else(|| "label".into()),
        rows: rows.finish()?,
        numbers: RowNumbers::new(head.skipped.iter().filter_map(|error| error.line)),
    };
    Ok((source, head))
}

/// A class for every row of a file, where rows have classes.
pub(crate) type Classes<L> =
    fn(&Records<LabelledText<L>>) -> Result<Option<Vec<usize>>, TrainError>;

/// Train, validation and test; each gets its share of every class, if that is wanted.
pub(crate) fn split<L: Record>(
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

pub(crate) fn warn_of_overlaps<L: Record>(
    sources: &[Source<L>],
    splits: &[RowSplit],
    observer: &mut dyn Observer,
) -> Result<(), TrainError> {
    let mut finder = OverlapFinder::default();
    for split in splits {
        finder.begin(split.name.name());
        for &row in &split.rows {
            let row = sources[split.source].rows.get(row)?;
            finder.see(&row.text, row.text_pair.as_deref());
        }
    }
    tell_of_overlaps(finder, observer);
    Ok(())
}

pub(crate) fn tell_of_overlaps(finder: OverlapFinder, observer: &mut dyn Observer) {
    for overlap in finder.finish() {
        observer.observe(&Event::Warning(Warning::TextsInTwoSplits(&overlap)));
    }
}

impl<L> Source<L> {
    /// Where a row comes from, which is one of the source's by its place.
    pub(crate) fn origin(&self, place: usize, row: &LabelledText<L>) -> RowOrigin {
        RowOrigin {
            row: self.numbers.number(place, row.line),
            line: row.line,
            id: row.id.clone(),
        }
    }
}
