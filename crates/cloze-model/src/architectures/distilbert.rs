use cloze_core::{Activation, ConfigError, ConfigJson, EncoderConfig, PositionNumbering};
use serde_json::{Map, Value, json};

use super::config::{check, put, refuse_what_is_not_computed};
use super::{Architecture, ModelClass};
use crate::heads::{ClassificationHeadConfig, Features};

/// DistilBERT (Sanh et al. 2019): BERT without token types and pooler, and without dropout on
/// the attention output.
///
/// `sinusoidal_pos_embds` says only how the position embeddings of a fresh model start in
/// `transformers`; cloze draws them like the other embeddings.
#[derive(Clone, Copy, Debug)]
pub struct DistilBert;

/// Canonical names of heads, and DistilBERT's.
const HEAD_NAMES: [(&str, &str); 4] = [
    ("classifier_hidden.0.", "pre_classifier."),
    ("cls.predictions.transform.dense.", "vocab_transform."),
    ("cls.predictions.transform.LayerNorm.", "vocab_layer_norm."),
    ("cls.predictions.bias", "vocab_projector.bias"),
];

/// Canonical names within a layer, and DistilBERT's.
const LAYER_NAMES: [(&str, &str); 8] = [
    ("attention.self.query", "attention.q_lin"),
    ("attention.self.key", "attention.k_lin"),
    ("attention.self.value", "attention.v_lin"),
    ("attention.output.dense", "attention.out_lin"),
    ("attention.output.LayerNorm", "sa_layer_norm"),
    ("intermediate.dense", "ffn.lin1"),
    ("output.dense", "ffn.lin2"),
    ("output.LayerNorm", "output_layer_norm"),
];

impl Architecture for DistilBert {
    fn model_type(&self) -> &'static str {
        "distilbert"
    }

    fn parse_config(&self, json: &ConfigJson) -> Result<EncoderConfig, ConfigError> {
        refuse_what_is_not_computed(json)?;
        let hidden_size = json.size("dim")?;
        let config = EncoderConfig {
            model_type: self.model_type().into(),
            vocab_size: json.size("vocab_size")?,
            embedding_size: hidden_size,
            hidden_size,
            num_hidden_layers: json.size("n_layers")?,
            num_attention_heads: json.size("n_heads")?,
            intermediate_size: json.size("hidden_dim")?,
            hidden_act: json.activation_or("activation", Activation::Gelu)?,
            hidden_dropout_prob: json.probability_or("dropout", 0.1)?,
            attention_output_dropout_prob: 0.0,
            attention_probs_dropout_prob: json.probability_or("attention_dropout", 0.1)?,
            max_position_embeddings: json.size("max_position_embeddings")?,
            position_numbering: PositionNumbering::FromZero,
            type_vocab_size: 0,
            // Not a setting of DistilBERT.
            layer_norm_eps: 1e-12,
            initializer_range: json.number_or("initializer_range", 0.02)?,
            pad_token_id: json.count_or("pad_token_id", 0)? as u32,
            pooler: self.has_pooler(ModelClass::Encoder),
        };
        check(json, &config, "dim", "n_heads")?;
        Ok(config)
    }

    fn write_config(&self, config: &EncoderConfig, json: &mut Map<String, Value>) {
        put(json, "model_type", json!(self.model_type()));
        put(json, "vocab_size", json!(config.vocab_size));
        put(json, "dim", json!(config.hidden_size));
        put(json, "n_layers", json!(config.num_hidden_layers));
        put(json, "n_heads", json!(config.num_attention_heads));
        put(json, "hidden_dim", json!(config.intermediate_size));
        put(json, "activation", json!(config.hidden_act.name()));
        put(json, "dropout", json!(config.hidden_dropout_prob));
        put(
            json,
            "attention_dropout",
            json!(config.attention_probs_dropout_prob),
        );
        put(
            json,
            "max_position_embeddings",
            json!(config.max_position_embeddings),
        );
        put(json, "initializer_range", json!(config.initializer_range));
        put(json, "pad_token_id", json!(config.pad_token_id));
    }

    fn prefix(&self) -> &'static str {
        "distilbert."
    }

    fn hf_name(&self, canonical: &str) -> String {
        let of_head = HEAD_NAMES
            .iter()
            .find_map(|(name, own)| canonical.strip_prefix(name).map(|rest| (own, rest)));
        if let Some((own, rest)) = of_head {
            return format!("{own}{rest}");
        }
        let Some((layer, tensor)) = canonical
            .strip_prefix("encoder.layer.")
            .and_then(|rest| rest.split_once('.'))
        else {
            return canonical.into();
        };
        let tensor = LAYER_NAMES
            .iter()
            .find_map(|(name, own)| tensor.strip_prefix(name).map(|rest| format!("{own}{rest}")))
            .unwrap_or_else(|| tensor.into());
        format!("transformer.layer.{layer}.{tensor}")
    }

    fn classification_head(
        &self,
        json: &ConfigJson,
        config: &EncoderConfig,
    ) -> Result<ClassificationHeadConfig, ConfigError> {
        let dropout = json.probability_or("seq_classif_dropout", 0.2)?;
        Ok(own_head(vec![config.hidden_size], dropout))
    }

    fn write_classification_head(
        &self,
        head: &ClassificationHeadConfig,
        json: &mut Map<String, Value>,
    ) -> ClassificationHeadConfig {
        put(json, "seq_classif_dropout", json!(head.dropout));
        own_head(head.hidden.clone(), head.dropout)
    }

    fn token_classification_dropout(
        &self,
        _: &ConfigJson,
        config: &EncoderConfig,
    ) -> Result<f64, ConfigError> {
        Ok(config.hidden_dropout_prob)
    }

    fn question_answering_dropout(&self, json: &ConfigJson) -> Result<f64, ConfigError> {
        Ok(json.probability_or("qa_dropout", 0.1)?)
    }

    fn class_prefix(&self) -> &'static str {
        "DistilBert"
    }

    fn tied_names(&self) -> &'static [&'static str] {
        &["vocab_projector.weight"]
    }

    fn has_token_types(&self) -> bool {
        false
    }

    fn has_pooler(&self, _: ModelClass) -> bool {
        false
    }
}

fn own_head(hidden: Vec<usize>, dropout: f64) -> ClassificationHeadConfig {
    ClassificationHeadConfig {
        features: Features::Cls,
        feature_dropout: 0.0,
        hidden,
        activation: Activation::Relu,
        dropout,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_transformers() {
        for (canonical, own) in [
            ("embeddings.LayerNorm.weight", "embeddings.LayerNorm.weight"),
            (
                "encoder.layer.3.attention.self.key.bias",
                "transformer.layer.3.attention.k_lin.bias",
            ),
            (
                "encoder.layer.10.attention.output.LayerNorm.bias",
                "transformer.layer.10.sa_layer_norm.bias",
            ),
            (
                "encoder.layer.0.attention.output.dense.weight",
                "transformer.layer.0.attention.out_lin.weight",
            ),
            (
                "encoder.layer.0.intermediate.dense.weight",
                "transformer.layer.0.ffn.lin1.weight",
            ),
            (
                "encoder.layer.0.output.dense.bias",
                "transformer.layer.0.ffn.lin2.bias",
            ),
            (
                "encoder.layer.0.output.LayerNorm.weight",
                "transformer.layer.0.output_layer_norm.weight",
            ),
            ("classifier_hidden.0.weight", "pre_classifier.weight"),
            ("classifier.bias", "classifier.bias"),
            (
                "cls.predictions.transform.dense.weight",
                "vocab_transform.weight",
            ),
            (
                "cls.predictions.transform.LayerNorm.bias",
                "vocab_layer_norm.bias",
            ),
            ("cls.predictions.bias", "vocab_projector.bias"),
        ] {
            assert_eq!(DistilBert.hf_name(canonical), own);
        }
    }
}
