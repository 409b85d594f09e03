use cloze_core::{Activation, ConfigError, ConfigJson, EncoderConfig};
use serde_json::{Map, Value};

use super::roberta::parse_as;
use super::{Architecture, ModelClass, Roberta};
use crate::heads::ClassificationHeadConfig;

/// XLM-RoBERTa (Conneau et al. 2020): RoBERTa by another name, with a vocabulary of a hundred
/// languages.
#[derive(Clone, Copy, Debug)]
pub struct XlmRoberta;

impl Architecture for XlmRoberta {
    fn model_type(&self) -> &'static str {
        "xlm-roberta"
    }

    fn parse_config(&self, json: &ConfigJson) -> Result<EncoderConfig, ConfigError> {
        parse_as(self.model_type(), json)
    }

    fn write_config(&self, config: &EncoderConfig, json: &mut Map<String, Value>) {
        Roberta.write_config(config, json);
    }

    fn prefix(&self) -> &'static str {
        Roberta.prefix()
    }

    fn hf_name(&self, canonical: &str) -> String {
        Roberta.hf_name(canonical)
    }

    fn classification_head(
        &self,
        json: &ConfigJson,
        config: &EncoderConfig,
    ) -> Result<ClassificationHeadConfig, ConfigError> {
        Roberta.classification_head(json, config)
    }

    fn write_classification_head(
        &self,
        head: &ClassificationHeadConfig,
        json: &mut Map<String, Value>,
    ) -> ClassificationHeadConfig {
        Roberta.write_classification_head(head, json)
    }

    fn masked_lm_activation(&self, config: &EncoderConfig) -> Activation {
        Roberta.masked_lm_activation(config)
    }

    fn class_prefix(&self) -> &'static str {
        "XLMRoberta"
    }

    fn tied_names(&self) -> &'static [&'static str] {
        Roberta.tied_names()
    }

    fn has_token_types(&self) -> bool {
        Roberta.has_token_types()
    }

    fn has_pooler(&self, class: ModelClass) -> bool {
        Roberta.has_pooler(class)
    }
}
