use std::path::Path;

use cloze_data::readers::tagged::{TagReadOptions, read_tagged_sentences};
use cloze_infer::TokenClassificationPipeline;
use cloze_model::device::ComputeDevice;

use super::labelled::suggest_skipping;
use super::print;
use crate::arguments::eval::EvalArguments;
use crate::bad_rows::SkippedRows;
use crate::failure::Usage;
use crate::progress;

/// Metrics of a token classifier over sentences of tagged words.
pub(super) fn run(
    arguments: &EvalArguments,
    folder: &Path,
    device: &ComputeDevice,
) -> anyhow::Result<()> {
    let table = &arguments.table;
    if table.text_pair.is_some() || table.format.is_some() {
        let message =
            "--text-pair and --format are for tables of texts, and the model labels words";
        return Err(Usage::new(message).into());
    }
    let pipeline = TokenClassificationPipeline::open(folder, device.device())?;
    let options = TagReadOptions {
        words: table.text.clone(),
        tags: arguments.label.clone(),
        tag_names: Some(pipeline.labels().names().to_vec()),
        bad_rows: table.bad_rows.into(),
        ..TagReadOptions::default()
    };
    let read = read_tagged_sentences(&arguments.data, &options)
        .map_err(|error| suggest_skipping(error, options.bad_rows))?;
    let mut skipped = SkippedRows::default();
    read.skipped.iter().for_each(|error| skipped.add(error));
    skipped.report();
    let labels = pipeline.task().targets(
        &read.sentences,
        read.scheme,
        &arguments.data,
        &read.columns.tags,
    )?;
    let mut bar = None;
    let evaluation = pipeline.evaluate(
        &read.sentences,
        &labels,
        arguments.batch_size,
        |done, total| {
            bar.get_or_insert_with(|| progress::counter(total, "sentences"))
                .set_position(done as u64);
        },
    )?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    print(&evaluation, arguments.json)
}
