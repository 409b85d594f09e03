use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use cloze_core::{Activation, PackedBatch};

use super::{BuildError, Pooling};
use crate::bridge::linear_forward;
use crate::encoder::{Encoder, ForwardError, ForwardOptions, Linear, activate};

/// Below this no vector is divided by its length, as in torch's `normalize`.
const LEAST_NORM: f32 = 1e-12;

/// An encoder that gives a text one vector: the states of its tokens are pooled, and go through
/// what stands behind the pooling (Reimers and Gurevych 2019).
#[derive(Clone, Debug)]
pub struct SentenceEncoder {
    /// The encoder.
    pub encoder: Encoder,
    pooling: Vec<Pooling>,
    layers: Vec<EmbeddingLayer>,
}

/// What stands behind the pooling.
#[derive(Clone, Debug)]
pub enum EmbeddingLayer {
    /// A dense layer.
    Dense(DenseLayer),
    /// Division by the Euclidean length: the vector has length 1 then.
    Normalize,
}

/// A linear layer and, it may be, an activation.
#[derive(Clone, Debug)]
pub struct DenseLayer {
    linear: Linear,
    activation: Option<Activation>,
}

impl DenseLayer {
    /// A layer of these weights, `[out, in]`, and this bias, `[out]`.
    pub(crate) fn new(
        weight: TensorData,
        bias: TensorData,
        activation: Option<Activation>,
        device: &Device,
    ) -> Self {
        Self {
            linear: Linear {
                weight: Param::from_data(weight, device),
                bias: Param::from_data(bias, device),
            },
            activation,
        }
    }
}

impl SentenceEncoder {
    /// Puts an encoder and what stands behind it together. Several poolings give their vectors one
    /// after the other.
    ///
    /// # Errors
    /// If there is no pooling, pooled output is wanted of an encoder without pooler, or the width
    /// of a dense layer does not fit.
    pub fn new(
        encoder: Encoder,
        pooling: Vec<Pooling>,
        layers: Vec<EmbeddingLayer>,
    ) -> Result<Self, BuildError> {
        if pooling.is_empty() {
            return Err(BuildError::NoPooling);
        }
        if pooling.contains(&Pooling::Pooled) && encoder.pooler.is_none() {
            return Err(BuildError::NoPooledEmbedding {
                model_type: encoder.config().model_type.clone(),
            });
        }
        let model = Self {
            encoder,
            pooling,
            layers,
        };
        model.check_widths()?;
        Ok(model)
    }

    fn check_widths(&self) -> Result<(), BuildError> {
        let mut found = self.pooled_width();
        for (index, layer) in self.layers.iter().enumerate() {
            if let EmbeddingLayer::Dense(dense) = layer {
                let [outputs, wanted] = dense.linear.weight.dims();
                if wanted != found {
                    let layer = index + 1;
                    return Err(BuildError::DenseWidth {
                        layer,
                        found,
                        wanted,
                    });
                }
                found = outputs;
            }
        }
        Ok(())
    }

    fn pooled_width(&self) -> usize {
        self.pooling.len() * self.encoder.config().hidden_size
    }

    /// Numbers of an embedding.
    pub fn dimension(&self) -> usize {
        let dense = self.layers.iter().rev().find_map(|layer| match layer {
            EmbeddingLayer::Dense(dense) => Some(dense.linear.bias.dims()[0]),
            EmbeddingLayer::Normalize => None,
        });
        dense.unwrap_or_else(|| self.pooled_width())
    }

    /// How tokens are pooled.
    pub fn pooling(&self) -> &[Pooling] {
        &self.pooling
    }

    /// What is done with the states, in words: `mean + max, dense 768 → 64 with tanh, normalize`.
    pub fn describe(&self) -> String {
        let poolings: Vec<&str> = self.pooling.iter().map(|pooling| pooling.name()).collect();
        let layers = self.layers.iter().map(|layer| match layer {
            EmbeddingLayer::Dense(dense) => dense.describe(),
            EmbeddingLayer::Normalize => "normalize".into(),
        });
        let parts = std::iter::once(poolings.join(" + ")).chain(layers);
        parts.collect::<Vec<_>>().join(", ")
    }

    /// Runs a batch through encoder, pooling and what stands behind it: `[batch, dimension]`. The
    /// first `skipped` tokens of each text are read but not pooled.
    ///
    /// # Errors
    /// As [`Encoder::forward`].
    pub fn forward(&self, batch: &PackedBatch, skipped: usize) -> Result<Tensor<2>, ForwardError> {
        self.encoder.run(|| {
            let output = self.encoder.forward(batch, &ForwardOptions::default())?;
            let hidden = output.last_hidden_state;
            let pooled = self.pooling.iter().map(|pooling| {
                let hidden = hidden.clone();
                pooling.apply(&self.encoder, hidden, batch, skipped)
            });
            let pooled = Tensor::cat(pooled.collect::<Result<Vec<_>, _>>()?, 1);
            Ok(self
                .layers
                .iter()
                .fold(pooled, |vectors, layer| match layer {
                    EmbeddingLayer::Dense(dense) => dense.forward(vectors),
                    EmbeddingLayer::Normalize => normalize(vectors),
                }))
        })
    }
}

impl DenseLayer {
    fn describe(&self) -> String {
        let [outputs, inputs] = self.linear.weight.dims();
        let activation = self.activation.map_or(String::new(), |function| {
            format!(" with {}", function.name())
        });
        format!("dense {inputs} → {outputs}{activation}")
    }

    /// `[rows, in]` → `[rows, out]`.
    fn forward(&self, vectors: Tensor<2>) -> Tensor<2> {
        let vectors = linear_forward(&self.linear, vectors);
        match self.activation {
            Some(function) => activate(function, vectors),
            None => vectors,
        }
    }
}

/// Every row over its Euclidean length.
fn normalize(vectors: Tensor<2>) -> Tensor<2> {
    let lengths = vectors.clone().square().sum_dim(1).sqrt();
    vectors / lengths.clamp_min(LEAST_NORM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RandomParameters;
    use crate::parameter_source::f32_data;
    use crate::testing::{batch, tiny_config};

    fn encoder(pooler: bool) -> Encoder {
        let config = cloze_core::EncoderConfig {
            pooler,
            ..tiny_config()
        };
        Encoder::new(&config, &mut RandomParameters::new(1), &Device::flex()).unwrap()
    }

    /// A dense layer whose row `i` is `0, 1, 2, …` over ten, plus `i`.
    fn dense(inputs: usize, outputs: usize) -> EmbeddingLayer {
        let weight = (0..inputs * outputs).map(|at| (at % inputs) as f32 / 10.0);
        let bias = (0..outputs).map(|row| row as f32);
        EmbeddingLayer::Dense(DenseLayer::new(
            f32_data(weight.collect(), &[outputs, inputs]),
            f32_data(bias.collect(), &[outputs]),
            Some(Activation::Relu),
            &Device::flex(),
        ))
    }

    fn values(model: &SentenceEncoder) -> Vec<f32> {
        let batch = batch(&[&[1, 5, 7, 2], &[1, 2]]);
        let output = model.forward(&batch, 0).unwrap();
        assert_eq!(output.dims(), [2, model.dimension()]);
        output.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn poolings_stand_side_by_side_and_layers_follow_in_order() {
        let with = |pooling: &[Pooling], layers| {
            SentenceEncoder::new(encoder(true), pooling.to_vec(), layers).unwrap()
        };
        let (mean, max) = (
            values(&with(&[Pooling::Mean], vec![])),
            values(&with(&[Pooling::Max], vec![])),
        );
        let both = values(&with(&[Pooling::Mean, Pooling::Max], vec![]));
        let expected: Vec<f32> = [&mean[..8], &max[..8], &mean[8..], &max[8..]].concat();
        assert_eq!(both, expected);
        let layers = vec![dense(8, 3), EmbeddingLayer::Normalize];
        let model = with(&[Pooling::Mean], layers);
        assert_eq!(model.describe(), "mean, dense 8 → 3 with relu, normalize");
        let projected = values(&model);
        for (row, found) in mean.chunks(8).zip(projected.chunks(3)) {
            let product: f32 = row
                .iter()
                .enumerate()
                .map(|(at, x)| at as f32 / 10.0 * x)
                .sum();
            let wanted = [0.0, 1.0, 2.0].map(|bias| (product + bias).max(0.0));
            let length = wanted.iter().map(|x| x * x).sum::<f32>().sqrt();
            for (found, wanted) in found.iter().zip(wanted) {
                assert!((found - wanted / length).abs() < 1e-5, "{found} {wanted}");
            }
        }
    }

    #[test]
    fn a_vector_of_zeros_stays_one() {
        let zeros = Tensor::zeros([1, 4], &Device::flex());
        let zeros: Vec<f32> = normalize(zeros).into_data().try_to_vec().unwrap();
        assert_eq!(zeros, [0.0; 4]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let error = |pooler, pooling: &[Pooling], layers| {
            let model = SentenceEncoder::new(encoder(pooler), pooling.to_vec(), layers);
            model.unwrap_err().to_string()
        };
        assert!(error(true, &[], vec![]).contains("one pooling at least"));
        assert_eq!(
            error(false, &[Pooling::Mean, Pooling::Pooled], vec![]),
            "pooling \"pooled\" needs a pooler, which bert does not have: use \"mean\", \"cls\" or \
             \"max\""
        );
        assert_eq!(
            error(
                true,
                &[Pooling::Mean],
                vec![EmbeddingLayer::Normalize, dense(16, 3)]
            ),
            "dense layer 2 behind the pooling takes 16 numbers, and there are 8"
        );
    }
}
