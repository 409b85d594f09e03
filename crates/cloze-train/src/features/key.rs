//! What features depend on, as one hash: the name under which they are kept.

use blake3::Hasher;
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use cloze_core::EncoderConfig;
use cloze_model::named::{ParameterVisitor, for_each_parameter};
use cloze_platform::threads;
use cloze_tasks::FrozenFeatures;

use super::rows::DistinctRows;

/// Number of the way in which features are computed and kept.
const FORMAT: u32 = 1;

/// The key of the features of these rows: BLAKE3, in hex.
///
/// Besides model, tokenizer, rows and what is kept of them it holds cloze's version, the device and
/// the number of threads: a release may compute better than the one before, a device in another
/// order, and composed layers may divide their work by the threads; a run is to be the same with
/// kept features as without.
pub(super) fn key<M: Module, F: FrozenFeatures>(
    features: F,
    model: &M,
    config: &EncoderConfig,
    [tokenizer, device]: [&str; 2],
    rows: &DistinctRows<'_>,
) -> String {
    let mut hasher = Hasher::new();
    number(&mut hasher, FORMAT as usize);
    text(&mut hasher, env!("CARGO_PKG_VERSION"));
    text(&mut hasher, device);
    number(&mut hasher, threads::running());
    text(&mut hasher, features.name());
    text(&mut hasher, &function(config));
    for_each_parameter(
        model,
        &mut Weights {
            hasher: &mut hasher,
            features,
        },
    );
    text(&mut hasher, tokenizer);
    number(&mut hasher, rows.rows.len());
    for (ids, type_ids) in &rows.rows {
        ids_of(&mut hasher, ids);
        ids_of(&mut hasher, type_ids);
    }
    hasher.finalize().to_hex().to_string()
}

/// The configuration without what training alone is concerned with.
fn function(config: &EncoderConfig) -> String {
    let config = EncoderConfig {
        hidden_dropout_prob: 0.0,
        attention_output_dropout_prob: 0.0,
        attention_probs_dropout_prob: 0.0,
        initializer_range: 0.0,
        ..config.clone()
    };
    serde_json::to_string(&config).expect("a configuration is plain data with text keys")
}

struct Weights<'a, F> {
    hasher: &'a mut Hasher,
    features: F,
}

impl<F: FrozenFeatures> ParameterVisitor for Weights<'_, F> {
    fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
        if !self.features.depend_on(name) {
            return;
        }
        let data = parameter.val().into_data();
        text(self.hasher, name);
        number(self.hasher, data.num_elements());
        self.hasher.update(data.as_bytes());
    }
}

fn number(hasher: &mut Hasher, number: usize) {
    hasher.update(&(number as u64).to_le_bytes());
}

/// With its length before it, so that no two lists of texts give the same bytes.
fn text(hasher: &mut Hasher, text: &str) {
    number(hasher, text.len());
    hasher.update(text.as_bytes());
}

fn ids_of(hasher: &mut Hasher, ids: &[u32]) {
    number(hasher, ids.len());
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    hasher.update(&bytes);
}
#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use burn::tensor::Device;
    use cloze_core::{Activation, PositionNumbering};
    use cloze_model::{ClassificationHeadConfig, Features, RandomParameters, SequenceClassifier};

    use super::*;

    fn config() -> EncoderConfig {
        EncoderConfig {
            model_type: "bert".into(),
            vocab_size: 9,
            embedding_size: 4,
            hidden_size: 4,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            intermediate_size: 8,
            hidden_act: Activation::Gelu,
            hidden_dropout_prob: 0.1,
            attention_output_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            max_position_embeddings: 6,
            position_numbering: PositionNumbering::FromZero,
            type_vocab_size: 2,
            layer_norm_eps: 1e-12,
            initializer_range: 0.4,
            pad_token_id: 0,
            pooler: true,
        }
    }

    fn model(seed: u64) -> SequenceClassifier {
        let head = ClassificationHeadConfig {
            features: Features::Pooled,
            feature_dropout: 0.0,
            hidden: Vec::new(),
            activation: Activation::Relu,
            dropout: 0.1,
        };
        let mut source = RandomParameters::new(seed);
        SequenceClassifier::new(&config(), &head, 2, &mut source, &Device::flex()).unwrap()
    }

    fn rows<'a>(rows: &[(&'a [u32], &'a [u32])]) -> DistinctRows<'a> {
        DistinctRows {
            rows: rows.to_vec(),
            places: Default::default(),
        }
    }

    #[test]
    fn everything_that_features_depend_on_changes_the_key() {
        let (model, other) = (model(1), model(2));
        let two = rows(&[(&[1, 2], &[0, 0]), (&[3], &[0])]);
        let base =
            |features, config: &EncoderConfig| key(features, &model, config, ["t", "cpu"], &two);
        let with_epsilon = EncoderConfig {
            layer_norm_eps: 1e-5,
            ..config()
        };
        let with_tanh = EncoderConfig {
            hidden_act: Activation::GeluTanh,
            ..config()
        };
        let of_rows = |rows| key(Features::Cls, &model, &config(), ["t", "cpu"], &rows);
        let keys = [
            base(Features::Cls, &config()),
            base(Features::Mean, &config()),
            base(Features::Pooled, &config()),
            base(Features::Cls, &with_epsilon),
            base(Features::Cls, &with_tanh),
            key(Features::Cls, &other, &config(), ["t", "cpu"], &two),
            key(Features::Cls, &model, &config(), ["u", "cpu"], &two),
            key(Features::Cls, &model, &config(), ["t", "vulkan"], &two),
            of_rows(rows(&[(&[1, 2], &[0, 0])])),
            of_rows(rows(&[(&[1], &[0]), (&[2, 3], &[0, 0])])),
            of_rows(rows(&[(&[1, 2], &[0, 1]), (&[3], &[0])])),
        ];
        let different: HashSet<&String> = keys.iter().collect();
        assert_eq!(different.len(), keys.len(), "{keys:?}");
    }

    #[test]
    fn what_features_do_not_depend_on_leaves_the_key_alone() {
        let two = rows(&[(&[1, 2], &[0, 0])]);
        let base = key(Features::Cls, &model(1), &config(), ["t", "cpu"], &two);
        let dropout = EncoderConfig {
            hidden_dropout_prob: 0.5,
            initializer_range: 0.1,
            ..config()
        };
        assert_eq!(
            key(Features::Cls, &model(1), &dropout, ["t", "cpu"], &two),
            base
        );
        // Encoder of the one, pooler and head of the other.
        let (mut mixed, other) = (model(1), model(2));
        mixed.encoder.pooler = other.encoder.pooler;
        mixed.head = other.head;
        assert_eq!(
            key(Features::Cls, &mixed, &config(), ["t", "cpu"], &two),
            base
        );
        let pooled = |model| key(Features::Pooled, &model, &config(), ["t", "cpu"], &two);
        assert_ne!(pooled(mixed), pooled(model(1)));
    }
}
