//! Freezing: weights that training leaves as they are. They cost neither a gradient nor optimizer
//! memory, and layers that are frozen whole run without dropout.

use std::str::FromStr;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use globset::{Glob, GlobMatcher};
use thiserror::Error;

use crate::architectures::Architecture;
use crate::named::{
    ParameterMapper, for_each_parameter, is_encoder_name, layer_index, map_parameters,
    parameter_names,
};

/// Which parameters to freeze: a list of parts and patterns.
///
/// | part | freezes |
/// |---|---|
/// | `none` | nothing |
/// | `encoder` | everything but the head |
/// | `all-but-pooler` | everything but pooler and head |
/// | `embeddings` | the embeddings with their LayerNorm |
/// | `layers:6` | the first six layers, not the embeddings: list those too if wanted |
/// | anything else | the parameters whose name the pattern matches: `*LayerNorm*`, `bert.encoder.layer.3.*` |
///
/// A pattern may use the names of the checkpoint, with or without prefix, or canonical ones.
/// `*` stands for any characters, `?` for one, `[ab]` and `{a,b}` for alternatives.
#[derive(Clone, Debug, Default)]
pub struct FreezeSpec {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    None,
    Encoder,
    AllButPooler,
    Embeddings,
    Layers(usize),
    Pattern(GlobMatcher),
}

/// Why a model cannot be frozen as wanted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FreezeError {
    /// The number after `layers:` is none.
    #[error("freeze = {found:?}: after `layers:` there must be a whole number above 0")]
    Layers {
        /// The part as given.
        found: String,
    },
    /// The pattern cannot be read.
    #[error("freeze = {found:?} is not a pattern: {reason}")]
    Pattern {
        /// The part as given.
        found: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The model has fewer layers.
    #[error("freeze = \"layers:{wanted}\": the model has {layers} layers")]
    TooManyLayers {
        /// How many were to be frozen.
        wanted: usize,
        /// How many there are.
        layers: usize,
    },
    /// No parameter has such a name.
    #[error(
        "freeze = {found:?} matches no parameter; it must be none, encoder, all-but-pooler, \
         embeddings, layers:N, or a pattern of names such as {example:?}"
    )]
    MatchesNothing {
        /// The part as given.
        found: String,
        /// A name that the model has.
        example: String,
    },
}

impl FreezeSpec {
    /// Reads a list of parts.
    ///
    /// # Errors
    /// If one is no part and no pattern.
    pub fn parse<T: AsRef<str>>(parts: &[T]) -> Result<Self, FreezeError> {
        let parts = parts
            .iter()
            .map(|part| part.as_ref().parse())
            .collect::<Result<_, _>>()?;
        Ok(Self { parts })
    }

    /// Freezes what is wanted, and makes everything else trainable. Returns the model and the
    /// canonical names of what is frozen.
    ///
    /// # Errors
    /// If a part matches nothing in this model.
    pub fn apply<M: Module>(
        &self,
        model: M,
        architecture: &dyn Architecture,
    ) -> Result<(M, Vec<String>), FreezeError> {
        let frozen = self.matching(&parameter_names(&model), architecture)?;
        let model = map_parameters(model, &mut Freezer { frozen: &frozen });
        Ok((model, frozen))
    }

    /// Those of the given canonical names that are to be frozen.
    fn matching(
        &self,
        names: &[String],
        architecture: &dyn Architecture,
    ) -> Result<Vec<String>, FreezeError> {
        for part in &self.parts {
            part.check(names, architecture)?;
        }
        let frozen = |name: &&String| {
            self.parts
                .iter()
                .any(|part| part.matches(name, architecture))
        };
        Ok(names.iter().filter(frozen).cloned().collect())
    }
}

impl FromStr for Part {
    type Err = FreezeError;

    fn from_str(text: &str) -> Result<Self, FreezeError> {
        if let Some(number) = text.strip_prefix("layers:") {
            let count = number.parse().ok().filter(|&count| count > 0);
            return count
                .map(Self::Layers)
                .ok_or_else(|| FreezeError::Layers { found: text.into() });
        }
        match text {
            "none" => Ok(Self::None),
            "encoder" => Ok(Self::Encoder),
            "all-but-pooler" => Ok(Self::AllButPooler),
            "embeddings" => Ok(Self::Embeddings),
            _ => match Glob::new(text) {
                Ok(glob) => Ok(Self::Pattern(glob.compile_matcher())),
                Err(error) => Err(FreezeError::Pattern {
                    found: text.into(),
                    reason: error.kind().to_string(),
                }),
            },
        }
    }
}

impl Part {
    fn matches(&self, canonical: &str, architecture: &dyn Architecture) -> bool {
        match self {
            Self::None => false,
            Self::Encoder => is_encoder_name(canonical),
            Self::AllButPooler => is_encoder_name(canonical) && !canonical.starts_with("pooler."),
            Self::Embeddings => canonical.starts_with("embeddings."),
            Self::Layers(count) => layer_index(canonical).is_some_and(|layer| layer < *count),
            Self::Pattern(glob) => {
                let own = architecture.hf_name(canonical);
                let prefixed = format!("{}{own}", architecture.prefix());
                glob.is_match(canonical)
                    || glob.is_match(own)
                    || (is_encoder_name(canonical) && glob.is_match(prefixed))
            }
        }
    }

    fn check(&self, names: &[String], architecture: &dyn Architecture) -> Result<(), FreezeError> {
        match self {
            Self::Layers(wanted) => {
                let layers = names.iter().filter_map(|name| layer_index(name)).max();
                let layers = layers.map_or(0, |last| last + 1);
                if *wanted > layers {
                    return Err(FreezeError::TooManyLayers {
                        wanted: *wanted,
                        layers,
                    });
                }
            }
            Self::Pattern(glob) if !names.iter().any(|name| self.matches(name, architecture)) => {
                let example = names
                    .iter()
                    .find(|name| layer_index(name).is_some())
                    .or(names.first());
                return Err(FreezeError::MatchesNothing {
                    found: glob.glob().to_string(),
                    example: example
                        .map(|name| architecture.hf_name(name))
                        .unwrap_or_default(),
                });
            }
            _ => {}
        }
        Ok(())
    }
}

struct Freezer<'a> {
    frozen: &'a [String],
}

impl ParameterMapper for Freezer<'_> {
    fn map<const D: usize>(&mut self, name: &str, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let frozen = self.frozen.iter().any(|frozen| frozen == name);
        parameter.set_require_grad(!frozen)
    }
}

/// The canonical names of the parameters that want a gradient.
pub fn trainable_names<M: Module>(model: &M) -> Vec<String> {
    struct Trainable(Vec<String>);
    impl crate::named::ParameterVisitor for Trainable {
        fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
            if parameter.is_require_grad() {
                self.0.push(name.into());
            }
        }
    }
    let mut trainable = Trainable(Vec::new());
    for_each_parameter(model, &mut trainable);
    trainable.0
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::architectures::{Bert, DistilBert};
    use crate::testing::{classifier, head};
    use crate::{Features, SequenceClassifier};

    fn model() -> SequenceClassifier {
        classifier(&head(Features::Pooled, &[4]), &Device::flex().autodiff())
    }

    fn frozen(parts: &[&str]) -> Vec<String> {
        let spec = FreezeSpec::parse(parts).unwrap();
        let (model, frozen) = spec.apply(model(), &Bert).unwrap();
        let trainable = trainable_names(&model);
        let all = parameter_names(&model);
        assert!(
            all.iter()
                .all(|name| frozen.contains(name) != trainable.contains(name))
        );
        frozen
    }

    fn error(parts: &[&str]) -> String {
        let applied = FreezeSpec::parse(parts).and_then(|spec| spec.apply(model(), &Bert));
        applied.unwrap_err().to_string()
    }

    #[test]
    fn every_part_freezes_what_it_says() {
        let starting = |starts: &[&str]| {
            let names = parameter_names(&model());
            let chosen = names
                .into_iter()
                .filter(|name| starts.iter().any(|s| name.starts_with(s)));
            chosen.collect::<Vec<_>>()
        };
        assert_eq!(frozen(&[]), [""; 0]);
        assert_eq!(frozen(&["none"]), [""; 0]);
        assert_eq!(
            frozen(&["encoder"]),
            starting(&["embeddings.", "encoder.", "pooler."])
        );
        assert_eq!(
            frozen(&["all-but-pooler"]),
            starting(&["embeddings.", "encoder."])
        );
        assert_eq!(frozen(&["embeddings"]), starting(&["embeddings."]));
        assert_eq!(frozen(&["layers:1"]), starting(&["encoder.layer.0."]));
        assert_eq!(frozen(&["layers:2"]), starting(&["encoder.layer."]));
        assert_eq!(
            frozen(&["embeddings", "layers:1"]),
            starting(&["embeddings.", "encoder.layer.0."])
        );
    }

    #[test]
    fn patterns_match_names_with_and_without_prefix() {
        assert_eq!(frozen(&["classifier_hidden.*"]).len(), 2);
        assert_eq!(frozen(&["*LayerNorm*"]).len(), 10);
        assert_eq!(
            frozen(&["bert.encoder.layer.[01].attention.self.{query,key}.weight"]).len(),
            4
        );
        assert_eq!(frozen(&["pooler.dense.bias"]), ["pooler.dense.bias"]);
        let spec = FreezeSpec::parse(&["distilbert.transformer.layer.1.ffn.*"]).unwrap();
        let (_, frozen) = spec.apply(model(), &DistilBert).unwrap();
        assert_eq!(frozen[0], "encoder.layer.1.intermediate.dense.weight");
        assert_eq!(frozen.len(), 4);
    }

    #[test]
    fn a_later_specification_replaces_an_earlier_one() {
        let freeze = |model, part: &str| {
            FreezeSpec::parse(&[part])
                .unwrap()
                .apply(model, &Bert)
                .unwrap()
                .0
        };
        let model = freeze(freeze(model(), "encoder"), "none");
        assert_eq!(trainable_names(&model), parameter_names(&model));
    }

    #[test]
    fn what_freezes_nothing_is_an_error() {
        assert_eq!(
            error(&["embedings"]),
            "freeze = \"embedings\" matches no parameter; it must be none, encoder, \
             all-but-pooler, embeddings, layers:N, or a pattern of names such as \
             \"encoder.layer.0.attention.self.query.weight\""
        );
        assert_eq!(
            error(&["layers:3"]),
            "freeze = \"layers:3\": the model has 2 layers"
        );
        for part in ["layers:", "layers:0", "layers:x", "layers:-1"] {
            assert_eq!(
                error(&[part]),
                format!("freeze = {part:?}: after `layers:` there must be a whole number above 0")
            );
        }
        assert!(error(&["layer[.*"]).starts_with("freeze = \"layer[.*\" is not a pattern: "));
    }
}
