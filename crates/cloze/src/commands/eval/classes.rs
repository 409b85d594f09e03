use cloze_data::readers::{
    BadRows, Labels, ReadError, TextColumns, TextReadOptions, read_labelled_texts,
};
use cloze_model::device::ComputeDevice;
use cloze_tasks::text_classification::text_input;

use super::print;
use crate::arguments::eval::EvalArguments;
use crate::bad_rows::SkippedRows;
use crate::failure::hint;
use crate::models::Models;
use crate::progress;
use crate::terminal::warn;

/// Metrics of a classifier over labelled texts.
pub(super) fn run(
    arguments: EvalArguments,
    models: &Models,
    device: &ComputeDevice,
) -> anyhow::Result<()> {
    let options = TextReadOptions {
        columns: TextColumns {
            text: arguments.table.text,
            text_pair: arguments.table.text_pair,
            label: arguments.label,
            id: None,
        },
        labels: Labels::Required,
        bad_rows: arguments.table.bad_rows.into(),
        format: arguments.table.format,
    };
    let texts = read_labelled_texts(&arguments.data, &options)
        .map_err(|error| suggest_skipping(error, options.bad_rows))?;
    let mut skipped = SkippedRows::default();
    texts.skipped.iter().for_each(|error| skipped.add(error));
    skipped.report();

    let classifier = models.text_classifier(&arguments.model, device)?;
    let column = texts.columns.label.as_deref().unwrap_or("label");
    let targets = classifier
        .task()
        .targets(&texts.rows, &arguments.data, column)?;
    let inputs: Vec<_> = texts.rows.iter().map(text_input).collect();
    let bar = progress::counter(inputs.len(), "texts");
    let (evaluation, long) =
        classifier.evaluate(&inputs, &targets, arguments.batch_size, |done| {
            bar.set_position(done as u64);
        })?;
    bar.finish_and_clear();
    if long.any() {
        warn(&long);
    }
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
