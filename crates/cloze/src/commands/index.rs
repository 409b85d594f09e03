//! `cloze index MODEL FILE --output DIR`

use std::path::{Path, absolute};

use cloze_data::readers::LabelledText;
use cloze_infer::{Embedding, IndexSettings, IndexWriter, IndexedText, Prompt, SearchKind};

use super::embedding::{Embeddings, OpenInput};
use crate::arguments::index::IndexArguments;
use crate::arguments::predict::Input;
use crate::models::Models;
use crate::new_folder::NewFolder;
use crate::progress;
use crate::terminal::{counted, note};

/// `cloze index MODEL FILE --output DIR`
pub(crate) fn run(arguments: &IndexArguments, models: &Models) -> anyhow::Result<()> {
    let options = arguments.embedding.options();
    let embed = arguments.prompt.options(Prompt::Document);
    let input = Input::Stream(arguments.columns.input(arguments.file.clone()));
    let input = OpenInput::open(input)?;
    let folder = NewFolder::create(&arguments.output)?;
    let device = arguments.prompt.device.open()?;
    let embedder = models.embedder(&arguments.model, &options, &device)?;
    let settings = IndexSettings {
        model: &named_from_anywhere(&arguments.model)?,
        options: &options,
        prompt: &embed.prompt,
        similarity: arguments.score.unwrap_or(embedder.similarity()),
    };
    let mut index = IndexWriter::create(folder.path(), &embedder, &settings)?;
    let take = |texts: &[LabelledText], embeddings: Vec<Embedding>| {
        for (text, embedding) in texts.iter().zip(embeddings) {
            let id = text.id.as_ref().map(serde_json::to_value).transpose()?;
            let text = text.text.clone();
            index.push(&IndexedText { id, text }, embedding.vector)?;
        }
        Ok(())
    };
    Embeddings::new(&embedder, &embed, take).run(input)?;
    let texts = index.texts();
    anyhow::ensure!(texts > 0, "there is no text to index");
    let bar = progress::counter(texts, "texts in the graph of neighbours");
    let kind = index.finish(arguments.kind(), &mut |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    folder.commit()?;
    note(format_args!(
        "{}: {}, vectors of {} numbers ({}), {}",
        arguments.output.display(),
        counted(texts, "text"),
        embedder.dimension(),
        embedder.describe(),
        match kind {
            SearchKind::Exact => "exact search",
            SearchKind::Approximate => "approximate search along a graph of neighbours",
        }
    ));
    Ok(())
}

/// A folder as a path from the root, so that it is found from other folders too; a name on the Hub
/// as it is.
fn named_from_anywhere(model: &str) -> anyhow::Result<String> {
    if !Path::new(model).exists() {
        return Ok(model.into());
    }
    let path = absolute(model)?;
    Ok(path.to_str().map_or_else(|| model.into(), str::to_owned))
}
