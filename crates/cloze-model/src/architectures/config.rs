//! What the `config.json` of several architectures have in common.

use cloze_core::{ConfigError, ConfigJson, EncoderConfig};
use serde_json::{Map, Value, json};

/// Refuses settings under which `transformers` computes something that cloze does not.
pub(super) fn refuse_what_is_not_computed(json: &ConfigJson) -> Result<(), ConfigError> {
    json.refuse_unless("position_embedding_type", &json!("absolute"))?;
    json.refuse_unless("is_decoder", &json!(false))?;
    json.refuse_unless("is_encoder_decoder", &json!(false))?;
    json.refuse_unless("add_cross_attention", &json!(false))?;
    json.refuse_unless("pruned_heads", &json!({}))?;
    if json.get("quantization_config").is_some() {
        return Err(json
            .error("quantization_config", "weights that are not quantized")
            .into());
    }
    Ok(())
}

/// Refuses values that do not go together. The keys are the architecture's names for the hidden
/// size and the number of heads.
pub(super) fn check(
    json: &ConfigJson,
    config: &EncoderConfig,
    hidden_key: &str,
    heads_key: &str,
) -> Result<(), ConfigError> {
    if !config
        .hidden_size
        .is_multiple_of(config.num_attention_heads)
    {
        let wanted = format!(
            "a multiple of `{heads_key}`, {}",
            config.num_attention_heads
        );
        return Err(json.error(hidden_key, wanted).into());
    }
    if !(config.layer_norm_eps >= 0.0 && config.layer_norm_eps.is_finite()) {
        return Err(json.error("layer_norm_eps", "a number from 0 up").into());
    }
    if !(config.initializer_range >= 0.0 && config.initializer_range.is_finite()) {
        return Err(json.error("initializer_range", "a number from 0 up").into());
    }
    if config.pad_token_id as usize >= config.vocab_size {
        let wanted = format!("an id below `vocab_size`, {}", config.vocab_size);
        return Err(json.error("pad_token_id", wanted).into());
    }
    Ok(())
}

/// Sets a key unless it has that value already (`1e-12` and its spelling stay as they were).
pub(super) fn put(json: &mut Map<String, Value>, key: &str, value: Value) {
    if json.get(key) != Some(&value) {
        json.insert(key.into(), value);
    }
}
