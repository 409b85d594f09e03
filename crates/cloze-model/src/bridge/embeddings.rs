use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;
use cloze_core::{EncoderConfig, PackedBatch};
use cloze_kernels::buffers;
use cloze_kernels::dropout::Dropout;
use cloze_kernels::embeddings::{
    EmbeddingIds, Embeddings as Kernel, EmbeddingsBackward, EmbeddingsForward,
};
use cloze_kernels::layer_norm::LayerNorm;
use cloze_kernels::scatter::scatter_add_rows;

use super::layer::is_fused;
use super::linear::linear_forward;
use super::operation::{Operand, finish};
use super::slices::{compact, from_vec, reclaim};
use crate::encoder::{DropoutKey, Embeddings, Site, is_frozen, position_ids};

/// Runs the embeddings: `[tokens, hidden]`. The ids of the batch must have been checked.
pub(crate) fn embeddings_forward(
    embeddings: &Embeddings,
    batch: &PackedBatch,
    config: &EncoderConfig,
    key: Option<DropoutKey>,
) -> Tensor<2> {
    let states = normalised(embeddings, batch, config, key);
    match &embeddings.projection {
        Some(projection) => linear_forward(projection, states),
        None => states,
    }
}

/// Tables, LayerNorm and dropout: `[tokens, embedding]`.
fn normalised(
    embeddings: &Embeddings,
    batch: &PackedBatch,
    config: &EncoderConfig,
    key: Option<DropoutKey>,
) -> Tensor<2> {
    let word = embeddings.word_embeddings.weight.val();
    if !is_fused(&word) {
        return embeddings.forward(batch, config, key);
    }
    let key = key.filter(|_| !is_frozen(embeddings));
    let settings = Settings {
        ids: Ids::new(batch, config),
        epsilon: config.layer_norm_eps as f32,
        dropout: Site::Embeddings.decisions(key, config.hidden_dropout_prob),
        token_types: embeddings.token_type_embeddings.is_some(),
    };
    let position = embeddings.position_embeddings.weight.val();
    // Where the architecture has none, the positions stand in its place and are not read.
    let token_type = match &embeddings.token_type_embeddings {
        Some(table) => table.weight.val(),
        None => position.clone().detach(),
    };
    let operands = [
        Operand::new(word),
        Operand::new(position),
        Operand::new(token_type),
        Operand::new(embeddings.layer_norm.weight.val()),
        Operand::new(embeddings.layer_norm.bias.val()),
    ];
    let tables = operands.each_ref().map(|operand| operand.tensor.clone());
    let tokens = batch.tokens();
    let size = config.embedding_size;
    let mut output = buffers::take(tokens * size);
    let mut kept = Kept {
        normalised: buffers::take(tokens * size),
        rstd: buffers::take(tokens),
    };
    settings.kernel(&tables).forward(
        settings.ids.view(),
        EmbeddingsForward {
            dropout: settings.dropout,
            normalised: &mut kept.normalised,
            rstd: &mut kept.rstd,
            output: &mut output,
        },
    );
    let nodes = operands.map(|operand| operand.node);
    finish(
        EmbeddingsBackwardPass,
        nodes,
        from_vec(output, [tokens, size]),
        || State {
            settings,
            tables,
            kept: std::sync::Arc::new(kept),
        },
    )
}

/// Rows of the tables, token by token.
#[derive(Clone, Debug)]
struct Ids {
    word: Vec<u32>,
    position: Vec<u32>,
    token_type: Vec<u32>,
}

impl Ids {
    fn new(batch: &PackedBatch, config: &EncoderConfig) -> Self {
        Self {
            word: batch.input_ids().to_vec(),
            position: position_ids(batch, config),
            token_type: batch.token_type_ids().to_vec(),
        }
    }

    fn view(&self) -> EmbeddingIds<'_> {
        EmbeddingIds {
            word: &self.word,
            token_type: &self.token_type,
            position: &self.position,
        }
    }
}

#[derive(Clone, Debug)]
struct Settings {
    ids: Ids,
    epsilon: f32,
    dropout: Option<Dropout>,
    token_types: bool,
}

impl Settings {
    fn kernel<'a>(&self, tables: &'a [FlexTensor; 5]) -> Kernel<'a> {
        let [word, position, token_type, weight, bias] =
            tables.each_ref().map(FlexTensor::storage::<f32>);
        Kernel {
            word,
            token_type: self.token_types.then_some(token_type),
            position,
            norm: LayerNorm {
                weight,
                bias,
                epsilon: self.epsilon,
            },
        }
    }
}

/// What the backward pass needs of the forward pass.
#[derive(Debug)]
struct Kept {
    normalised: Vec<f32>,
    rstd: Vec<f32>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        buffers::give(std::mem::take(&mut self.normalised));
        buffers::give(std::mem::take(&mut self.rstd));
    }
}

#[derive(Clone, Debug)]
struct State {
    settings: Settings,
    tables: [FlexTensor; 5],
    kept: std::sync::Arc<Kept>,
}

#[derive(Debug)]
struct EmbeddingsBackwardPass;

impl Backward<Flex, 5> for EmbeddingsBackwardPass {
    type State = State;

    fn backward(self, ops: Ops<State, 5>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output_gradient = compact(gradients.consume::<Flex>(&ops.node));
        let State {
            settings,
            tables,
            kept,
        } = ops.state;
        let size = tables[3].layout().num_elements();
        let [word, position, token_type, weight, bias] = ops.parents;
        let vector = |wanted: bool| wanted.then(|| buffers::take(size));
        let (mut weight_gradient, mut bias_gradient) =
            (vector(weight.is_some()), vector(bias.is_some()));
        let mut sum = buffers::take(kept.normalised.len());
        settings.kernel(&tables).backward(EmbeddingsBackward {
            output_gradient: Some(output_gradient.storage()),
            dropout: settings.dropout,
            normalised: &kept.normalised,
            rstd: &kept.rstd,
            gradient: &mut sum,
            weight_gradient: weight_gradient.as_deref_mut(),
            bias_gradient: bias_gradient.as_deref_mut(),
        });
        reclaim(output_gradient);
        let Ids {
            word: words,
            position: positions,
            token_type: types,
        } = &settings.ids;
        for ((node, ids), table) in [(word, words), (position, positions), (token_type, types)]
            .into_iter()
            .zip(&tables)
        {
            let Some(node) = node else { continue };
            let mut gradient = buffers::take(table.layout().num_elements());
            gradient.fill(0.0);
            scatter_add_rows(ids, &sum, size, &mut gradient);
            let gradient = from_vec(gradient, table.layout().shape().clone());
            gradients.register::<Flex>(node.id, gradient);
        }
        buffers::give(sum);
        for (node, gradient) in [(weight, weight_gradient), (bias, bias_gradient)] {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                gradients.register::<Flex>(node.id, from_vec(gradient, [size]));
            }
        }
    }
}
