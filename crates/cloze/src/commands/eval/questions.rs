use std::path::Path;

use cloze_data::readers::questions::{QuestionReadOptions, store_questions};
use cloze_infer::QuestionAnsweringPipeline;
use cloze_model::device::ComputeDevice;

use super::print;
use crate::arguments::eval::EvalArguments;
use crate::bad_rows::{SkippedRows, suggest_skipping};
use crate::failure::Usage;
use crate::models::records_folder;
use crate::progress;
use crate::terminal::{counted, warn};

/// Questions that are evaluated together.
const PART: usize = 1024;

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
    let read = store_questions(&arguments.data, &options, &records_folder())
        .map_err(|error| suggest_skipping(error, options.bad_rows))?;
    let mut skipped = SkippedRows::default();
    read.skipped.iter().for_each(|error| skipped.add(error));
    skipped.report();
    if read.repeated_answers > 0 {
        warn(format_args!(
            "{} in a context that holds the same text again; the first place is taken",
            counted(read.repeated_answers, "answer")
        ));
    }
    let total = read.questions.len();
    let bar = progress::counter(total, "questions");
    let parts = (0..total).step_by(PART).map(|first| {
        let part = first..total.min(first + PART);
        let questions = part.map(|question| read.questions.get(question));
        anyhow::Ok(questions.collect::<Result<Vec<_>, _>>()?)
    });
    let evaluation = pipeline.evaluate_parts(parts, arguments.batch_size, |done| {
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    print(&evaluation, arguments.json)
}
