use cloze_core::{Activation, ConfigError, ConfigJson, EncoderConfig};
use serde_json::{Map, Value, json};

use super::Architecture;
use super::config::{check, put, refuse_what_is_not_computed};
use crate::heads::{ClassificationHeadConfig, Features};

/// BERT (Devlin et al. 2018), and every checkpoint of `model_type` `bert`: Chinese
/// RoBERTa-wwm, MacBERT, MedBERT, MiniLM.
#[derive(Clone, Copy, Debug)]
pub struct Bert;

impl Architecture for Bert {
    fn model_type(&self) -> &'static str {
        "bert"
    }

    fn parse_config(&self, json: &ConfigJson) -> Result<EncoderConfig, ConfigError> {
        refuse_what_is_not_computed(json)?;
        let hidden_dropout = json.probability_or("hidden_dropout_prob", 0.1)?;
        let config = EncoderConfig {
            model_type: self.model_type().into(),
            vocab_size: json.size("vocab_size")?,
            hidden_size: json.size("hidden_size")?,
            num_hidden_layers: json.size("num_hidden_layers")?,
            num_attention_heads: json.size("num_attention_heads")?,
            intermediate_size: json.size("intermediate_size")?,
            hidden_act: json.activation_or("hidden_act", Activation::Gelu)?,
            hidden_dropout_prob: hidden_dropout,
            attention_output_dropout_prob: hidden_dropout,
            attention_probs_dropout_prob: json
                .probability_or("attention_probs_dropout_prob", 0.1)?,
            max_position_embeddings: json.size("max_position_embeddings")?,
            type_vocab_size: json.count_or("type_vocab_size", 2)?,
            layer_norm_eps: json.number_or("layer_norm_eps", 1e-12)?,
            initializer_range: json.number_or("initializer_range", 0.02)?,
            pad_token_id: json.count_or("pad_token_id", 0)? as u32,
            pooler: true,
        };
        check(json, &config, "hidden_size", "num_attention_heads")?;
        if config.type_vocab_size == 0 {
            return Err(json
                .error("type_vocab_size", "a whole number above 0")
                .into());
        }
        Ok(config)
    }

    fn write_config(&self, config: &EncoderConfig, json: &mut Map<String, Value>) {
        put(json, "model_type", json!(self.model_type()));
        put(json, "vocab_size", json!(config.vocab_size));
        put(json, "hidden_size", json!(config.hidden_size));
        put(json, "num_hidden_layers", json!(config.num_hidden_layers));
        put(
            json,
            "num_attention_heads",
            json!(config.num_attention_heads),
        );
        put(json, "intermediate_size", json!(config.intermediate_size));
        put(json, "hidden_act", json!(config.hidden_act.name()));
        put(
            json,
            "hidden_dropout_prob",
            json!(config.hidden_dropout_prob),
        );
        let attention_dropout = json!(config.attention_probs_dropout_prob);
        put(json, "attention_probs_dropout_prob", attention_dropout);
        put(
            json,
            "max_position_embeddings",
            json!(config.max_position_embeddings),
        );
        put(json, "type_vocab_size", json!(config.type_vocab_size));
        put(json, "layer_norm_eps", json!(config.layer_norm_eps));
        put(json, "initializer_range", json!(config.initializer_range));
        put(json, "pad_token_id", json!(config.pad_token_id));
    }

    fn prefix(&self) -> &'static str {
        "bert."
    }

    fn hf_name(&self, canonical: &str) -> String {
        canonical.into()
    }

    fn classification_head(
        &self,
        json: &ConfigJson,
        config: &EncoderConfig,
    ) -> Result<ClassificationHeadConfig, ConfigError> {
        Ok(ClassificationHeadConfig {
            features: Features::Pooled,
            feature_dropout: 0.0,
            hidden: Vec::new(),
            activation: Activation::Tanh,
            dropout: json.probability_or("classifier_dropout", config.hidden_dropout_prob)?,
        })
    }

    fn write_classification_head(
        &self,
        head: &ClassificationHeadConfig,
        json: &mut Map<String, Value>,
    ) {
        put(json, "classifier_dropout", json!(head.dropout));
    }

    fn class_prefix(&self) -> &'static str {
        "Bert"
    }

    fn tied_names(&self) -> &'static [&'static str] {
        &[
            "cls.predictions.decoder.weight",
            "cls.predictions.decoder.bias",
        ]
    }

    fn has_token_types(&self) -> bool {
        true
    }
}
