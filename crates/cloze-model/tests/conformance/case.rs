use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use cloze_core::{EncoderConfig, PackedBatch};
use cloze_model::checkpoint::{Checkpoint, TensorStore};
use cloze_model::losses::{CrossEntropy, cross_entropy};
use cloze_model::named::is_encoder_name;
use cloze_model::{
    Architecture, ClassifierOutput, ForwardOptions, Init, ModelClass, ParameterError,
    ParameterSource, Precision, SequenceClassifier, unpack,
};
use testkit::golden::Golden;

/// A model of `transformers`, and what it computed.
pub(crate) struct Case {
    pub(crate) architecture: &'static dyn Architecture,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) expected: Golden,
    pub(crate) folder: PathBuf,
    pub(crate) device: Device,
}

impl Case {
    pub(crate) fn open(architecture: &'static dyn Architecture, variant: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(format!("{}{variant}", architecture.model_type()));
        Self {
            architecture,
            checkpoint: Checkpoint::open(&folder).unwrap(),
            expected: Golden::read(&folder.join("expected.safetensors")),
            folder,
            device: Device::flex().autodiff(),
        }
    }

    pub(crate) fn what(&self, what: &str) -> String {
        crate::name(self.architecture, what)
    }

    /// The encoder under the architecture's own classification head.
    pub(crate) fn config(&self) -> EncoderConfig {
        EncoderConfig {
            pooler: self
                .architecture
                .has_pooler(ModelClass::SequenceClassification),
            ..self.checkpoint.encoder_config().clone()
        }
    }

    /// The weights of the golden model.
    pub(crate) fn weights(&self) -> GoldenWeights {
        GoldenWeights {
            store: self.checkpoint.tensors().unwrap(),
            architecture: self.architecture,
        }
    }

    /// The golden model.
    pub(crate) fn model(&self) -> SequenceClassifier {
        self.build(&self.config(), &mut self.weights())
    }

    /// A model with another configuration or other weights.
    pub(crate) fn build(
        &self,
        config: &EncoderConfig,
        source: &mut dyn ParameterSource,
    ) -> SequenceClassifier {
        let head = self
            .architecture
            .classification_head(self.checkpoint.config(), config)
            .unwrap();
        SequenceClassifier::new(config, &head, 3, source, &self.device).unwrap()
    }

    fn integers(&self, name: &str) -> Vec<Vec<u32>> {
        let tensor = self.expected.integers(name);
        let values: Vec<u32> = tensor.values.iter().map(|&v| v as u32).collect();
        values
            .chunks(tensor.shape[1])
            .map(<[u32]>::to_vec)
            .collect()
    }

    /// Ids and types of every text, without padding.
    pub(crate) fn texts(&self) -> Vec<(Vec<u32>, Vec<u32>)> {
        let (ids, types) = (self.integers("input_ids"), self.integers("token_type_ids"));
        let mask = self.integers("attention_mask");
        let rows = ids.into_iter().zip(types).zip(mask);
        rows.map(|((ids, types), mask)| {
            let length = mask.iter().sum::<u32>() as usize;
            (ids[..length].to_vec(), types[..length].to_vec())
        })
        .collect()
    }

    /// All texts together.
    pub(crate) fn batch(&self) -> PackedBatch {
        pack(&self.texts())
    }

    /// All texts with their padding as if it were text.
    pub(crate) fn padding_as_text(&self) -> PackedBatch {
        let (ids, types) = (self.integers("input_ids"), self.integers("token_type_ids"));
        pack(&ids.into_iter().zip(types).collect::<Vec<_>>())
    }

    pub(crate) fn labels(&self) -> Vec<usize> {
        self.expected
            .integers("labels")
            .values
            .iter()
            .map(|&label| label as usize)
            .collect()
    }

    /// The mean cross-entropy of the whole batch.
    pub(crate) fn loss(&self, model: &SequenceClassifier, options: &ForwardOptions) -> Tensor<1> {
        let output = model.forward(&self.batch(), options).unwrap();
        cross_entropy(output.logits, &self.labels(), &CrossEntropy::default()).unwrap()
    }

    /// How far the logits of a model lie from those of `transformers`.
    pub(crate) fn logits_differ_by(&self, model: &SequenceClassifier, batch: &PackedBatch) -> f32 {
        let logits = model
            .forward(batch, &ForwardOptions::default())
            .unwrap()
            .logits;
        let expected = self.expected.floats("logits").values;
        testkit::close::largest_difference(&values(logits), &expected).1
    }
}

pub(crate) fn pack(texts: &[(Vec<u32>, Vec<u32>)]) -> PackedBatch {
    let texts = texts
        .iter()
        .map(|(ids, types)| (ids.as_slice(), types.as_slice()));
    PackedBatch::from_sequences(texts).unwrap()
}

/// The elements of a tensor, row-major.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// Everything that a model gives, with and without padding told apart: names and elements.
pub(crate) fn outputs(
    model: &SequenceClassifier,
    output: ClassifierOutput,
    batch: &PackedBatch,
) -> Vec<(String, Vec<f32>)> {
    let encoder = output.encoder;
    let mut all = vec![("logits".to_owned(), values(output.logits))];
    if model.encoder.pooler.is_some() {
        let pooled = model
            .encoder
            .pooled(encoder.last_hidden_state.clone(), batch)
            .unwrap();
        all.push(("pooled".into(), values(pooled)));
    }
    all.push((
        "last_hidden_state".into(),
        values(unpack(encoder.last_hidden_state, batch)),
    ));
    for (index, state) in encoder.hidden_states.unwrap().into_iter().enumerate() {
        all.push((
            format!("hidden_states.{index}"),
            values(unpack(state, batch)),
        ));
    }
    for (index, weights) in encoder.attentions.into_iter().flatten().enumerate() {
        all.push((format!("attentions.{index}"), values(weights)));
    }
    all
}

/// Asks for everything. Layers that give their attention weights are composed ones.
pub(crate) const ALL_OUTPUTS: ForwardOptions = ForwardOptions {
    output_attentions: true,
    ..HIDDEN_STATES
};

/// Asks for what the fused layers of the CPU give too.
pub(crate) const HIDDEN_STATES: ForwardOptions = ForwardOptions {
    dropout: None,
    gradient_checkpointing: false,
    precision: Precision::F32,
    output_hidden_states: true,
    output_attentions: false,
};

/// The tensors of a golden model under canonical names.
pub(crate) struct GoldenWeights {
    store: TensorStore,
    architecture: &'static dyn Architecture,
}

/// The name that a parameter has in the golden files.
pub(crate) fn golden_name(architecture: &dyn Architecture, canonical: &str) -> String {
    let prefix = if is_encoder_name(canonical) {
        architecture.prefix()
    } else {
        ""
    };
    format!("{prefix}{}", architecture.hf_name(canonical))
}

impl ParameterSource for GoldenWeights {
    fn get(&mut self, name: &str, shape: &[usize], _: Init) -> Result<TensorData, ParameterError> {
        let stored = golden_name(self.architecture, name);
        self.store
            .read(&stored, shape)?
            .ok_or_else(|| ParameterError::Missing { name: name.into() })
    }
}
