//! Parameters under their canonical names.
//!
//! A canonical name is the one that BERT's tensors have in `transformers`, without prefix,
//! whatever the architecture: `encoder.layer.0.attention.self.query.weight`. It is made from the
//! fields that lead to a parameter; [`Architecture::hf_name`](crate::Architecture::hf_name)
//! turns it into the name of an architecture's own checkpoints. Tensors of a head stand beside
//! the encoder's: `classifier_hidden.0.weight`, `classifier.weight`, `qa_outputs.weight`,
//! `cls.predictions.bias`, `head.decoder.weight`.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Fields whose canonical names differ: those that Rust cannot or does not name so.
const FIELDS: [(&str, &str); 3] = [
    ("layers", "encoder.layer"),
    ("layer_norm", "LayerNorm"),
    ("self_attention", "self"),
];

/// Fields of a model that hold its parts, and what their parameters begin with.
const PARTS: [(&str, &str); 11] = [
    ("encoder.", ""),
    ("head.hidden.", "classifier_hidden."),
    ("head.output.", "classifier."),
    ("head.qa_outputs.", "qa_outputs."),
    ("head.transform.", "cls.predictions.transform.dense."),
    (
        "head.transform_norm.",
        "cls.predictions.transform.LayerNorm.",
    ),
    ("head.bias", "cls.predictions.bias"),
    ("next_sentence.", "cls.seq_relationship."),
    ("head.masked.transform.", "cls.predictions.transform.dense."),
    (
        "head.masked.transform_norm.",
        "cls.predictions.transform.LayerNorm.",
    ),
    ("head.masked.bias", "cls.predictions.bias"),
];

/// Looks at parameters one after another.
pub trait ParameterVisitor {
    /// Called with every parameter and its canonical name.
    fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>);
}

/// Replaces parameters one after another.
pub trait ParameterMapper {
    /// Called with every parameter and its canonical name.
    fn map<const D: usize>(&mut self, name: &str, parameter: Param<Tensor<D>>) -> Param<Tensor<D>>;
}

/// Calls `visitor` with every parameter of a model, in the order of its fields.
pub fn for_each_parameter<M: Module>(model: &M, visitor: &mut impl ParameterVisitor) {
    model.visit(&mut Named {
        path: Vec::new(),
        inner: visitor,
    });
}

/// Sends every parameter of a model through `mapper`, in the order of its fields.
#[must_use]
pub fn map_parameters<M: Module>(model: M, mapper: &mut impl ParameterMapper) -> M {
    model.map(&mut Named {
        path: Vec::new(),
        inner: mapper,
    })
}

/// The names of all parameters of a model.
pub fn parameter_names<M: Module>(model: &M) -> Vec<String> {
    struct Names(Vec<String>);
    impl ParameterVisitor for Names {
        fn visit<const D: usize>(&mut self, name: &str, _: &Param<Tensor<D>>) {
            self.0.push(name.into());
        }
    }
    let mut names = Names(Vec::new());
    for_each_parameter(model, &mut names);
    names.0
}

/// Whether a canonical name is an encoder's (embeddings, layers, pooler) and not a head's.
pub fn is_encoder_name(canonical: &str) -> bool {
    ["embeddings.", "encoder.", "pooler."]
        .iter()
        .any(|part| canonical.starts_with(part))
}

/// The encoder layer, from 0, that a parameter of this canonical name is in.
pub fn layer_index(canonical: &str) -> Option<usize> {
    let rest = canonical.strip_prefix("encoder.layer.")?;
    rest.split('.').next()?.parse().ok()
}

struct Named<'a, T> {
    path: Vec<String>,
    inner: &'a mut T,
}

impl<T> Named<'_, T> {
    fn name(&self) -> String {
        canonical_name(&self.path)
    }
}

fn canonical_name(path: &[String]) -> String {
    let mut name = path.join(".");
    for (part, canonical) in PARTS {
        if let Some(rest) = name.strip_prefix(part) {
            name = format!("{canonical}{rest}");
            break;
        }
    }
    if let Some(lstm) = lstm_name(&name) {
        return lstm;
    }
    let fields = name.split('.').map(|field| {
        FIELDS
            .iter()
            .find(|(own, _)| *own == field)
            .map_or(field, |(_, canonical)| canonical)
    });
    fields.collect::<Vec<_>>().join(".")
}

/// `head.lstm.0.weight_ih` as `torch.nn.LSTM` calls it, `head.lstm.weight_ih_l0`.
fn lstm_name(path: &str) -> Option<String> {
    let (layer, tensor) = path.strip_prefix("head.lstm.")?.split_once('.')?;
    Some(format!("head.lstm.{tensor}_l{layer}"))
}

impl<T: ParameterVisitor> ModuleVisitor for Named<'_, T> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        self.inner.visit(&self.name(), parameter);
    }
}

impl<T: ParameterMapper> ModuleMapper for Named<'_, T> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.inner.map(&self.name(), parameter)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::Features;
    use crate::testing::{classifier, head};

    #[test]
    fn names_are_those_of_bert_in_transformers() {
        let model = classifier(&head(Features::Pooled, &[4]), &Device::flex());
        let names = parameter_names(&model);
        let layer = |index| {
            let tensors = [
                "attention.self.query",
                "attention.self.key",
                "attention.self.value",
                "attention.output.dense",
                "attention.output.LayerNorm",
                "intermediate.dense",
                "output.dense",
                "output.LayerNorm",
            ];
            tensors.map(|tensor| format!("encoder.layer.{index}.{tensor}"))
        };
        let pairs = layer(0).into_iter().chain(layer(1)).chain([
            "pooler.dense".into(),
            "classifier_hidden.0".into(),
            "classifier".into(),
        ]);
        let embeddings = ["word", "position", "token_type"]
            .map(|kind| format!("embeddings.{kind}_embeddings.weight"));
        let pairs = std::iter::once("embeddings.LayerNorm".to_owned()).chain(pairs);
        let pairs = pairs.flat_map(|pair| [format!("{pair}.weight"), format!("{pair}.bias")]);
        assert_eq!(
            names,
            embeddings.into_iter().chain(pairs).collect::<Vec<_>>()
        );
        // The encoder alone has the same names.
        let alone = parameter_names(&model.encoder);
        assert_eq!(alone[..], names[..names.len() - 4]);
        assert!(alone.iter().all(|name| is_encoder_name(name)));
        assert!(
            !names[names.len() - 4..]
                .iter()
                .any(|name| is_encoder_name(name))
        );
    }

    #[test]
    fn a_source_is_asked_by_the_names_that_visitors_see() {
        struct Asked(Vec<String>);
        impl crate::ParameterSource for Asked {
            fn get(
                &mut self,
                name: &str,
                shape: &[usize],
                _: crate::Init,
            ) -> Result<burn::tensor::TensorData, crate::ParameterError> {
                self.0.push(name.into());
                Ok(burn::tensor::TensorData::zeros::<f32, _>(shape))
            }
        }
        let mut asked = Asked(Vec::new());
        let (config, device) = (crate::testing::tiny_config(), Device::flex());
        let head = head(Features::Pooled, &[4, 3]);
        let model = crate::SequenceClassifier::new(&config, &head, 2, &mut asked, &device).unwrap();
        assert_eq!(asked.0, parameter_names(&model));
    }
}
