use cloze_core::{Activation, ConfigError, ConfigJson, EncoderConfig, PositionNumbering};
use serde_json::{Map, Value, json};

use super::config::{dense_head, parse, put, renamed, write};
use super::{Architecture, ModelClass};
use crate::heads::ClassificationHeadConfig;

/// RoBERTa (Liu et al. 2019): BERT whose positions begin behind that of the padding token, without
/// a pooler under its heads. `max_position_embeddings` of 514 are 512 tokens.
#[derive(Clone, Copy, Debug)]
pub struct Roberta;

/// Canonical names of heads, and RoBERTa's.
const HEAD_NAMES: [(&str, &str); 5] = [
    ("classifier_hidden.0.", "classifier.dense."),
    ("classifier.", "classifier.out_proj."),
    ("cls.predictions.transform.dense.", "lm_head.dense."),
    (
        "cls.predictions.transform.LayerNorm.",
        "lm_head.layer_norm.",
    ),
    ("cls.predictions.bias", "lm_head.bias"),
];

impl Architecture for Roberta {
    fn model_type(&self) -> &'static str {
        "roberta"
    }

    fn parse_config(&self, json: &ConfigJson) -> Result<EncoderConfig, ConfigError> {
        parse_as(self.model_type(), json)
    }

    fn write_config(&self, config: &EncoderConfig, json: &mut Map<String, Value>) {
        write(config, json);
    }

    fn prefix(&self) -> &'static str {
        "roberta."
    }

    fn hf_name(&self, canonical: &str) -> String {
        renamed(canonical, &HEAD_NAMES)
    }

    fn classification_head(
        &self,
        json: &ConfigJson,
        config: &EncoderConfig,
    ) -> Result<ClassificationHeadConfig, ConfigError> {
        let dropout = json.probability_or("classifier_dropout", config.hidden_dropout_prob)?;
        Ok(dense_head(
            vec![config.hidden_size],
            Activation::Tanh,
            dropout,
        ))
    }

    fn write_classification_head(
        &self,
        head: &ClassificationHeadConfig,
        json: &mut Map<String, Value>,
    ) -> ClassificationHeadConfig {
        put(json, "classifier_dropout", json!(head.dropout));
        dense_head(head.hidden.clone(), Activation::Tanh, head.dropout)
    }

    fn masked_lm_activation(&self, _: &EncoderConfig) -> Activation {
        Activation::Gelu
    }

    fn class_prefix(&self) -> &'static str {
        "Roberta"
    }

    fn tied_names(&self) -> &'static [&'static str] {
        &["lm_head.decoder.weight", "lm_head.decoder.bias"]
    }

    fn has_token_types(&self) -> bool {
        false
    }

    fn has_pooler(&self, class: ModelClass) -> bool {
        class == ModelClass::Encoder
    }
}

/// The configuration of RoBERTa, or of an architecture that differs from it by name alone.
pub(super) fn parse_as(
    model_type: &'static str,
    json: &ConfigJson,
) -> Result<EncoderConfig, ConfigError> {
    let config = EncoderConfig {
        position_numbering: PositionNumbering::AfterPadding,
        pooler: true,
        ..parse(json, model_type, 1)?
    };
    if config.longest_sequence() == 0 {
        let wanted = format!(
            "more than `pad_token_id`, {}, and 1: positions begin behind it",
            config.pad_token_id
        );
        return Err(json.error("max_position_embeddings", wanted).into());
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_transformers() {
        for (canonical, own) in [
            (
                "encoder.layer.3.attention.self.key.bias",
                "encoder.layer.3.attention.self.key.bias",
            ),
            ("classifier_hidden.0.weight", "classifier.dense.weight"),
            ("classifier.bias", "classifier.out_proj.bias"),
            (
                "cls.predictions.transform.dense.weight",
                "lm_head.dense.weight",
            ),
            (
                "cls.predictions.transform.LayerNorm.bias",
                "lm_head.layer_norm.bias",
            ),
            ("cls.predictions.bias", "lm_head.bias"),
            ("qa_outputs.weight", "qa_outputs.weight"),
        ] {
            assert_eq!(Roberta.hf_name(canonical), own);
        }
    }
}
