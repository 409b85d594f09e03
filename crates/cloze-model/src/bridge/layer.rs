use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops};
use burn::backend::flex::FlexTensor;
use burn::tensor::{Shape, Tensor};
use cloze_core::EncoderConfig;
use cloze_kernels::buffers;
use cloze_kernels::encoder_layer::{
    LayerGradients, LayerSettings, LayerWeights, Linear, LinearGradients, NormGradients,
    PackedLayer, SavedActivations,
};
use cloze_kernels::layer_norm::LayerNorm;

use super::operation::{Operand, finish};
use super::packed::packed_forward;
use super::slices::{compact, from_vec, is_cpu, reclaim};
use crate::encoder::{
    DropoutKey, EncoderLayer, LayerContext, LayerOutput, Precision, Site, kernel_activation,
};

/// Whether layers are composed of the tensor library's operations on the CPU too.
static COMPOSED: AtomicBool = AtomicBool::new(false);

/// Runs encoder layers out of the tensor library's own operations on the CPU too, for the whole
/// process: slower, and the path that every other device takes.
pub fn compose_layers() {
    COMPOSED.store(true, Ordering::Relaxed);
}

/// Runs one encoder layer: `[tokens, hidden]` → the same shape.
///
/// On the CPU a layer is one operation with a hand-written backward pass, on the slices of the
/// packed batch. The composed layer serves every other device, and whoever asks for attention
/// weights, which the fused one never stores; it is also the reference that the fused layer is
/// tested against.
pub(crate) fn layer_forward(
    layer: &EncoderLayer,
    hidden: Tensor<2>,
    context: &LayerContext<'_>,
) -> LayerOutput {
    if let Some(packed) = context.packed.filter(|_| context.dropout.is_none()) {
        return packed_forward(packed, hidden, context);
    }
    let in_f32 = context.precision == Precision::F32;
    if context.output_attentions || !in_f32 || !is_fused(&hidden) {
        return layer.forward_composed(hidden, context);
    }
    LayerOutput {
        hidden: fused(layer, hidden, context),
        attentions: None,
    }
}

/// Whether the kernels take over what is computed with a tensor.
pub(super) fn is_fused<const D: usize>(tensor: &Tensor<D>) -> bool {
    is_cpu(tensor) && !COMPOSED.load(Ordering::Relaxed)
}

/// Parameters of a layer, in the order of [`EncoderLayer::parameters`].
const PARAMETERS: usize = 16;

fn fused(layer: &EncoderLayer, hidden: Tensor<2>, context: &LayerContext<'_>) -> Tensor<2> {
    let settings = Settings::new(context);
    let hidden = Operand::new(hidden);
    let parameters = layer.parameters(Operand::new, Operand::new);
    let mut nodes = vec![hidden.node];
    let parameters = parameters.map(|parameter| {
        nodes.push(parameter.node);
        parameter.tensor
    });
    let Ok(nodes) = <[Option<NodeGuard>; PARAMETERS + 1]>::try_from(nodes) else {
        unreachable!("one node for the input and one for each parameter");
    };
    let (output, saved) = settings.forward(&parameters, &hidden.tensor);
    finish(LayerBackward, nodes, output, || State {
        settings,
        hidden: hidden.tensor,
        parameters,
        saved: Arc::new((!context.gradient_checkpointing).then_some(saved)),
    })
}

/// [`LayerSettings`] that outlive the forward pass.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    offsets: Arc<[usize]>,
    /// Without offsets.
    layer: LayerSettings<'static>,
    epsilon: f32,
}

impl Settings {
    pub(super) fn new(context: &LayerContext<'_>) -> Self {
        let offsets = context.batch.offsets();
        Self::with_offsets(context.config, context.layer, offsets, context.dropout)
    }

    pub(super) fn with_offsets(
        config: &EncoderConfig,
        layer: usize,
        offsets: &[usize],
        key: Option<DropoutKey>,
    ) -> Self {
        let EncoderConfig {
            hidden_size,
            intermediate_size,
            num_attention_heads,
            hidden_act,
            ..
        } = *config;
        let dropout = |site: Site, probability| site.decisions(key, probability);
        Self {
            offsets: offsets.into(),
            layer: LayerSettings {
                offsets: &[],
                hidden: hidden_size,
                intermediate: intermediate_size,
                heads: num_attention_heads,
                activation: kernel_activation(hidden_act),
                attention_dropout: dropout(
                    Site::AttentionWeights { layer },
                    config.attention_probs_dropout_prob,
                ),
                attention_output_dropout: dropout(
                    Site::AttentionOutput { layer },
                    config.attention_output_dropout_prob,
                ),
                output_dropout: dropout(Site::FeedForward { layer }, config.hidden_dropout_prob),
            },
            epsilon: config.layer_norm_eps as f32,
        }
    }

    pub(super) fn layer(&self) -> LayerSettings<'_> {
        LayerSettings {
            offsets: &self.offsets,
            ..self.layer
        }
    }

    fn forward(
        &self,
        parameters: &[FlexTensor; PARAMETERS],
        hidden: &FlexTensor,
    ) -> (FlexTensor, SavedActivations) {
        let hidden = hidden.storage::<f32>();
        let mut output = buffers::take(hidden.len());
        let settings = self.layer();
        let saved = self
            .weights(parameters)
            .forward(&settings, hidden, &mut output);
        let shape = [settings.tokens(), settings.hidden];
        (from_vec(output, shape), saved)
    }

    pub(super) fn packed(&self, parameters: &[FlexTensor; PARAMETERS]) -> PackedLayer {
        let LayerSettings {
            hidden,
            intermediate,
            ..
        } = self.layer;
        PackedLayer::new(&self.weights(parameters), hidden, intermediate)
    }

    fn weights<'a>(&self, parameters: &'a [FlexTensor; PARAMETERS]) -> LayerWeights<'a> {
        let [q, qb, k, kb, v, vb, o, ob, an, anb, i, ib, d, db, on, onb] =
            parameters.each_ref().map(FlexTensor::storage::<f32>);
        let linear = |weight, bias| Linear { weight, bias };
        let norm = |weight, bias| LayerNorm {
            weight,
            bias,
            epsilon: self.epsilon,
        };
        LayerWeights {
            query: linear(q, qb),
            key: linear(k, kb),
            value: linear(v, vb),
            attention_output: linear(o, ob),
            attention_norm: norm(an, anb),
            intermediate: linear(i, ib),
            output: linear(d, db),
            output_norm: norm(on, onb),
        }
    }
}

#[derive(Debug)]
struct LayerBackward;

/// What the backward pass needs.
#[derive(Clone, Debug)]
struct State {
    settings: Settings,
    hidden: FlexTensor,
    parameters: [FlexTensor; PARAMETERS],
    /// `None` with gradient checkpointing: they are computed again.
    saved: Arc<Option<SavedActivations>>,
}

impl Backward<Flex, { PARAMETERS + 1 }> for LayerBackward {
    type State = State;

    fn backward(
        self,
        ops: Ops<State, { PARAMETERS + 1 }>,
        gradients: &mut Gradients,
        _: &mut Checkpointer,
    ) {
        let output_gradient = compact(gradients.consume::<Flex>(&ops.node));
        let State {
            settings,
            hidden,
            parameters,
            saved,
        } = ops.state;
        let recomputed;
        let saved = match &*saved {
            Some(saved) => saved,
            None => {
                let (output, saved) = settings.forward(&parameters, &hidden);
                reclaim(output);
                recomputed = saved;
                &recomputed
            }
        };
        // A parent that is not tracked is frozen: its gradient is not computed.
        let mut tensors = vec![&hidden];
        tensors.extend(&parameters);
        let mut wanted: Vec<Option<Vec<f32>>> = ops
            .parents
            .iter()
            .zip(tensors)
            .map(|(parent, tensor)| {
                let elements = tensor.layout().num_elements();
                parent.is_some().then(|| buffers::take(elements))
            })
            .collect();
        settings.weights(&parameters).backward(
            &settings.layer(),
            saved,
            hidden.storage(),
            output_gradient.storage(),
            slots(&mut wanted),
        );
        reclaim(output_gradient);
        let shapes = std::iter::once(&hidden).chain(&parameters);
        let shapes: Vec<Shape> = shapes
            .map(|tensor| tensor.layout().shape().clone())
            .collect();
        for ((parent, gradient), shape) in ops.parents.into_iter().zip(wanted).zip(shapes) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                gradients.register::<Flex>(parent.id, from_vec(gradient, shape));
            }
        }
        reclaim(hidden);
    }
}

/// Where the gradients go: the input's first, then those of the parameters.
fn slots(wanted: &mut [Option<Vec<f32>>]) -> LayerGradients<'_> {
    let mut slots = wanted.iter_mut().map(Option::as_deref_mut);
    let mut slot = || slots.next().flatten();
    let hidden = slot();
    let mut pair = || (slot(), slot());
    let linear = |(weight, bias)| LinearGradients { weight, bias };
    let norm = |(weight, bias)| NormGradients { weight, bias };
    // The fields are evaluated in the order in which they are written.
    LayerGradients {
        query: linear(pair()),
        key: linear(pair()),
        value: linear(pair()),
        attention_output: linear(pair()),
        attention_norm: norm(pair()),
        intermediate: linear(pair()),
        output: linear(pair()),
        output_norm: norm(pair()),
        hidden,
    }
}
