//! What tells one architecture from another: the keys of its `config.json`, the names of its
//! tensors, its own classification head. One file an architecture; a new one is a new file and a
//! line in [`ARCHITECTURES`].

mod bert;
mod config;
mod distilbert;
mod electra;
mod roberta;
mod xlm_roberta;

use std::fmt;

use cloze_core::{Activation, ConfigError, ConfigJson, EncoderConfig};
use serde_json::{Map, Value};

pub use bert::Bert;
pub use distilbert::DistilBert;
pub use electra::Electra;
pub use roberta::Roberta;
pub use xlm_roberta::XlmRoberta;

use crate::heads::ClassificationHeadConfig;

/// Every architecture that cloze knows.
pub const ARCHITECTURES: &[&dyn Architecture] =
    &[&Bert, &DistilBert, &Electra, &Roberta, &XlmRoberta];

/// The class of a model in `transformers`, for `architectures` in `config.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelClass {
    /// The bare encoder, `BertModel`.
    Encoder,
    /// `BertForSequenceClassification`.
    SequenceClassification,
    /// `BertForTokenClassification`.
    TokenClassification,
    /// `BertForQuestionAnswering`.
    QuestionAnswering,
    /// `BertForMaskedLM`.
    MaskedLm,
    /// `BertForPreTraining`: masked language model and next-sentence prediction.
    Pretraining,
}

/// Describes one architecture.
///
/// The computation itself is shared: an architecture says how its files map onto
/// [`EncoderConfig`] and canonical tensor names (see [`named`](crate::named)).
pub trait Architecture: fmt::Debug + Sync {
    /// `model_type` in `config.json`.
    fn model_type(&self) -> &'static str;

    /// Reads `config.json`, whose `model_type` is already known to be this one's.
    ///
    /// # Errors
    /// If a value is missing or is not computed by cloze: nothing is approximated silently.
    fn parse_config(&self, json: &ConfigJson) -> Result<EncoderConfig, ConfigError>;

    /// Writes what [`parse_config`](Self::parse_config) reads under this architecture's own keys;
    /// other keys stay as they are.
    fn write_config(&self, config: &EncoderConfig, json: &mut Map<String, Value>);

    /// What precedes encoder tensors in a model with a head: `bert.`.
    fn prefix(&self) -> &'static str;

    /// The name in `transformers` of a tensor with this canonical name, without prefix. Tensors
    /// of a head are named here as in the architecture's own head for that task, `classifier.…`
    /// as in its head for whole texts (`transformers` calls that for tokens `classifier`
    /// everywhere); those of any other head keep their canonical names.
    fn hf_name(&self, canonical: &str) -> String;

    /// The classification head that `transformers` gives this architecture.
    ///
    /// # Errors
    /// If a dropout in `config.json` is not a probability.
    fn classification_head(
        &self,
        json: &ConfigJson,
        config: &EncoderConfig,
    ) -> Result<ClassificationHeadConfig, ConfigError>;

    /// Writes the dropout of the architecture's own classification head under its own key.
    /// Returns the head that its keys then describe: where they have no room for all that `head`
    /// says, it is another one.
    fn write_classification_head(
        &self,
        head: &ClassificationHeadConfig,
        json: &mut Map<String, Value>,
    ) -> ClassificationHeadConfig;

    /// The dropout before the last layer of the token classifier that `transformers` gives this
    /// architecture.
    ///
    /// # Errors
    /// If it is not a probability in `config.json`.
    fn token_classification_dropout(
        &self,
        json: &ConfigJson,
        config: &EncoderConfig,
    ) -> Result<f64, ConfigError> {
        Ok(json.probability_or("classifier_dropout", config.hidden_dropout_prob)?)
    }

    /// The activation in the head that `transformers` gives its masked language model.
    fn masked_lm_activation(&self, config: &EncoderConfig) -> Activation {
        config.hidden_act
    }

    /// The dropout before the last layer of the question answering model that `transformers` gives
    /// this architecture: BERT's has none.
    ///
    /// # Errors
    /// If it is not a probability in `config.json`.
    fn question_answering_dropout(&self, _: &ConfigJson) -> Result<f64, ConfigError> {
        Ok(0.0)
    }

    /// The first part of its class names: `Bert`.
    fn class_prefix(&self) -> &'static str;

    /// Names in `transformers` of tensors of a masked language model that are others once more:
    /// old files hold the word embeddings and the bias of the head twice.
    fn tied_names(&self) -> &'static [&'static str];

    /// Whether `transformers`' classification model of this architecture reads token type ids.
    fn has_token_types(&self) -> bool;

    /// Whether the encoder has a pooler in a model of this class; of
    /// [`Pretraining`](ModelClass::Pretraining) whether there is such a model.
    fn has_pooler(&self, class: ModelClass) -> bool;

    /// The name of a class in `transformers`.
    fn class_name(&self, class: ModelClass) -> String {
        let suffix = match class {
            ModelClass::Encoder => "Model",
            ModelClass::SequenceClassification => "ForSequenceClassification",
            ModelClass::TokenClassification => "ForTokenClassification",
            ModelClass::QuestionAnswering => "ForQuestionAnswering",
            ModelClass::MaskedLm => "ForMaskedLM",
            ModelClass::Pretraining => "ForPreTraining",
        };
        format!("{}{suffix}", self.class_prefix())
    }
}

/// The architecture that `model_type` in `config.json` names.
///
/// # Errors
/// If there is none of that name.
pub fn find(json: &ConfigJson) -> Result<&'static dyn Architecture, ConfigError> {
    let model_type = json.text_or("model_type", "")?;
    by_model_type(model_type).ok_or_else(|| {
        let known: Vec<_> = ARCHITECTURES.iter().map(|a| a.model_type()).collect();
        json.error("model_type", format!("one of {}", known.join(", ")))
            .into()
    })
}

/// The architecture of a `model_type`.
pub fn by_model_type(model_type: &str) -> Option<&'static dyn Architecture> {
    ARCHITECTURES
        .iter()
        .copied()
        .find(|a| a.model_type() == model_type)
}

/// What [`find`] and [`Architecture::parse_config`] say about a `config.json`.
///
/// # Errors
/// If the architecture is unknown or a value is not computed by cloze.
pub fn parse_config(
    json: &ConfigJson,
) -> Result<(&'static dyn Architecture, EncoderConfig), ConfigError> {
    let architecture = find(json)?;
    Ok((architecture, architecture.parse_config(json)?))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    fn config(model_type: &str) -> Map<String, Value> {
        let sizes = match model_type {
            "distilbert" => json!({"dim": 8, "n_layers": 2, "n_heads": 2, "hidden_dim": 12}),
            _ => json!({
                "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
                "intermediate_size": 12
            }),
        };
        let mut all = json!({
            "model_type": model_type, "vocab_size": 11, "max_position_embeddings": 6
        });
        let all = all.as_object_mut().unwrap();
        all.extend(sizes.as_object().unwrap().clone());
        all.clone()
    }

    fn parse(map: &Map<String, Value>) -> Result<EncoderConfig, String> {
        let text = Value::Object(map.clone()).to_string();
        let json = ConfigJson::parse(Path::new("config.json"), &text).unwrap();
        parse_config(&json)
            .map(|(_, config)| config)
            .map_err(|error| error.to_string())
    }

    fn with(model_type: &str, key: &str, value: Value) -> Result<EncoderConfig, String> {
        let mut map = config(model_type);
        map.insert(key.into(), value);
        parse(&map)
    }

    #[test]
    fn what_is_not_computed_is_refused_by_every_architecture() {
        for architecture in ARCHITECTURES {
            let model_type = architecture.model_type();
            assert!(parse(&config(model_type)).is_ok());
            for (key, value) in [
                ("position_embedding_type", json!("relative_key")),
                ("is_decoder", json!(true)),
                ("add_cross_attention", json!(true)),
                ("pruned_heads", json!({"0": [1]})),
                ("quantization_config", json!({"bits": 4})),
                ("pad_token_id", json!(11)),
                ("initializer_range", json!(-0.1)),
            ] {
                let error = with(model_type, key, value).unwrap_err();
                assert!(
                    error.starts_with(&format!("config.json, field `{key}`: found")),
                    "{error}"
                );
            }
            for (key, value) in [
                ("position_embedding_type", json!("absolute")),
                ("is_decoder", json!(false)),
                ("pruned_heads", json!({})),
                ("pruned_heads", json!(null)),
                ("pad_token_id", json!(null)),
                ("unheard_of", json!(1)),
            ] {
                assert!(with(model_type, key, value).is_ok(), "{model_type} {key}");
            }
        }
    }

    #[test]
    fn errors_use_the_keys_of_the_architecture() {
        assert_eq!(
            with("bert", "num_attention_heads", json!(3)).unwrap_err(),
            "config.json, field `hidden_size`: found 8, wanted a multiple of \
             `num_attention_heads`, 3"
        );
        assert_eq!(
            with("distilbert", "n_heads", json!(3)).unwrap_err(),
            "config.json, field `dim`: found 8, wanted a multiple of `n_heads`, 3"
        );
        assert!(
            with("bert", "hidden_act", json!("swish"))
                .unwrap_err()
                .contains("`hidden_act`")
        );
        assert_eq!(
            with("roberta", "max_position_embeddings", json!(2)).unwrap_err(),
            "config.json, field `max_position_embeddings`: found 2, wanted more than \
             `pad_token_id`, 1, and 1: positions begin behind it"
        );
        assert_eq!(
            with("electra", "embedding_size", json!(0)).unwrap_err(),
            "config.json, field `embedding_size`: found 0, wanted a whole number above 0"
        );
        assert!(
            with("distilbert", "activation", json!("mish"))
                .unwrap_err()
                .contains("mish")
        );
        assert_eq!(
            with("bert", "model_type", json!("gpt2")).unwrap_err(),
            "config.json, field `model_type`: found \"gpt2\", wanted one of bert, distilbert, \
             electra, roberta, xlm-roberta"
        );
    }

    #[test]
    fn a_configuration_that_is_written_is_read_again() {
        for architecture in ARCHITECTURES {
            let mut map = config(architecture.model_type());
            map.insert("layer_norm_eps".into(), json!(1e-5));
            map.insert("other_key".into(), json!("kept"));
            let mut changed = parse(&map).unwrap();
            changed.vocab_size = 99;
            changed.hidden_dropout_prob = 0.25;
            if architecture.model_type() != "distilbert" {
                changed.attention_output_dropout_prob = 0.25;
            }
            architecture.write_config(&changed, &mut map);
            assert_eq!(map["other_key"], json!("kept"));
            assert_eq!(parse(&map).unwrap(), changed);
        }
    }

    #[test]
    fn heads_are_those_of_transformers_with_their_own_dropout() {
        use crate::heads::Features::{Cls, Pooled};
        let (plain, wide) = (vec![], vec![8]);
        for (model_type, features, hidden, activation, first) in [
            ("bert", Pooled, &plain, Activation::Tanh, 0.1),
            ("distilbert", Cls, &wide, Activation::Relu, 0.2),
            ("electra", Cls, &wide, Activation::Gelu, 0.1),
            ("roberta", Cls, &wide, Activation::Tanh, 0.1),
            ("xlm-roberta", Cls, &wide, Activation::Tanh, 0.1),
        ] {
            let architecture = by_model_type(model_type).unwrap();
            let key = match model_type {
                "distilbert" => "seq_classif_dropout",
                _ => "classifier_dropout",
            };
            let mut map = config(model_type);
            for dropout in [first, 0.35] {
                let text = Value::Object(map.clone()).to_string();
                let json = ConfigJson::parse(Path::new("config.json"), &text).unwrap();
                let config = architecture.parse_config(&json).unwrap();
                let mut head = architecture.classification_head(&json, &config).unwrap();
                assert_eq!((head.features, &head.hidden), (features, hidden));
                assert_eq!((head.activation, head.dropout), (activation, dropout));
                // Nothing is dropped of features that a hidden layer of DistilBERT's kind sees.
                let both = !matches!(model_type, "bert" | "distilbert");
                assert_eq!(head.feature_dropout, if both { dropout } else { 0.0 });
                head.dropout = 0.35;
                let said = architecture.write_classification_head(&head, &mut map);
                assert_eq!(map[key], json!(0.35));
                assert_eq!(said == head, !both || dropout == 0.35);
                head.feature_dropout = said.feature_dropout;
                assert_eq!(said, head);
            }
        }
    }

    #[test]
    fn class_names_are_those_of_transformers() {
        let names = |class| {
            ARCHITECTURES
                .iter()
                .map(|a| a.class_name(class))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names(ModelClass::Encoder)[..5],
            [
                "BertModel",
                "DistilBertModel",
                "ElectraModel",
                "RobertaModel",
                "XLMRobertaModel",
            ]
        );
        assert_eq!(
            names(ModelClass::SequenceClassification)[..2],
            [
                "BertForSequenceClassification",
                "DistilBertForSequenceClassification",
            ]
        );
    }
}
