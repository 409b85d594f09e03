use burn::tensor::{Tensor, TensorData};
use cloze_kernels::dropout::{AttentionShape, Dropout};

use crate::parameter_source::f32_data;

/// From what the dropout masks of a training step are drawn: the same key gives the same masks,
/// on any number of threads, and in a run that was stopped and resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropoutKey {
    /// Of the run.
    pub seed: u64,
    /// Of the forward pass: no two passes of a run share a number, also not those whose
    /// gradients are accumulated into one step.
    pub step: u64,
}

/// A place where a model drops; no two of a model share a number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Site {
    Embeddings,
    AttentionWeights {
        layer: usize,
    },
    AttentionOutput {
        layer: usize,
    },
    FeedForward {
        layer: usize,
    },
    HeadFeatures,
    HeadOutput,
    /// Behind a layer of a head with several.
    HeadLayer {
        layer: usize,
    },
}

impl Site {
    fn number(self) -> u32 {
        // Room for further places of a layer and of a head; layers come last, being many.
        let of_layer = |layer: usize, place: u32| 64 + 8 * layer as u32 + place;
        // Between those of the encoder's layers.
        let of_head = |layer: usize| of_layer(layer, 3);
        match self {
            Self::Embeddings => 0,
            Self::HeadFeatures => 32,
            Self::HeadOutput => 33,
            Self::HeadLayer { layer } => of_head(layer),
            Self::AttentionWeights { layer } => of_layer(layer, 0),
            Self::AttentionOutput { layer } => of_layer(layer, 1),
            Self::FeedForward { layer } => of_layer(layer, 2),
        }
    }

    /// What is dropped here; `None` if nothing is.
    pub(crate) fn decisions(self, key: Option<DropoutKey>, probability: f64) -> Option<Dropout> {
        let key = key.filter(|_| probability > 0.0)?;
        Some(Dropout::new(key.seed, key.step, self.number(), probability))
    }
}

/// Zeroes elements with the given probability and scales the others; without a key, nothing.
pub(crate) fn dropout<const D: usize>(
    input: Tensor<D>,
    key: Option<DropoutKey>,
    site: Site,
    probability: f64,
) -> Tensor<D> {
    let Some(dropout) = site.decisions(key, probability) else {
        return input;
    };
    let mut factors = vec![0.0; input.shape().num_elements()];
    dropout.mask(&mut factors);
    multiply(input, factors)
}

/// Dropout of attention weights, `[sequences, heads, padded, padded]`; what a sequence drops
/// does not depend on its neighbours in the batch.
pub(crate) fn attention_dropout(
    weights: Tensor<4>,
    lengths: &[usize],
    key: Option<DropoutKey>,
    site: Site,
    probability: f64,
) -> Tensor<4> {
    let Some(dropout) = site.decisions(key, probability) else {
        return weights;
    };
    let [_, heads, padded, _] = weights.dims();
    let mut factors = vec![0.0; weights.shape().num_elements()];
    dropout.attention_mask(
        AttentionShape {
            lengths,
            heads,
            padded,
        },
        &mut factors,
    );
    multiply(weights, factors)
}

fn multiply<const D: usize>(input: Tensor<D>, factors: Vec<f32>) -> Tensor<D> {
    let data: TensorData = f32_data(factors, &input.dims());
    let factors = Tensor::from_data(data, &input.device());
    input * factors
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use burn::tensor::Device;

    use super::*;

    #[test]
    fn no_two_places_share_a_number() {
        let mut numbers = HashSet::new();
        let layers = (0..48).flat_map(|layer| {
            [
                Site::AttentionWeights { layer },
                Site::AttentionOutput { layer },
                Site::FeedForward { layer },
                Site::HeadLayer { layer },
            ]
        });
        let others = [Site::Embeddings, Site::HeadFeatures, Site::HeadOutput];
        assert!(
            layers
                .chain(others)
                .all(|site| numbers.insert(site.number()))
        );
    }

    #[test]
    fn elements_are_dropped_or_scaled_and_so_is_their_gradient() {
        let device = Device::flex().autodiff();
        let input = Tensor::<2>::ones([40, 50], &device).require_grad();
        let key = Some(DropoutKey { seed: 1, step: 1 });
        let output = dropout(input.clone(), key, Site::Embeddings, 0.2);
        let values: Vec<f32> = output.to_data().try_to_vec().unwrap();
        assert!(values.iter().all(|&value| value == 0.0 || value == 1.25));
        let dropped = values.iter().filter(|&&value| value == 0.0).count();
        assert!((300..500).contains(&dropped));
        let gradients = output.sum().backward();
        let gradient = input.grad(&gradients).unwrap();
        assert_eq!(gradient.into_data().try_to_vec::<f32>().unwrap(), values);
    }

    #[test]
    fn without_a_key_or_a_probability_nothing_is_dropped() {
        let input = Tensor::<1>::ones([100], &Device::flex());
        let key = Some(DropoutKey { seed: 1, step: 1 });
        for (key, probability) in [(None, 0.5), (key, 0.0)] {
            let output = dropout(input.clone(), key, Site::HeadOutput, probability);
            assert_eq!(output.to_data(), input.to_data());
        }
    }
}
