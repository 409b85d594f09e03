use burn::tensor::{Device, TensorData};
use cloze_core::{Activation, EncoderConfig, LabelSet, PositionNumbering};
use cloze_data::reports::ExampleFacts;
use cloze_model::losses::{CrossEntropy, cross_entropy};
use cloze_model::{ClassificationHeadConfig, RandomParameters};
use proptest::prelude::*;

use super::*;
use crate::{Example, Task, TextClassification, pack};

fn model(device: &Device) -> SequenceClassifier {
    let config = EncoderConfig {
        model_type: "bert".into(),
        vocab_size: 11,
        embedding_size: 8,
        hidden_size: 8,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        intermediate_size: 12,
        hidden_act: Activation::Gelu,
        hidden_dropout_prob: 0.1,
        attention_output_dropout_prob: 0.1,
        attention_probs_dropout_prob: 0.1,
        max_position_embeddings: 8,
        position_numbering: PositionNumbering::FromZero,
        type_vocab_size: 2,
        layer_norm_eps: 1e-12,
        initializer_range: 0.4,
        pad_token_id: 0,
        pooler: true,
    };
    let head = ClassificationHeadConfig {
        features: Features::Pooled,
        feature_dropout: 0.0,
        hidden: vec![5],
        activation: Activation::Tanh,
        dropout: 0.1,
    };
    SequenceClassifier::new(&config, &head, 3, &mut RandomParameters::new(3), device).unwrap()
}

/// The example of a text that is read in windows of these ids.
fn example(windows: &[&[u32]]) -> Example<()> {
    let ids = windows.concat();
    let facts = ExampleFacts {
        label: None,
        length: ids.len(),
        tokens: ids.len(),
        unknown: 0,
    };
    Example {
        type_ids: vec![0; ids.len()],
        ids,
        windows: windows.iter().map(|window| window.len()).collect(),
        target: (),
        row: 0,
        facts,
    }
}

const LONG: [&[u32]; 3] = [&[1, 5, 7, 3, 2], &[1, 7, 3, 9, 2], &[1, 9, 4, 2]];
const SHORT: &[u32] = &[1, 6, 2];

fn task() -> TextClassification {
    let labels = LabelSet::from_observed(["a", "b", "c"]).unwrap();
    TextClassification::new(labels, 8).with_windows(Some(1))
}

fn values(logits: Tensor<2>) -> Vec<f32> {
    logits.into_data().iter::<f32>().collect()
}

fn assert_close(found: &[f32], wanted: &[f32]) {
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
    }
}

#[test]
fn the_logits_of_a_text_are_the_mean_of_its_windows_read_one_by_one() {
    let model = model(&Device::flex());
    let alone = |ids: &[u32]| {
        let batch = pack([&example(&[ids])]).unwrap();
        logit_values(&model, &Input::Tokens(&batch)).unwrap()
    };
    let windows: Vec<Vec<f32>> = LONG.into_iter().map(alone).collect();
    let mean = (0..3).map(|label| windows.iter().map(|window| window[label]).sum::<f32>() / 3.0);
    let wanted = [alone(SHORT), mean.collect(), alone(SHORT)].concat();
    let batch = pack([&example(&[SHORT]), &example(&LONG), &example(&[SHORT])]).unwrap();
    let input = Input::Tokens(&batch);
    let found = logit_values(&model, &input).unwrap();
    assert_close(&found, &wanted);
    // A text of one window has the bits that it has in a batch without windows.
    assert_eq!(found[..3], wanted[..3]);
    assert_eq!(found[6..], wanted[6..]);
    let trained = logits(&model, &input, &ForwardOptions::default()).unwrap();
    assert_close(&values(trained), &wanted);
}

/// As a product with the matrix of the means has them, which knows nothing of windows.
#[test]
fn gradients_go_to_all_windows_in_equal_parts() {
    let device = Device::flex().autodiff();
    let model = model(&device);
    let options = ForwardOptions::default();
    let rows = pack([&example(&LONG), &example(&[SHORT])]).unwrap();
    let objective = task().loss(&model, &Input::Tokens(&rows), &[2, 0], &options);
    let objective = objective.unwrap();
    assert_eq!(objective.weight, 2.0);
    let plain = [LONG.as_slice(), &[SHORT]].concat();
    let plain = plain.iter().map(|ids| example(&[ids])).collect::<Vec<_>>();
    let output = model.forward(&pack(&plain).unwrap(), &options).unwrap();
    let third = 1.0_f32 / 3.0;
    let means = vec![third, third, third, 0.0, 0.0, 0.0, 0.0, 1.0];
    let means = Tensor::<2>::from_data(TensorData::new(means, [2, 4]), &device);
    let composed = means.matmul(output.logits);
    let composed = cross_entropy(composed, &[2, 0], &CrossEntropy::default()).unwrap();
    assert_close(
        &[objective.loss.clone().into_scalar::<f32>()],
        &[composed.clone().into_scalar::<f32>()],
    );
    let (found, wanted) = (objective.loss.backward(), composed.backward());
    for parameter in [
        &model.encoder.embeddings.word_embeddings.weight,
        &model.encoder.layers[0].intermediate.dense.weight,
        &model.head.output.weight,
    ] {
        let found = values(parameter.grad(&found).unwrap());
        assert!(found.iter().any(|value| value.abs() > 1e-3));
        assert_close(&found, &values(parameter.grad(&wanted).unwrap()));
    }
}

#[test]
fn nothing_is_kept_of_a_frozen_encoder_where_texts_have_windows() {
    let model = model(&Device::flex().autodiff());
    let spec = cloze_model::FreezeSpec::parse(&["encoder"]).unwrap();
    let architecture = cloze_model::architectures::by_model_type("bert").unwrap();
    let (model, _) = spec.apply(model, architecture).unwrap();
    assert!(task().frozen_features(&model).is_none());
    assert!(task().with_windows(None).frozen_features(&model).is_some());
}

proptest! {
    #[test]
    fn parts_of_a_batch_are_its_sequences_in_order(
        lengths in prop::collection::vec(1_usize..6000, 1..12),
    ) {
        let all: Vec<Vec<u32>> = lengths.iter().map(|&length| vec![7; length]).collect();
        let all: Vec<&[u32]> = all.iter().map(Vec::as_slice).collect();
        let batch = pack([&example(&all)]).unwrap();
        let parts = parts(&batch);
        let found: Vec<usize> = parts.iter().flat_map(PackedBatch::lengths).collect();
        prop_assert_eq!(found, lengths);
        for part in parts {
            prop_assert!(part.tokens() <= TOKENS || part.sequences() == 1);
        }
    }
}
