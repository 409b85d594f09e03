//! How many parameters a model has, and where.

use std::fmt;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use serde::Serialize;

use crate::named::{ParameterVisitor, for_each_parameter};

/// A part of a model, in the order in which reports list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelPart {
    /// Word, position and token type embeddings, without their LayerNorm.
    Embeddings,
    /// Query, key, value and output of every layer.
    Attention,
    /// The two linear layers after the attention of every layer.
    FeedForward,
    /// Every LayerNorm of embeddings and layers.
    LayerNorm,
    /// The pooler.
    Pooler,
    /// Everything that is not the encoder's.
    Head,
}

impl ModelPart {
    const ALL: [Self; 6] = [
        Self::Embeddings,
        Self::Attention,
        Self::FeedForward,
        Self::LayerNorm,
        Self::Pooler,
        Self::Head,
    ];

    /// The part that a parameter of this canonical name belongs to.
    pub fn of(canonical: &str) -> Self {
        let of_layers = canonical.starts_with("encoder.layer.");
        if !of_layers && !canonical.starts_with("embeddings.") {
            return if canonical.starts_with("pooler.") {
                Self::Pooler
            } else {
                Self::Head
            };
        }
        if canonical.contains(".LayerNorm.") {
            Self::LayerNorm
        } else if !of_layers {
            Self::Embeddings
        } else if canonical.contains(".attention.") {
            Self::Attention
        } else {
            Self::FeedForward
        }
    }

    /// The name in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embeddings => "embeddings",
            Self::Attention => "attention",
            Self::FeedForward => "feed-forward",
            Self::LayerNorm => "LayerNorm",
            Self::Pooler => "pooler",
            Self::Head => "head",
        }
    }
}

/// One tensor of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TensorSummary {
    /// Its canonical name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Whether training changes it.
    pub trainable: bool,
}

impl TensorSummary {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// How many parameters a part has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PartSummary {
    /// The part.
    pub part: ModelPart,
    /// All its parameters.
    pub parameters: usize,
    /// Those of its matrices, without biases.
    pub matrices: usize,
    /// Those that training changes.
    pub trainable: usize,
}

/// How many parameters a model has, and where.
///
/// [`Display`](fmt::Display) prints it as a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParameterReport {
    /// The parts that the model has.
    pub parts: Vec<PartSummary>,
    /// All parameters.
    pub parameters: usize,
    /// Those that training changes.
    pub trainable: usize,
    /// Those that it leaves as they are.
    pub frozen: usize,
    /// Memory of the weights as `f32`.
    pub bytes: usize,
    /// Every tensor, in the order of the model.
    pub tensors: Vec<TensorSummary>,
}

impl ParameterReport {
    /// The report of a model. On a device without autodiff, which does not know what is frozen,
    /// every parameter counts as trainable.
    pub fn of<M: Module>(model: &M) -> Self {
        struct Tensors(Vec<TensorSummary>);
        impl ParameterVisitor for Tensors {
            fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
                self.0.push(TensorSummary {
                    name: name.into(),
                    shape: parameter.lazy_shape().to_vec(),
                    trainable: !parameter.is_autodiff() || parameter.is_require_grad(),
                });
            }
        }
        let mut tensors = Tensors(Vec::new());
        for_each_parameter(model, &mut tensors);
        Self::from_tensors(tensors.0)
    }

    /// The report of a list of tensors, of a checkpoint that no model was built from, say.
    pub fn from_tensors(tensors: Vec<TensorSummary>) -> Self {
        let count = |part: Option<ModelPart>, counts: &dyn Fn(&TensorSummary) -> bool| {
            let chosen = tensors
                .iter()
                .filter(|tensor| part.is_none_or(|part| ModelPart::of(&tensor.name) == part))
                .filter(|tensor| counts(tensor));
            chosen.map(TensorSummary::elements).sum::<usize>()
        };
        let parts = ModelPart::ALL.map(|part| PartSummary {
            part,
            parameters: count(Some(part), &|_| true),
            matrices: count(Some(part), &|tensor| tensor.shape.len() > 1),
            trainable: count(Some(part), &|tensor| tensor.trainable),
        });
        let parts = parts
            .into_iter()
            .filter(|part| part.parameters > 0)
            .collect();
        let parameters = count(None, &|_| true);
        let trainable = count(None, &|tensor| tensor.trainable);
        let bytes = parameters * size_of::<f32>();
        Self {
            parts,
            parameters,
            trainable,
            frozen: parameters - trainable,
            bytes,
            tensors,
        }
    }

    /// The summary of one part, if the model has it.
    pub fn part(&self, part: ModelPart) -> Option<&PartSummary> {
        self.parts.iter().find(|summary| summary.part == part)
    }
}

impl fmt::Display for ParameterReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<14}{:>15}{:>15}{:>15}",
            "", "parameters", "trainable", "frozen"
        )?;
        let row = |f: &mut fmt::Formatter<'_>, name: &str, all: usize, trainable: usize| {
            let [all, trainable, frozen] = [all, trainable, all - trainable].map(grouped);
            writeln!(f, "{name:<14}{all:>15}{trainable:>15}{frozen:>15}")
        };
        for part in &self.parts {
            row(f, part.part.name(), part.parameters, part.trainable)?;
        }
        row(f, "total", self.parameters, self.trainable)?;
        write!(f, "{} bytes", grouped(self.bytes))
    }
}

/// `109482240` → `109,482,240`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
