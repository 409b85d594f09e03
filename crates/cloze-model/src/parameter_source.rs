//! Where the weights of a new model come from.
//!
//! A model is built tensor by tensor out of a [`ParameterSource`]: a checkpoint, random numbers,
//! or one with the other as its fallback. So nothing is drawn that a checkpoint then overwrites.

use burn::tensor::{Bytes, DType, TensorData};
use cloze_core::InputError;
use cloze_kernels::philox;
use thiserror::Error;

/// How a tensor starts where no checkpoint has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Normally distributed around 0 with this standard deviation.
    Normal(f64),
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
}

/// Why a tensor cannot be had.
#[derive(Debug, Error)]
pub enum ParameterError {
    /// The checkpoint's tensor has another shape or element type; names file, tensor, wanted, found.
    #[error(transparent)]
    Tensor(#[from] InputError),
    /// The checkpoint cannot be read.
    #[error("cannot read tensor `{name}`")]
    Read {
        /// Name of the tensor in the file.
        name: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The source has no such tensor and no way to make one.
    #[error("there is no tensor `{name}`")]
    Missing {
        /// Canonical name of the tensor.
        name: String,
    },
}

/// Gives the values of tensors by canonical name.
///
/// Canonical names are BERT's in `transformers`, without prefix, whatever the architecture:
/// `embeddings.word_embeddings.weight`, `encoder.layer.0.attention.self.query.weight`,
/// `pooler.dense.weight`, `classifier.weight` (see [`named`](crate::named)).
pub trait ParameterSource {
    /// The values of one tensor, row-major `f32` of the given shape.
    ///
    /// # Errors
    /// If the tensor cannot be had in that shape.
    fn get(
        &mut self,
        name: &str,
        shape: &[usize],
        init: Init,
    ) -> Result<TensorData, ParameterError>;
}

/// Fresh weights: every tensor is drawn from the seed and its own name, so its values depend
/// neither on the order of the calls nor on which other tensors a model has.
#[derive(Clone, Copy, Debug)]
pub struct RandomParameters {
    seed: u64,
}

impl RandomParameters {
    /// A source whose every number follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }
}

impl ParameterSource for RandomParameters {
    fn get(
        &mut self,
        name: &str,
        shape: &[usize],
        init: Init,
    ) -> Result<TensorData, ParameterError> {
        let mut values = vec![if init == Init::Ones { 1.0 } else { 0.0 }; shape.iter().product()];
        if let Init::Normal(std) = init {
            philox::fill_normal(&mut values, self.seed, stream(name), std);
        }
        Ok(f32_data(values, shape))
    }
}

/// Row-major values as tensor data, without a copy.
pub(crate) fn f32_data(values: Vec<f32>, shape: &[usize]) -> TensorData {
    TensorData::from_bytes(Bytes::from_elems(values), shape, DType::F32)
}

// FNV-1a. The standard library's hasher may change between releases, and with it every fresh
// model of a given seed.
fn stream(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(source: &mut RandomParameters, name: &str) -> Vec<f32> {
        let data = source.get(name, &[40, 50], Init::Normal(0.02)).unwrap();
        data.try_to_vec().unwrap()
    }

    #[test]
    fn a_tensor_follows_from_seed_and_name_alone() {
        let mut first = RandomParameters::new(7);
        let mut second = RandomParameters::new(7);
        let a = draw(&mut first, "a");
        let b = draw(&mut first, "b");
        assert_eq!(
            (draw(&mut second, "b"), draw(&mut second, "a")),
            (b.clone(), a.clone())
        );
        assert_ne!(a, b);
        assert_ne!(a, draw(&mut RandomParameters::new(8), "a"));
    }

    #[test]
    fn weights_have_the_wanted_deviation_and_constants_are_constant() {
        let mut source = RandomParameters::new(1);
        let values = draw(&mut source, "w");
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / 2000.0;
        let square = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / 2000.0;
        assert!(mean.abs() < 0.002 && (square.sqrt() - 0.02).abs() < 0.002);
        let ones = source.get("g", &[3], Init::Ones).unwrap();
        let zeros = source.get("b", &[3], Init::Zeros).unwrap();
        assert_eq!(ones.try_to_vec::<f32>().unwrap(), [1.0; 3]);
        assert_eq!(zeros.try_to_vec::<f32>().unwrap(), [0.0; 3]);
    }
}
