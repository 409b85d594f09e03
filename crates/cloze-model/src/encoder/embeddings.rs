use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};
use cloze_core::{EncoderConfig, PackedBatch, PositionNumbering};

use super::build::Builder;
use super::dropout::{DropoutKey, Site, dropout};
use super::frozen::is_frozen;
use super::layer_norm::LayerNorm;
use super::linear::Linear;
use crate::parameter_source::ParameterError;

/// A table with a row for every id.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[ids, embedding]`.
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    fn new(
        builder: &mut Builder<'_>,
        name: &str,
        rows: usize,
        width: usize,
    ) -> Result<Self, ParameterError> {
        Ok(Self {
            weight: builder.matrix(&format!("embeddings.{name}.weight"), rows, width)?,
        })
    }

    /// The rows of the given ids, `[tokens, embedding]`.
    fn forward(&self, ids: impl Iterator<Item = i64>) -> Tensor<2> {
        let weight = self.weight.val();
        let ids: Vec<i64> = ids.collect();
        let ids = Tensor::<1, Int>::from_data(ids.as_slice(), &weight.device());
        weight.select(0, ids)
    }
}

/// Word, position and (where the architecture has them) token type embeddings, summed and
/// normalised; where they have another width than the hidden states, a linear layer follows.
#[derive(Module, Debug)]
pub struct Embeddings {
    /// `[vocab_size, embedding]`.
    pub word_embeddings: Embedding,
    /// `[max_position_embeddings, embedding]`.
    pub position_embeddings: Embedding,
    /// `[type_vocab_size, embedding]`.
    pub token_type_embeddings: Option<Embedding>,
    /// Over the sum.
    pub layer_norm: LayerNorm,
    /// `[hidden, embedding]`, where the two differ: `embeddings_project` of ELECTRA.
    pub projection: Option<Linear>,
}

impl Embeddings {
    pub(crate) fn new(
        builder: &mut Builder<'_>,
        config: &EncoderConfig,
    ) -> Result<Self, ParameterError> {
        let width = config.embedding_size;
        let positions = config.max_position_embeddings;
        let types = config.type_vocab_size;
        Ok(Self {
            word_embeddings: Embedding::new(builder, "word_embeddings", config.vocab_size, width)?,
            position_embeddings: Embedding::new(builder, "position_embeddings", positions, width)?,
            token_type_embeddings: (types > 0)
                .then(|| Embedding::new(builder, "token_type_embeddings", types, width))
                .transpose()?,
            layer_norm: LayerNorm::new(
                builder,
                "embeddings.LayerNorm",
                width,
                config.layer_norm_eps,
            )?,
            projection: (width != config.hidden_size)
                .then(|| Linear::new(builder, "embeddings.projection", width, config.hidden_size))
                .transpose()?,
        })
    }

    /// Tables, LayerNorm and dropout: `[tokens, embedding]`. The ids of the batch must have been
    /// checked.
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
        let positions = position_ids(batch, config);
        sum = sum
            + self
                .position_embeddings
                .forward(positions.into_iter().map(i64::from));
        let key = key.filter(|_| !is_frozen(self));
        dropout(
            self.layer_norm.forward(sum),
            key,
            Site::Embeddings,
            config.hidden_dropout_prob,
        )
    }
}

/// The row of the position embeddings that each token of a batch takes.
pub(crate) fn position_ids(batch: &PackedBatch, config: &EncoderConfig) -> Vec<u32> {
    match config.position_numbering {
        PositionNumbering::FromZero => batch.positions().map(|place| place as u32).collect(),
        PositionNumbering::AfterPadding => {
            let padding = config.pad_token_id;
            let mut last = padding;
            let tokens = batch.input_ids().iter().zip(batch.positions());
            tokens
                .map(|(&id, place)| {
                    if place == 0 {
                        last = padding;
                    }
                    if id == padding {
                        return padding;
                    }
                    last += 1;
                    last
                })
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{batch, tiny_config};

    #[test]
    fn positions_begin_at_zero_or_behind_that_of_padding() {
        let batch = batch(&[&[5, 1, 7], &[4], &[1, 6, 1, 1, 8]]);
        let of = |position_numbering, pad_token_id| {
            let config = EncoderConfig {
                position_numbering,
                pad_token_id,
                ..tiny_config()
            };
            position_ids(&batch, &config)
        };
        assert_eq!(
            of(PositionNumbering::FromZero, 1),
            [0, 1, 2, 0, 0, 1, 2, 3, 4]
        );
        // Where a text holds the padding token, `transformers` gives these.
        assert_eq!(
            of(PositionNumbering::AfterPadding, 1),
            [2, 1, 3, 2, 1, 2, 1, 1, 3]
        );
        assert_eq!(
            of(PositionNumbering::AfterPadding, 3),
            [4, 5, 6, 4, 4, 5, 6, 7, 8]
        );
    }
}
