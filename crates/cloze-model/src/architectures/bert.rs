use cloze_core::{Activation, ConfigError, ConfigJson, EncoderConfig};
use serde_json::{Map, Value, json};

use super::config::{parse, put, write};
use super::{Architecture, ModelClass};
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
        let config = parse(json, self.model_type(), 0)?;
        Ok(EncoderConfig {
            pooler: self.has_pooler(ModelClass::Encoder),
            ..config
        })
    }

    fn write_config(&self, config: &EncoderConfig, json: &mut Map<String, Value>) {
        write(config, json);
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
        let dropout = json.probability_or("classifier_dropout", config.hidden_dropout_prob)?;
        Ok(own_head(dropout))
    }

    fn write_classification_head(
        &self,
        head: &ClassificationHeadConfig,
        json: &mut Map<String, Value>,
    ) -> ClassificationHeadConfig {
        put(json, "classifier_dropout", json!(head.dropout));
        own_head(head.dropout)
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

    fn has_pooler(&self, class: ModelClass) -> bool {
        matches!(
            class,
            ModelClass::Encoder | ModelClass::SequenceClassification | ModelClass::Pretraining
        )
    }
}

fn own_head(dropout: f64) -> ClassificationHeadConfig {
    ClassificationHeadConfig {
        features: Features::Pooled,
        feature_dropout: 0.0,
        hidden: Vec::new(),
        activation: Activation::Tanh,
        dropout,
    }
}
