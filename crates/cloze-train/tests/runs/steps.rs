//! Single optimizer steps.

use burn::backend::Flex;
use burn::module::Param;
use burn::tensor::{Device, Tensor};
use cloze_core::{LabelSet, PackedBatch};
use cloze_model::checkpoint::Checkpoint;
use cloze_model::named::{ParameterVisitor, for_each_parameter, is_encoder_name};
use cloze_model::{ClassifierOutput, DropoutKey, ForwardOptions, FreezeSpec, Precision};
use cloze_tasks::{ClassWeights, Task, TextClassification};
use cloze_train::config::OptimizerConfig;
use cloze_train::{Batch, Schedule, TrainingStep, decays};

use crate::fixture::Fixture;

fn task() -> TextClassification {
    let labels = LabelSet::from_observed(["bad", "good"]).unwrap();
    let weights = ClassWeights::Table([("good".to_owned(), 3.0)].into());
    TextClassification::new(labels, 24)
        .with_class_weights(&weights, &[])
        .unwrap()
}

/// Training without dropout.
fn training(fixture: &Fixture, optimizer: &OptimizerConfig) -> TrainingStep<TextClassification> {
    let checkpoint = Checkpoint::open(&fixture.path("model")).unwrap();
    let device = Device::flex().autodiff();
    let (model, _) = task().load(&checkpoint, 1, &device).unwrap();
    TrainingStep::new(task(), model, optimizer, 1e-3, Schedule::constant(), 1).with_dropout(false)
}

fn batch(sequences: &[(&[u32], usize)]) -> Batch<usize> {
    let types = [0; 8];
    let pairs = sequences.iter().map(|(ids, _)| (*ids, &types[..ids.len()]));
    Batch {
        packed: PackedBatch::from_sequences(pairs).unwrap(),
        targets: sequences.iter().map(|(_, target)| *target).collect(),
    }
}

type Weights = Vec<(String, Vec<f32>)>;

fn weights(training: &TrainingStep<TextClassification>) -> Weights {
    struct Values(Weights);
    impl ParameterVisitor for Values {
        fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
            let data = parameter.val().inner().into_data();
            self.0.push((name.into(), data.iter::<f32>().collect()));
        }
    }
    let mut values = Values(Vec::new());
    for_each_parameter(training.model(), &mut values);
    values.0
}

/// Batches of different size and class weight give the step of the one batch that holds them all.
#[test]
fn accumulated_batches_are_one_batch() {
    let fixture = Fixture::new();
    let sequences: [(&[u32], usize); 5] = [
        (&[2, 5, 15, 3], 1),
        (&[2, 6, 16, 7, 3], 0),
        (&[2, 16, 3], 0),
        (&[2, 8, 9, 15, 10, 3], 1),
        (&[2, 15, 5, 3], 1),
    ];
    let optimizer = OptimizerConfig::default();
    let mut one = training(&fixture, &optimizer);
    let mut parts = training(&fixture, &optimizer);
    for _ in 0..3 {
        let whole = one.step(&[batch(&sequences)]).unwrap();
        let pieces = [
            batch(&sequences[..1]),
            batch(&sequences[1..4]),
            batch(&sequences[4..]),
        ];
        let summed = parts.step(&pieces).unwrap();
        assert!(
            (whole.loss - summed.loss).abs() < 1e-5,
            "{whole:?} {summed:?}"
        );
        assert!((whole.gradient_norm / summed.gradient_norm - 1.0).abs() < 1e-4);
        assert_eq!(
            (whole.tokens, whole.sequences),
            (summed.tokens, summed.sequences)
        );
        assert_eq!((whole.weight, summed.weight), (11.0, 11.0));
    }
}

#[test]
fn the_head_has_its_own_learning_rate() {
    let fixture = Fixture::new();
    let optimizer = OptimizerConfig {
        head_learning_rate: Some(0.0),
        ..OptimizerConfig::default()
    };
    let mut training = training(&fixture, &optimizer);
    let before = weights(&training);
    training
        .step(&[batch(&[(&[2, 5, 15, 3], 1), (&[2, 16, 3], 0)])])
        .unwrap();
    for ((name, before), (_, after)) in before.iter().zip(&weights(&training)) {
        assert_eq!(before != after, is_encoder_name(name), "{name}");
    }
}

/// Decay moves a weight that has no gradient; the embeddings of words that do not occur are such
/// weights, the others have gradients far above what a decay of 1000 leaves alone.
#[test]
fn biases_and_layer_norms_do_not_decay() {
    assert!(decays("encoder.layer.0.attention.self.query.weight"));
    assert!(decays("classifier.weight"));
    assert!(!decays("classifier.bias"));
    assert!(!decays("embeddings.LayerNorm.weight"));
    let fixture = Fixture::new();
    let with_decay = |weight_decay| {
        let optimizer = OptimizerConfig {
            weight_decay: Some(weight_decay),
            ..OptimizerConfig::default()
        };
        let mut training = training(&fixture, &optimizer);
        training.step(&[batch(&[(&[2, 5, 15, 3], 1)])]).unwrap();
        weights(&training)
    };
    for ((name, plain), (_, decayed)) in with_decay(0.0).iter().zip(&with_decay(100.0)) {
        assert_eq!(plain != decayed, decays(name), "{name}");
    }
}

#[test]
fn clipping_bounds_the_gradient_that_is_applied_and_not_the_one_that_is_told() {
    let fixture = Fixture::new();
    let sequences: [(&[u32], usize); 2] = [(&[2, 5, 15, 3], 1), (&[2, 16, 3], 0)];
    let norm = |clip| {
        let optimizer = OptimizerConfig {
            clip,
            // With a large epsilon the step is proportional to the gradient.
            eps: 10.0,
            weight_decay: Some(0.0),
            ..OptimizerConfig::default()
        };
        let mut training = training(&fixture, &optimizer);
        let before = weights(&training);
        let report = training.step(&[batch(&sequences)]).unwrap();
        let moved: f64 = before
            .iter()
            .zip(&weights(&training))
            .flat_map(|((_, before), (_, after))| before.iter().zip(after))
            .map(|(before, after)| f64::from(before - after).powi(2))
            .sum();
        (report.gradient_norm, moved.sqrt())
    };
    let (told, free) = norm(0.0);
    let (told_again, clipped) = norm(told / 2.0);
    assert_eq!(told, told_again);
    assert!((clipped / free - 0.5).abs() < 0.05, "{clipped} {free}");
    let (_, loose) = norm(told * 2.0);
    assert!((loose / free - 1.0).abs() < 1e-6);
}

#[test]
fn a_step_that_fails_changes_nothing() {
    let fixture = Fixture::new();
    let mut training = training(&fixture, &OptimizerConfig::default());
    let before = weights(&training);
    let message = training
        .step(&[batch(&[(&[2, 99, 3], 1)])])
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("has id 99, the model's vocabulary ends at 16"),
        "{message}"
    );
    assert_eq!(weights(&training), before);
    assert_eq!((training.optimizer().steps(), training.batches()), (0, 0));
}

/// A copy of every weight in every step would cost as much as the step's arithmetic.
#[test]
fn a_step_changes_weights_in_place() {
    type Addresses = Vec<(String, *const f32)>;
    struct Places(Addresses);
    impl ParameterVisitor for Places {
        fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
            let tensor = parameter
                .val()
                .inner()
                .try_into_primitive::<Flex>()
                .unwrap();
            self.0.push((name.into(), tensor.storage::<f32>().as_ptr()));
        }
    }
    let places = |training: &TrainingStep<TextClassification>| {
        let mut places = Places(Vec::new());
        for_each_parameter(training.model(), &mut places);
        places.0
    };
    let fixture = Fixture::new();
    let mut training = training(&fixture, &OptimizerConfig::default());
    let batches = [batch(&[(&[2, 5, 15, 3], 1)]), batch(&[(&[2, 16, 3], 0)])];
    training.step(&batches).unwrap();
    let before = places(&training);
    training.step(&batches).unwrap();
    drop(training.evaluation_model());
    training.step(&batches).unwrap();
    assert_eq!(places(&training), before);
}

#[test]
fn a_frozen_encoder_leaves_no_graph_and_drops_nothing() {
    let fixture = Fixture::new();
    let checkpoint = Checkpoint::open(&fixture.path("model")).unwrap();
    let (model, _) = task()
        .load(&checkpoint, 1, &Device::flex().autodiff())
        .unwrap();
    let freeze = FreezeSpec::parse(&["encoder"]).unwrap();
    let (model, _) = freeze.apply(model, checkpoint.architecture()).unwrap();
    let packed = batch(&[(&[2, 5, 15, 3], 1)]).packed;
    let options = ForwardOptions {
        dropout: Some(DropoutKey { seed: 1, step: 1 }),
        ..ForwardOptions::default()
    };
    let training = model.forward(&packed, &options).unwrap();
    let plain = model.forward(&packed, &ForwardOptions::default()).unwrap();
    assert!(training.logits.is_tracked() && !training.encoder.last_hidden_state.is_tracked());
    let hidden = |output: ClassifierOutput| output.encoder.last_hidden_state.inner().into_data();
    assert_eq!(hidden(training), hidden(plain));
}

/// The loss is scaled for the way back, and gradients and steps are those of the loss itself.
#[test]
fn steps_with_16_bits_are_about_those_with_32() {
    let fixture = Fixture::new();
    let sequences: [(&[u32], usize); 2] = [(&[2, 5, 15, 3], 1), (&[2, 16, 3], 0)];
    let step = |precision| {
        let optimizer = OptimizerConfig {
            // With a large epsilon the step is proportional to the gradient.
            eps: 10.0,
            weight_decay: Some(0.0),
            ..OptimizerConfig::default()
        };
        let mut training = training(&fixture, &optimizer).with_precision(precision);
        let before = weights(&training);
        let report = training.step(&[batch(&sequences)]).unwrap();
        let moved: Vec<f32> = before
            .iter()
            .zip(&weights(&training))
            .flat_map(|((_, before), (_, after))| before.iter().zip(after))
            .map(|(before, after)| after - before)
            .collect();
        (report, moved)
    };
    let length = |moved: &[f32]| moved.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
    let (wanted, wanted_move) = step(Precision::F32);
    for (precision, tolerance) in [(Precision::F16, 0.01), (Precision::Bf16, 0.05)] {
        let (found, moved) = step(precision);
        assert_ne!(found.gradient_norm, wanted.gradient_norm);
        assert!(
            (found.loss / wanted.loss - 1.0).abs() < tolerance,
            "{found:?} {wanted:?}"
        );
        let ratio = found.gradient_norm / wanted.gradient_norm;
        assert!((ratio - 1.0).abs() < tolerance, "{found:?} {wanted:?}");
        let ratio = length(&moved) / length(&wanted_move);
        assert!(
            (ratio - 1.0).abs() < 2.0 * tolerance,
            "{precision:?}: {ratio}"
        );
    }
}
