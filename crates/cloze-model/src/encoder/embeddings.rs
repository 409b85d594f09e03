use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};
use cloze_core::{EncoderConfig, PackedBatch};

use super::build::Builder;
use super::dropout::{DropoutKey, Site, dropout};
use super::frozen::is_frozen;
use super::layer_norm::LayerNorm;
use crate::parameter_source::ParameterError;

/// A table with a row for every id.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[ids, hidden]`.
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    fn new(
        builder: &mut Builder<'_>,
        name: &str,
        rows: usize,
        hidden: usize,
    ) -> Result<Self, ParameterError> {
        Ok(Self {
            weight: builder.matrix(&format!("embeddings.{name}.weight"), rows, hidden)?,
        })
    }

    /// The rows of the given ids, `[tokens, hidden]`.
    fn forward(&self, ids: impl Iterator<Item = i64>) -> Tensor<2> {
        let weight = self.weight.val();
        let ids: Vec<i64> = ids.collect();
        let ids = Tensor::<1, Int>::from_data(ids.as_slice(), &weight.device());
        weight.select(0, ids)
    }
}

/// Word, position and (where the architecture has them) token type embeddings, summed and
/// normalised.
#[derive(Module, Debug)]
pub struct Embeddings {
    /// `[vocab_size, hidden]`.
    pub word_embeddings: Embedding,
    /// `[max_position_embeddings, hidden]`.
    pub position_embeddings: Embedding,
    /// `[type_vocab_size, hidden]`.
    pub token_type_embeddings: Option<Embedding>,
    /// Over the sum.
    pub layer_norm: LayerNorm,
}

impl Embeddings {
    pub(crate) fn new(
        builder: &mut Builder<'_>,
        config: &EncoderConfig,
    ) -> Result<Self, ParameterError> {
        let hidden = config.hidden_size;
        let positions = config.max_position_embeddings;
        let types = config.type_vocab_size;
        Ok(Self {
            word_embeddings: Embedding::new(builder, "word_embeddings", config.vocab_size, hidden)?,
            position_embeddings: Embedding::new(builder, "position_embeddings", positions, hidden)?,
            token_type_embeddings: (types > 0)
                .then(|| Embedding::new(builder, "token_type_embeddings", types, hidden))
                .transpose()?,
            layer_norm: LayerNorm::new(
                builder,
                "embeddings.LayerNorm",
                hidden,
                config.layer_norm_eps,
            )?,
        })
    }

    /// `[tokens, hidden]`. The ids of the batch must have been checked.
    pub(crate) fn forward(
        &self,
        batch: &PackedBatch,
        config: &EncoderConfig,
        key: Option<DropoutKey>,
    ) -> Tensor<2> {
        let mut sum = self
            .word_embeddings
            .forward(batch.input_ids().iter().map(|&id| id.into()));
        if let Some(token_types) = &self.token_type_embeddings {
            sum = sum + token_types.forward(batch.token_type_ids().iter().map(|&id| id.into()));
        }
        sum = sum
            + self
                .position_embeddings
                .forward(batch.positions().map(|p| p as i64));
        let key = key.filter(|_| !is_frozen(self));
        dropout(
            self.layer_norm.forward(sum),
            key,
            Site::Embeddings,
            config.hidden_dropout_prob,
        )
    }
}
