use std::path::Path;

use burn::tensor::Device;
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::{Checkpoint, CheckpointError};

use crate::arguments::vocab::VocabAddArguments;
use crate::loaded_model::LoadedModel;
use crate::models::Models;
use crate::new_folder::NewFolder;
use crate::terminal::{Results, Thousands, counted, warn};

/// `cloze vocab add MODEL TOKENS… --output DIR`
pub(crate) fn run(arguments: &VocabAddArguments, models: &Models) -> anyhow::Result<()> {
    let output = NewFolder::create(&arguments.output)?;
    let folder = models.folder(&arguments.model)?;
    let mut tokenizer = Tokenizer::from_folder(&folder)?;
    let mut added = tokenizer.add_tokens(&arguments.tokens)?;
    if let Some(file) = &arguments.file {
        added += tokenizer.add_tokens_from_file(file)?;
    }
    let rows = match folder.join("config.json").is_file() {
        true => grow_model(&folder, &tokenizer, arguments.seed, output.path())?,
        false => None,
    };
    tokenizer.save(output.path())?;
    output.commit()?;
    let mut results = Results::stdout();
    results.line(format_args!(
        "{} added, {} in all, in {}",
        counted(added, "token"),
        Thousands(tokenizer.len()),
        arguments.output.display()
    ))?;
    if let Some(rows) = rows {
        results.line(format_args!(
            "the word embeddings have {} rows",
            Thousands(rows)
        ))?;
    }
    results.flush()
}

/// Gives the model that belongs to the tokenizer a row for each token and writes it. A folder with
/// a `config.json` but no weights belongs to a tokenizer alone.
fn grow_model(
    folder: &Path,
    tokenizer: &Tokenizer,
    seed: u64,
    output: &Path,
) -> anyhow::Result<Option<usize>> {
    let checkpoint = Checkpoint::open(folder)?;
    match checkpoint.tensors() {
        Ok(_) => {}
        Err(CheckpointError::NoWeights { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let (model, report) = LoadedModel::load(&checkpoint, &Device::flex())?;
    report.lines().iter().for_each(warn);
    // Many models have more rows than tokens; those are used first.
    let rows = model.vocab_size().max(tokenizer.last_id() as usize + 1);
    let model = model.resize(rows, seed)?;
    model.save(output, &checkpoint)?;
    Ok(Some(rows))
}
