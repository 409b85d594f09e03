use std::path::Path;

use cloze_data::readers::stream::{CorpusTexts, Source};
use cloze_infer::{ContinuationPipeline, EvaluatedText};
use cloze_model::device::ComputeDevice;

use super::print;
use crate::arguments::eval::EvalArguments;
use crate::bad_rows::SkippedRows;
use crate::failure::Usage;
use crate::progress;

/// Perplexity of the next token over the text of a file.
pub(super) fn run(
    arguments: &EvalArguments,
    folder: &Path,
    device: &ComputeDevice,
) -> anyhow::Result<()> {
    if arguments.label.is_some() || arguments.table.text_pair.is_some() {
        let message = "--label and --text-pair are for classifiers, and the model continues texts";
        return Err(Usage::new(message).into());
    }
    let source = Source::File(arguments.data.clone());
    let table = &arguments.table;
    let column = table.text.as_deref();
    let mut texts = CorpusTexts::open(&source, column, table.format, table.bad_rows.into())?;
    let pipeline = ContinuationPipeline::open(folder, device.device())?;
    let text = EvaluatedText {
        path: &arguments.data,
        seed: arguments.seed,
        batch_size: arguments.batch_size,
    };
    let mut bar = None;
    let (evaluation, _) = pipeline.evaluate(&mut texts, &text, |done, total| {
        bar.get_or_insert_with(|| progress::counter(total, "samples"))
            .set_position(done as u64);
    })?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let mut skipped = SkippedRows::default();
    skipped.add_counted(texts.skipped().count, &texts.skipped().first);
    skipped.report();
    print(&evaluation, arguments.json)
}
