use std::path::Path;

use cloze_data::readers::questions::{QuestionReadOptions, read_questions};
use cloze_infer::QuestionAnsweringPipeline;
use cloze_model::device::ComputeDevice;

use super::labelled::suggest_skipping;
use super::print;
use crate::arguments::eval::EvalArguments;
use crate::bad_rows::SkippedRows;
use crate::failure::Usage;
use crate::progress;

/// Metrics of a model that answers questions.
pub(super) fn run(
    arguments: &EvalArguments,
    folder: &Path,
    device: &ComputeDevice,
) -> anyhow::Result<()> {
    let table = &arguments.table;
    let columns = [&table.text, &table.text_pair, &arguments.label];
    if columns.into_iter().any(Option::is_some) || table.format.is_some() {
        let message = "--text, --text-pair, --label and --format are for tables of texts: the \
                       columns of questions are `question`, `context` and `answers`";
        return Err(Usage::new(message).into());
    }
    let mut pipeline = QuestionAnsweringPipeline::open(folder, device.device())?;
    if let Some(threshold) = arguments.null_threshold {
        pipeline = pipeline.with_null_threshold(threshold);
    }
    if let Some(metric) = arguments.metric {
        pipeline = pipeline.with_metric(metric.into());
    }
    let options = QuestionReadOptions {
        bad_rows: table.bad_rows.into(),
        ..QuestionReadOptions::default()
    };
    let read = read_questions(&arguments.data, &options)
        .map_err(|error| suggest_skipping(error, options.bad_rows))?;
    let mut skipped = SkippedRows::default();
    read.skipped.iter().for_each(|error| skipped.add(error));
    skipped.report();
    let total = read.questions.len();
    let mut bar = None;
    let evaluation = pipeline.evaluate(&read.questions, arguments.batch_size, |done| {
        bar.get_or_insert_with(|| progress::counter(total, "questions"))
            .set_position(done as u64);
    })?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    print(&evaluation, arguments.json)
}
