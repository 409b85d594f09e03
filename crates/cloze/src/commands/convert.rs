use std::fs;

use anyhow::Context;
use cloze_model::checkpoint::{Checkpoint, convert_weights};

use crate::arguments::convert::ConvertArguments;
use crate::models::Models;
use crate::new_folder::NewFolder;
use crate::terminal::Results;

/// `cloze convert MODEL OUT --dtype TYPE`
pub(crate) fn run(arguments: &ConvertArguments, models: &Models) -> anyhow::Result<()> {
    let checkpoint = Checkpoint::open(&models.folder(&arguments.model)?)?;
    let output = NewFolder::create(&arguments.output)?;
    convert_weights(&checkpoint, output.path(), arguments.dtype.into())?;
    let weights = output.path().join("model.safetensors");
    let bytes = fs::metadata(&weights)
        .with_context(|| format!("cannot read {}", weights.display()))?
        .len();
    output.commit()?;
    let mut results = Results::stdout();
    results.line(format_args!(
        "{:.1} MB of weights in {}",
        bytes as f64 / 1e6,
        arguments.output.display()
    ))?;
    results.flush()
}
