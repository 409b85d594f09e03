use cloze_data::tokenizer::Tokenizer;
use serde_json::{Map, json};

use crate::arguments::vocab::VocabShowArguments;
use crate::models::Models;
use crate::tables::TextTable;
use crate::terminal::{Results, Thousands};

/// `cloze vocab show MODEL [TOKEN]…`
pub(crate) fn run(arguments: &VocabShowArguments, models: &Models) -> anyhow::Result<()> {
    let tokenizer = Tokenizer::from_folder(&models.folder(&arguments.model)?)?;
    let mut results = Results::stdout();
    match (arguments.tokens.is_empty(), arguments.json) {
        (true, true) => results.json(&overview_json(&tokenizer))?,
        (true, false) => overview(&tokenizer, &mut results)?,
        (false, true) => {
            let ids: Map<_, _> = arguments
                .tokens
                .iter()
                .map(|token| (token.clone(), json!(tokenizer.token_to_id(token))))
                .collect();
            results.json(&ids)?;
        }
        (false, false) => lookup(&tokenizer, &arguments.tokens, &mut results)?,
    }
    results.flush()
}

fn lookup(tokenizer: &Tokenizer, tokens: &[String], results: &mut Results) -> anyhow::Result<()> {
    let mut table = TextTable::new(&["token", "#id", "written as"]);
    for token in tokens {
        let id = tokenizer.token_to_id(token);
        let pieces = match id {
            Some(_) => token.clone(),
            None => tokenizer.tokenize(token)?.join(" "),
        };
        let id = id.map_or_else(|| "none".into(), |id| id.to_string());
        table.row([token.clone(), id, pieces]);
    }
    table.print(results)
}

fn overview(tokenizer: &Tokenizer, results: &mut Results) -> anyhow::Result<()> {
    let base = tokenizer.base_vocab_size();
    let mut table = TextTable::new(&["vocabulary", "#"]);
    table.row(["tokens".into(), Thousands(tokenizer.len()).to_string()]);
    table.row([
        "of these, added later".into(),
        Thousands(tokenizer.len() - base).to_string(),
    ]);
    if let Some(length) = tokenizer.model_max_length() {
        table.row(["longest sequence".into(), Thousands(length).to_string()]);
    }
    for (role, special) in tokenizer.special().by_key() {
        table.row([format!("{role} {}", special.token), special.id.to_string()]);
    }
    table.print(results)
}

fn overview_json(tokenizer: &Tokenizer) -> serde_json::Value {
    let special = tokenizer.special().by_key().into_iter();
    let special: Map<_, _> = special
        .map(|(role, token)| (role.into(), json!({"token": token.token, "id": token.id})))
        .collect();
    json!({
        "tokens": tokenizer.len(),
        "base_tokens": tokenizer.base_vocab_size(),
        "model_max_length": tokenizer.model_max_length(),
        "special_tokens": special,
    })
}
