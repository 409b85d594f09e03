//! What the `config.json` of several architectures have in common.

use cloze_core::{Activation, ConfigError, ConfigJson, EncoderConfig, PositionNumbering};
use serde_json::{Map, Value, json};

use crate::heads::{ClassificationHeadConfig, Features};

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

/// Reads the keys by BERT's names, which most architectures share. The result has embeddings of the
/// hidden size, positions from 0 on, and no pooler.
pub(super) fn parse(
    json: &ConfigJson,
    model_type: &str,
    default_padding: u32,
) -> Result<EncoderConfig, ConfigError> {
    refuse_what_is_not_computed(json)?;
    let hidden_dropout = json.probability_or("hidden_dropout_prob", 0.1)?;
    let hidden_size = json.size("hidden_size")?;
    let config = EncoderConfig {
        model_type: model_type.into(),
        vocab_size: json.size("vocab_size")?,
        embedding_size: hidden_size,
        hidden_size,
        num_hidden_layers: json.size("num_hidden_layers")?,
        num_attention_heads: json.size("num_attention_heads")?,
        intermediate_size: json.size("intermediate_size")?,
        hidden_act: json.activation_or("hidden_act", Activation::Gelu)?,
        hidden_dropout_prob: hidden_dropout,
        attention_output_dropout_prob: hidden_dropout,
        attention_probs_dropout_prob: json.probability_or("attention_probs_dropout_prob", 0.1)?,
        max_position_embeddings: json.size("max_position_embeddings")?,
        position_numbering: PositionNumbering::FromZero,
        type_vocab_size: json.count_or("type_vocab_size", 2)?,
        layer_norm_eps: json.number_or("layer_norm_eps", 1e-12)?,
        initializer_range: json.number_or("initializer_range", 0.02)?,
        pad_token_id: json.count_or("pad_token_id", default_padding as usize)? as u32,
        pooler: false,
    };
    check(json, &config, "hidden_size", "num_attention_heads")?;
    if config.type_vocab_size == 0 {
        return Err(json
            .error("type_vocab_size", "a whole number above 0")
            .into());
    }
    Ok(config)
}

/// Writes what [`parse`] reads.
pub(super) fn write(config: &EncoderConfig, json: &mut Map<String, Value>) {
    for (key, value) in [
        ("model_type", json!(config.model_type)),
        ("vocab_size", json!(config.vocab_size)),
        ("hidden_size", json!(config.hidden_size)),
        ("num_hidden_layers", json!(config.num_hidden_layers)),
        ("num_attention_heads", json!(config.num_attention_heads)),
        ("intermediate_size", json!(config.intermediate_size)),
        ("hidden_act", json!(config.hidden_act.name())),
        ("hidden_dropout_prob", json!(config.hidden_dropout_prob)),
        (
            "attention_probs_dropout_prob",
            json!(config.attention_probs_dropout_prob),
        ),
        (
            "max_position_embeddings",
            json!(config.max_position_embeddings),
        ),
        ("type_vocab_size", json!(config.type_vocab_size)),
        ("layer_norm_eps", json!(config.layer_norm_eps)),
        ("initializer_range", json!(config.initializer_range)),
        ("pad_token_id", json!(config.pad_token_id)),
    ] {
        put(json, key, value);
    }
}

/// The head of RoBERTa and of ELECTRA: the state of the first token → dropout → dense layer →
/// activation → dropout → linear layer, with one dropout for both places.
pub(super) fn dense_head(
    hidden: Vec<usize>,
    activation: Activation,
    dropout: f64,
) -> ClassificationHeadConfig {
    ClassificationHeadConfig {
        features: Features::Cls,
        feature_dropout: dropout,
        hidden,
        activation,
        dropout,
    }
}

/// A canonical name with the first of these beginnings that it has replaced.
pub(super) fn renamed(canonical: &str, names: &[(&str, &str)]) -> String {
    let found = names.iter().find_map(|(name, own)| {
        let rest = canonical.strip_prefix(name)?;
        Some(format!("{own}{rest}"))
    });
    found.unwrap_or_else(|| canonical.into())
}

/// Sets a key unless it has that value already (`1e-12` and its spelling stay as they were).
pub(super) fn put(json: &mut Map<String, Value>, key: &str, value: Value) {
    if json.get(key) != Some(&value) {
        json.insert(key.into(), value);
    }
}
