use std::path::Path;

use cloze_data::readers::tagged::{TagReadOptions, TaggedSentence, store_tagged_sentences};
use cloze_infer::TokenClassificationPipeline;
use cloze_model::device::ComputeDevice;

use super::labelled::parts_of;
use super::print;
use crate::arguments::eval::EvalArguments;
use crate::bad_rows::{SkippedRows, suggest_skipping};
use crate::failure::Usage;
use crate::models::records_folder;
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
    let read = store_tagged_sentences(&arguments.data, &options, &records_folder())
        .map_err(|error| suggest_skipping(error, options.bad_rows))?;
    let mut skipped = SkippedRows::default();
    read.skipped.iter().for_each(|error| skipped.add(error));
    skipped.report();
    let labels = |sentences: &[TaggedSentence]| {
        let (file, column) = (&arguments.data, &read.columns.tags);
        pipeline
            .task()
            .targets(sentences, read.scheme, file, column)
    };
    // Wrong tags are found before minutes are spent.
    for part in parts_of(&read.sentences) {
        labels(&part?)?;
    }
    let parts = parts_of(&read.sentences).map(|part| {
        let sentences = part?;
        let labels = labels(&sentences)?;
        anyhow::Ok((sentences, labels))
    });
    let bar = progress::counter(read.sentences.len(), "sentences");
    let evaluation = pipeline.evaluate(parts, arguments.batch_size, |done| {
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    print(&evaluation, arguments.json)
}
