use burn::tensor::Device;
use cloze_core::ConfigJson;
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::{init_encoder, save_encoder};
use cloze_model::parameters::ParameterReport;
use serde_json::{Value, json};

use crate::arguments::init::InitArguments;
use crate::new_folder::NewFolder;
use crate::terminal::{Results, counted};

/// `cloze init --config C.json --tokenizer DIR OUT`
pub(crate) fn run(arguments: &InitArguments) -> anyhow::Result<()> {
    let output = NewFolder::create(&arguments.output)?;
    let mut tokenizer = Tokenizer::from_folder(&arguments.tokenizer)?;
    let config = with_vocabulary(ConfigJson::read(&arguments.config)?, &tokenizer)?;
    let encoder = init_encoder(&config, arguments.seed, &Device::flex())?;
    let encoder_config = encoder.config();
    let longest = encoder_config.longest_sequence();
    if tokenizer
        .model_max_length()
        .is_none_or(|length| length > longest)
    {
        tokenizer.set_model_max_length(longest);
    }
    tokenizer.set_model_type(&encoder_config.model_type);
    save_encoder(output.path(), &encoder, &config)?;
    tokenizer.save(output.path())?;
    output.commit()?;
    let parameters = ParameterReport::of(&encoder).parameters;
    let mut results = Results::stdout();
    results.line(format_args!(
        "{}: {} and {} in {}",
        encoder_config.model_type,
        counted(parameters, "parameter"),
        counted(tokenizer.len(), "token"),
        arguments.output.display()
    ))?;
    results.flush()
}

/// The configuration with the size of the vocabulary and the id of its padding token, where it
/// does not state them.
fn with_vocabulary(config: ConfigJson, tokenizer: &Tokenizer) -> anyhow::Result<ConfigJson> {
    let needed = tokenizer.last_id() as usize + 1;
    if config.get("vocab_size").is_some() && config.size("vocab_size")? < needed {
        let wanted = format!("at least {needed}, as the tokenizer has tokens");
        return Err(config.error("vocab_size", wanted).into());
    }
    let mut map = config.as_map().clone();
    let mut set = |key: &str, value: Value| {
        if config.get(key).is_none() {
            map.insert(key.into(), value);
        }
    };
    set("vocab_size", json!(needed));
    set("pad_token_id", json!(tokenizer.special().pad.id));
    Ok(ConfigJson::parse(
        config.path(),
        &Value::Object(map).to_string(),
    )?)
}
