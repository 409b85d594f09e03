use cloze_core::InputError;
use cloze_data::readers::{
    Label, LabelCells, LabelledText, Labels, TextColumns, TextReadOptions, for_each_labelled_text,
};
use cloze_data::records::{Record, RecordError, Records, RecordsWriter};
use cloze_data::tokenizer::LongTexts;
use cloze_infer::LabelledPart;
use cloze_model::device::ComputeDevice;
use cloze_tasks::Regression;
use cloze_tasks::metrics::Evaluation;

use super::print;
use crate::arguments::eval::EvalArguments;
use crate::bad_rows::{SkippedRows, suggest_skipping};
use crate::models::{Models, records_folder};
use crate::progress;
use crate::reports::tell_of_long_texts;

/// Metrics of a classifier over texts with one label each.
pub(super) fn classes(
    arguments: &EvalArguments,
    models: &Models,
    device: &ComputeDevice,
) -> anyhow::Result<()> {
    let (texts, column) = read::<String>(arguments)?;
    let classifier = models.text_classifier(&arguments.model, arguments.long, device)?;
    let task = classifier.task();
    let targets = |texts: &[_]| task.targets(texts, &arguments.data, &column);
    let stride = classifier.stride();
    report(arguments, &texts, stride, targets, |parts, progress| {
        classifier.evaluate(parts, arguments.batch_size, progress)
    })
}

/// Metrics of a classifier over texts with any number of labels.
pub(super) fn several(
    arguments: &EvalArguments,
    models: &Models,
    device: &ComputeDevice,
) -> anyhow::Result<()> {
    let (texts, column) = read::<Vec<String>>(arguments)?;
    let (name, threshold) = (&arguments.model, arguments.threshold);
    let classifier = models.multi_label_classifier(name, threshold, arguments.long, device)?;
    let task = classifier.task();
    let targets = |texts: &[_]| task.targets(texts, &arguments.data, &column);
    let stride = classifier.stride();
    report(arguments, &texts, stride, targets, |parts, progress| {
        classifier.evaluate(parts, arguments.batch_size, progress)
    })
}

/// Metrics of a model that gives numbers.
pub(super) fn numbers(
    arguments: &EvalArguments,
    models: &Models,
    device: &ComputeDevice,
) -> anyhow::Result<()> {
    let (texts, column) = read::<f64>(arguments)?;
    let regressor = models.text_regressor(&arguments.model, arguments.long, device)?;
    let targets = |texts: &[_]| Regression::targets(texts, &arguments.data, &column);
    let stride = regressor.stride();
    report(arguments, &texts, stride, targets, |parts, progress| {
        regressor.evaluate(parts, arguments.batch_size, progress)
    })
}

/// The texts, and the column that their labels stand in.
fn read<L: Label + Record>(
    arguments: &EvalArguments,
) -> anyhow::Result<(Records<LabelledText<L>>, String)> {
    let table = &arguments.table;
    let usual = LabelCells::default();
    let options = TextReadOptions {
        columns: TextColumns {
            text: table.text.clone(),
            text_pair: table.text_pair.clone(),
            label: arguments.label.clone(),
            id: None,
        },
        labels: Labels::Required,
        cells: LabelCells {
            separator: arguments.label_separator.clone().unwrap_or(usual.separator),
            columns: arguments.label_columns.clone(),
        },
        bad_rows: table.bad_rows.into(),
        format: table.format,
    };
    let mut texts = RecordsWriter::new(&records_folder());
    let head = for_each_labelled_text(&arguments.data, &options, |text| {
        texts.push(&text).map_err(anyhow::Error::from)
    });
    let head = head.map_err(|error| suggest_skipping(error, options.bad_rows))?;
    let mut skipped = SkippedRows::default();
    head.skipped.iter().for_each(|error| skipped.add(error));
    skipped.report();
    let column = head.columns.label.unwrap_or_else(|| "label".into());
    Ok((texts.finish()?, column))
}

/// Evaluates with a progress bar, and prints what was found.
fn report<L: Record, Y>(
    arguments: &EvalArguments,
    texts: &Records<LabelledText<L>>,
    stride: Option<usize>,
    targets: impl Fn(&[LabelledText<L>]) -> Result<Vec<Y>, InputError>,
    evaluate: impl FnOnce(
        Parts<'_, L, Y>,
        &mut dyn FnMut(usize),
    ) -> anyhow::Result<(Evaluation, LongTexts)>,
) -> anyhow::Result<()> {
    // Wrong labels are found before minutes are spent.
    for part in parts_of(texts) {
        targets(&part?)?;
    }
    let parts = parts_of(texts).map(|part| {
        let part = part?;
        let targets = targets(&part)?;
        Ok((part, targets))
    });
    let bar = progress::counter(texts.len(), "texts");
    let (evaluation, long) = evaluate(Box::new(parts), &mut |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    tell_of_long_texts(&long, stride);
    print(&evaluation, arguments.json)
}

/// Texts with their targets, some at a time.
type Parts<'a, L, Y> = Box<dyn Iterator<Item = anyhow::Result<LabelledPart<L, Y>>> + 'a>;

/// Rows that are sorted by length and evaluated together.
const PART: usize = 8192;

/// Rows, some at a time.
pub(super) fn parts_of<R: Record>(
    rows: &Records<R>,
) -> impl Iterator<Item = Result<Vec<R>, RecordError>> + '_ {
    let starts = (0..rows.len()).step_by(PART);
    starts.map(|first| {
        let end = rows.len().min(first + PART);
        (first..end).map(|row| rows.get(row)).collect()
    })
}
