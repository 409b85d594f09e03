use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cloze_core::{EncoderConfig, PackedBatch};
use thiserror::Error;

use super::{ClassificationHeadConfig, Features, Pooling};
use crate::bridge::linear_forward;
use crate::encoder::{
    Builder, DropoutKey, Encoder, EncoderOutput, ForwardError, ForwardOptions, Linear, Site,
    activate, dropout, is_frozen,
};
use crate::parameter_source::{ParameterError, ParameterSource};

/// Why a model with a head cannot be built.
#[derive(Debug, Error)]
pub enum BuildError {
    /// A tensor cannot be had.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The head wants pooled output of an encoder without pooler.
    #[error(
        "head features \"pooled\" need a pooler, which {model_type} does not have: \
         use \"cls\" or \"mean\""
    )]
    NoPooler {
        /// The architecture.
        model_type: String,
    },
    /// Pooled output is to be the embedding of an encoder without pooler.
    #[error(
        "pooling \"pooled\" needs a pooler, which {model_type} does not have: use \"mean\", \"cls\" \
         or \"max\""
    )]
    NoPooledEmbedding {
        /// The architecture.
        model_type: String,
    },
    /// An embedding is to be made of nothing.
    #[error("an embedding needs one pooling at least")]
    NoPooling,
    /// A dense layer behind the pooling takes another width than comes out before it.
    #[error("dense layer {layer} behind the pooling takes {wanted} numbers, and there are {found}")]
    DenseWidth {
        /// Which one, counted from 1 among the layers behind the pooling.
        layer: usize,
        /// Numbers that come out before it.
        found: usize,
        /// Numbers that it takes.
        wanted: usize,
    },
    /// Next sentences are to be predicted by an encoder without pooler.
    #[error(
        "next-sentence prediction needs a pooler, which {model_type} does not have: train it as \
         a masked language model alone (`masked-lm`)"
    )]
    NoNextSentence {
        /// The architecture.
        model_type: String,
    },
    /// A hidden layer of the head, or its output, has no width.
    #[error("the head's layers and its labels must each number 1 at least, found {widths:?}")]
    Empty {
        /// Widths of the hidden layers and, last, the number of labels.
        widths: Vec<usize>,
    },
    /// Attention heads do not share the width of what they attend to.
    #[error("{heads} attention heads do not share a width of {width} evenly")]
    AttentionHeads {
        /// Attention heads.
        heads: usize,
        /// The width.
        width: usize,
    },
    /// A dropout is not a probability.
    #[error("the head's dropout must be a probability from 0 to below 1, found {0}")]
    Dropout(f64),
}

/// Turns the states of a sequence into one number a class.
#[derive(Module, Debug)]
pub struct ClassificationHead {
    /// Hidden layers, first to last; `classifier_hidden.N` among canonical names.
    pub hidden: Vec<Linear>,
    /// `[labels, in]`; `classifier` among canonical names.
    pub output: Linear,
    #[module(skip)]
    config: ClassificationHeadConfig,
}

impl ClassificationHead {
    fn new(
        builder: &mut Builder<'_>,
        config: &ClassificationHeadConfig,
        encoder: &EncoderConfig,
        labels: usize,
    ) -> Result<Self, BuildError> {
        check(config, encoder, labels)?;
        let mut width = encoder.hidden_size;
        let mut hidden = Vec::with_capacity(config.hidden.len());
        for (index, &next) in config.hidden.iter().enumerate() {
            let name = format!("classifier_hidden.{index}");
            hidden.push(Linear::new(builder, &name, width, next)?);
            width = next;
        }
        let output = Linear::new(builder, "classifier", width, labels)?;
        Ok(Self {
            hidden,
            output,
            config: config.clone(),
        })
    }

    /// What the head is made of.
    pub fn config(&self) -> &ClassificationHeadConfig {
        &self.config
    }

    /// Number of classes.
    pub fn labels(&self) -> usize {
        self.output.bias.dims()[0]
    }

    /// Features, `[batch, hidden]` → logits, `[batch, labels]`.
    fn forward(&self, features: Tensor<2>, key: Option<DropoutKey>) -> Tensor<2> {
        let key = key.filter(|_| !is_frozen(self));
        let config = &self.config;
        let mut states = dropout(features, key, Site::HeadFeatures, config.feature_dropout);
        for layer in &self.hidden {
            states = activate(config.activation, linear_forward(layer, states));
        }
        let states = dropout(states, key, Site::HeadOutput, config.dropout);
        linear_forward(&self.output, states)
    }
}

fn check(
    config: &ClassificationHeadConfig,
    encoder: &EncoderConfig,
    labels: usize,
) -> Result<(), BuildError> {
    if config.features == Features::Pooled && !encoder.pooler {
        return Err(BuildError::NoPooler {
            model_type: encoder.model_type.clone(),
        });
    }
    let widths: Vec<usize> = config.hidden.iter().copied().chain([labels]).collect();
    if widths.contains(&0) {
        return Err(BuildError::Empty { widths });
    }
    let dropouts = [config.feature_dropout, config.dropout];
    match dropouts
        .into_iter()
        .find(|probability| !(0.0..1.0).contains(probability))
    {
        Some(probability) => Err(BuildError::Dropout(probability)),
        None => Ok(()),
    }
}

/// An encoder with a classification head: a text, or a pair, → one of several classes.
#[derive(Module, Debug)]
pub struct SequenceClassifier {
    /// The encoder.
    pub encoder: Encoder,
    /// What stands on top of it.
    pub head: ClassificationHead,
}

/// What a classifier gives.
#[derive(Clone, Debug)]
pub struct ClassifierOutput {
    /// `[batch, labels]`.
    pub logits: Tensor<2>,
    /// What the encoder gave.
    pub encoder: EncoderOutput,
}

impl SequenceClassifier {
    /// Builds a classifier for `labels` classes out of the tensors of a source.
    ///
    /// # Errors
    /// If a tensor cannot be had, or the head does not fit the encoder.
    pub fn new(
        config: &EncoderConfig,
        head: &ClassificationHeadConfig,
        labels: usize,
        source: &mut dyn ParameterSource,
        device: &Device,
    ) -> Result<Self, BuildError> {
        check(head, config, labels)?;
        let encoder = Encoder::new(config, source, device)?;
        let mut builder = Builder::new(source, device, config.initializer_range);
        let head = ClassificationHead::new(&mut builder, head, config, labels)?;
        Ok(Self { encoder, head })
    }

    /// Runs a batch through encoder and head.
    ///
    /// # Errors
    /// As [`Encoder::forward`].
    pub fn forward(
        &self,
        batch: &PackedBatch,
        options: &ForwardOptions,
    ) -> Result<ClassifierOutput, ForwardError> {
        self.encoder.run(|| {
            let encoder = self.encoder.forward(batch, options)?;
            let features = self.features(encoder.last_hidden_state.clone(), batch)?;
            let logits = self.head.forward(features, options.dropout);
            Ok(ClassifierOutput { logits, encoder })
        })
    }

    /// What the head sees: last hidden states, `[tokens, hidden]` → `[batch, hidden]`.
    ///
    /// # Errors
    /// If the head wants pooled output and there is no pooler.
    pub fn features(
        &self,
        hidden: Tensor<2>,
        batch: &PackedBatch,
    ) -> Result<Tensor<2>, ForwardError> {
        self.reduce(self.head.config.features, hidden, batch)
    }

    pub(super) fn reduce(
        &self,
        features: Features,
        hidden: Tensor<2>,
        batch: &PackedBatch,
    ) -> Result<Tensor<2>, ForwardError> {
        Pooling::from(features).apply(&self.encoder, hidden, batch, 0)
    }

    /// Features, `[batch, hidden]` → logits, `[batch, labels]`.
    pub fn classify(&self, features: Tensor<2>, options: &ForwardOptions) -> Tensor<2> {
        self.head.forward(features, options.dropout)
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;

    use super::*;
    use crate::losses::{CrossEntropy, cross_entropy};
    use crate::testing::{batch, classifier, head, tiny_config};

    const SEQUENCES: [&[u32]; 3] = [&[1, 5, 7, 2], &[1, 2], &[1, 9, 9, 4, 2]];

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn features_are_the_first_row_the_mean_row_or_the_pooled_output() {
        let device = Device::flex();
        let batch = batch(&SEQUENCES);
        let features = |features| {
            let model = classifier(&head(features, &[]), &device);
            let output = model.forward(&batch, &ForwardOptions::default()).unwrap();
            let hidden = output.encoder.last_hidden_state;
            (
                values(hidden.clone()),
                values(model.features(hidden, &batch).unwrap()),
                model,
            )
        };
        let (hidden, cls, _) = features(Features::Cls);
        let (_, mean, _) = features(Features::Mean);
        let (_, pooled, model) = features(Features::Pooled);
        let rows: Vec<&[f32]> = hidden.chunks(8).collect();
        for (index, range) in batch.offsets().windows(2).enumerate() {
            let own = &rows[range[0]..range[1]];
            assert_eq!(&cls[index * 8..][..8], own[0]);
            for column in 0..8 {
                let sum: f32 = own.iter().map(|row| row[column]).sum();
                let expected = sum / own.len() as f32;
                assert!((mean[index * 8 + column] - expected).abs() < 1e-6);
            }
        }
        let cls = Tensor::<1>::from_floats(cls.as_slice(), &device).reshape([3, 8]);
        let dense = &model.encoder.pooler.as_ref().unwrap().dense;
        assert_eq!(values(linear_forward(dense, cls).tanh()), pooled);
    }

    #[test]
    fn a_head_has_the_layers_that_were_asked_for() {
        let model = classifier(&head(Features::Mean, &[5, 4]), &Device::flex());
        let shapes = |layer: &Linear| (layer.weight.dims(), layer.bias.dims());
        assert_eq!(
            model.head.hidden.iter().map(shapes).collect::<Vec<_>>(),
            [([5, 8], [5]), ([4, 5], [4]),]
        );
        assert_eq!(shapes(&model.head.output), ([3, 4], [3]));
        assert_eq!(model.head.labels(), 3);
    }

    #[test]
    fn a_head_that_does_not_fit_is_refused() {
        let build = |head: &ClassificationHeadConfig, labels, pooler| {
            let config = EncoderConfig {
                pooler,
                ..tiny_config()
            };
            let mut source = crate::RandomParameters::new(0);
            let device = Device::flex();
            SequenceClassifier::new(&config, head, labels, &mut source, &device)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            build(&head(Features::Pooled, &[]), 2, false),
            "head features \"pooled\" need a pooler, which bert does not have: \
             use \"cls\" or \"mean\""
        );
        assert_eq!(
            build(&head(Features::Cls, &[200, 0]), 2, true),
            "the head's layers and its labels must each number 1 at least, found [200, 0, 2]"
        );
        assert!(build(&head(Features::Cls, &[]), 0, true).ends_with("found [0]"));
        let all_dropped = ClassificationHeadConfig {
            dropout: 1.0,
            ..head(Features::Cls, &[])
        };
        assert_eq!(
            build(&all_dropped, 2, true),
            "the head's dropout must be a probability from 0 to below 1, found 1"
        );
    }

    fn loss(model: &SequenceClassifier, options: &ForwardOptions) -> Tensor<1> {
        let output = model.forward(&batch(&SEQUENCES), options).unwrap();
        cross_entropy(output.logits, &[2, 0, 1], &CrossEntropy::default()).unwrap()
    }

    type Pick = fn(&mut SequenceClassifier) -> &mut Param<Tensor<2>>;

    /// Changes a parameter in a direction and back, and compares how the loss changes with what
    /// the gradient says: with dropout on, both see the same masks.
    #[test]
    fn gradients_equal_finite_differences_with_dropout() {
        let picks: [(&str, Pick); 5] = [
            ("words", |m| {
                &mut m.encoder.embeddings.word_embeddings.weight
            }),
            ("query", |m| {
                &mut m.encoder.layers[0].attention.self_attention.query.weight
            }),
            ("value", |m| {
                &mut m.encoder.layers[1].attention.self_attention.value.weight
            }),
            ("intermediate", |m| {
                &mut m.encoder.layers[0].intermediate.dense.weight
            }),
            ("hidden", |m| &mut m.head.hidden[0].weight),
        ];
        let device = Device::flex().autodiff();
        let dropout = Some(DropoutKey { seed: 4, step: 2 });
        let options = ForwardOptions {
            dropout,
            ..ForwardOptions::default()
        };
        for features in [Features::Pooled, Features::Cls, Features::Mean] {
            let model = classifier(&head(features, &[5]), &device);
            let gradients = loss(&model, &options).backward();
            for (name, pick) in picks {
                let gradient = pick(&mut model.clone()).grad(&gradients).unwrap();
                let norm = gradient.clone().square().sum().sqrt().into_scalar::<f32>();
                let direction = gradient / norm;
                let shifted = |step: f32| {
                    let mut model = model.clone();
                    let parameter = pick(&mut model);
                    *parameter = parameter.clone().map(|tensor| {
                        Tensor::from_inner(tensor.inner() + direction.clone() * step).require_grad()
                    });
                    f64::from(loss(&model, &options).into_scalar::<f32>())
                };
                let slope = (shifted(1e-2) - shifted(-1e-2)) / 2e-2;
                let relative = (slope / f64::from(norm) - 1.0).abs();
                assert!(
                    relative < 1e-2,
                    "{features:?}, {name}: slope {slope}, norm {norm}"
                );
            }
        }
    }
}
