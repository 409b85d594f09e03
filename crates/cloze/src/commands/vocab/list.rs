use cloze_data::tokenizer::Tokenizer;
use serde::Serialize;

use crate::arguments::vocab::VocabListArguments;
use crate::models::Models;
use crate::terminal::Results;

/// `cloze vocab list MODEL`
pub(crate) fn run(arguments: &VocabListArguments, models: &Models) -> anyhow::Result<()> {
    let tokenizer = Tokenizer::from_folder(&models.folder(&arguments.model)?)?;
    let mut results = Results::stdout();
    for (token, id) in tokenizer.vocabulary() {
        if arguments.json {
            results.json(&Entry { id, token })?;
        } else {
            results.line(format_args!("{id}\t{token}"))?;
        }
    }
    results.flush()
}

#[derive(Serialize)]
struct Entry {
    id: u32,
    token: String,
}
