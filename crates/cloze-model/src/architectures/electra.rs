use cloze_core::{Activation, ConfigError, ConfigJson, EncoderConfig};
use serde_json::{Map, Value, json};

use super::config::{dense_head, parse, put, renamed, write};
use super::{Architecture, ModelClass};
use crate::heads::ClassificationHeadConfig;

/// ELECTRA (Clark et al. 2020): BERT without a pooler, whose embeddings may be narrower than its
/// hidden states. Discriminators and generators are encoders of this kind; the masked language
/// model is the generator. The head of a discriminator, which tells replaced tokens, is not
/// loaded.
///
/// Of the keys, `summary_type` and its like belong to the head for multiple choice alone.
#[derive(Clone, Copy, Debug)]
pub struct Electra;

/// Canonical names that differ, and ELECTRA's.
const NAMES: [(&str, &str); 6] = [
    ("embeddings.projection.", "embeddings_project."),
    ("classifier_hidden.0.", "classifier.dense."),
    ("classifier.", "classifier.out_proj."),
    (
        "cls.predictions.transform.dense.",
        "generator_predictions.dense.",
    ),
    (
        "cls.predictions.transform.LayerNorm.",
        "generator_predictions.LayerNorm.",
    ),
    ("cls.predictions.bias", "generator_lm_head.bias"),
];

impl Architecture for Electra {
    fn model_type(&self) -> &'static str {
        "electra"
    }

    fn parse_config(&self, json: &ConfigJson) -> Result<EncoderConfig, ConfigError> {
        let embedding_size = json.count_or("embedding_size", 128)?;
        if embedding_size == 0 {
            return Err(json
                .error("embedding_size", "a whole number above 0")
                .into());
        }
        Ok(EncoderConfig {
            embedding_size,
            ..parse(json, self.model_type(), 0)?
        })
    }

    fn write_config(&self, config: &EncoderConfig, json: &mut Map<String, Value>) {
        write(config, json);
        put(json, "embedding_size", json!(config.embedding_size));
    }

    fn prefix(&self) -> &'static str {
        "electra."
    }

    fn hf_name(&self, canonical: &str) -> String {
        renamed(canonical, &NAMES)
    }

    fn classification_head(
        &self,
        json: &ConfigJson,
        config: &EncoderConfig,
    ) -> Result<ClassificationHeadConfig, ConfigError> {
        let dropout = json.probability_or("classifier_dropout", config.hidden_dropout_prob)?;
        Ok(dense_head(
            vec![config.hidden_size],
            Activation::Gelu,
            dropout,
        ))
    }

    fn write_classification_head(
        &self,
        head: &ClassificationHeadConfig,
        json: &mut Map<String, Value>,
    ) -> ClassificationHeadConfig {
        put(json, "classifier_dropout", json!(head.dropout));
        dense_head(head.hidden.clone(), Activation::Gelu, head.dropout)
    }

    fn masked_lm_activation(&self, _: &EncoderConfig) -> Activation {
        Activation::Gelu
    }

    fn class_prefix(&self) -> &'static str {
        "Electra"
    }

    fn tied_names(&self) -> &'static [&'static str] {
        &["generator_lm_head.weight"]
    }

    fn has_token_types(&self) -> bool {
        true
    }

    fn has_pooler(&self, _: ModelClass) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_transformers() {
        for (canonical, own) in [
            (
                "embeddings.word_embeddings.weight",
                "embeddings.word_embeddings.weight",
            ),
            ("embeddings.projection.bias", "embeddings_project.bias"),
            ("classifier_hidden.0.weight", "classifier.dense.weight"),
            ("classifier.bias", "classifier.out_proj.bias"),
            (
                "cls.predictions.transform.dense.weight",
                "generator_predictions.dense.weight",
            ),
            (
                "cls.predictions.transform.LayerNorm.bias",
                "generator_predictions.LayerNorm.bias",
            ),
            ("cls.predictions.bias", "generator_lm_head.bias"),
            ("qa_outputs.weight", "qa_outputs.weight"),
        ] {
            assert_eq!(Electra.hf_name(canonical), own);
        }
    }
}
