use cloze_data::readers::{
    BadRows, Label, LabelCells, LabelledText, LabelledTexts, Labels, ReadError, TextColumns,
    TextReadOptions, read_labelled_texts,
};
use cloze_data::tokenizer::{LongTexts, TextInput};
use cloze_infer::InferError;
use cloze_model::device::ComputeDevice;
use cloze_tasks::metrics::Evaluation;
use cloze_tasks::{Regression, text_input};

use super::print;
use crate::arguments::eval::EvalArguments;
use crate::bad_rows::SkippedRows;
use crate::failure::hint;
use crate::models::Models;
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
    let targets = task.targets(&texts, &arguments.data, &column)?;
    report(
        arguments,
        &texts,
        classifier.stride(),
        |inputs, progress| classifier.evaluate(inputs, &targets, arguments.batch_size, progress),
    )
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
    let targets = task.targets(&texts, &arguments.data, &column)?;
    report(
        arguments,
        &texts,
        classifier.stride(),
        |inputs, progress| classifier.evaluate(inputs, &targets, arguments.batch_size, progress),
    )
}

/// Metrics of a model that gives numbers.
pub(super) fn numbers(
    arguments: &EvalArguments,
    models: &Models,
    device: &ComputeDevice,
) -> anyhow::Result<()> {
    let (texts, column) = read::<f64>(arguments)?;
    let regressor = models.text_regressor(&arguments.model, arguments.long, device)?;
    let targets = Regression::targets(&texts, &arguments.data, &column)?;
    report(arguments, &texts, regressor.stride(), |inputs, progress| {
        regressor.evaluate(inputs, &targets, arguments.batch_size, progress)
    })
}

/// The texts, and the column that their labels stand in.
fn read<L: Label>(arguments: &EvalArguments) -> anyhow::Result<(Vec<LabelledText<L>>, String)> {
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
    let texts: LabelledTexts<L> = read_labelled_texts(&arguments.data, &options)
        .map_err(|error| suggest_skipping(error, options.bad_rows))?;
    let mut skipped = SkippedRows::default();
    texts.skipped.iter().for_each(|error| skipped.add(error));
    skipped.report();
    let column = texts.columns.label.unwrap_or_else(|| "label".into());
    Ok((texts.rows, column))
}

/// Evaluates with a progress bar, and prints what was found.
fn report<L>(
    arguments: &EvalArguments,
    texts: &[LabelledText<L>],
    stride: Option<usize>,
    evaluate: impl FnOnce(
        &[TextInput<'_>],
        &mut dyn FnMut(usize),
    ) -> Result<(Evaluation, LongTexts), InferError>,
) -> anyhow::Result<()> {
    let inputs: Vec<_> = texts.iter().map(text_input).collect();
    let bar = progress::counter(inputs.len(), "texts");
    let (evaluation, long) = evaluate(&inputs, &mut |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    tell_of_long_texts(&long, stride);
    print(&evaluation, arguments.json)
}

pub(super) fn suggest_skipping(error: ReadError, bad_rows: BadRows) -> anyhow::Error {
    match error {
        ReadError::Rows(_) if bad_rows == BadRows::Stop => {
            hint(error, "`--bad-rows skip` leaves such rows out")
        }
        _ => error.into(),
    }
}
