//! The fused layer of the CPU beside the composed one.

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::{Gradients, Tensor};
use cloze_model::named::{ParameterVisitor, for_each_parameter};
use cloze_model::{DropoutKey, ForwardOptions, FreezeSpec, SequenceClassifier};
use testkit::close::{assert_close, assert_relatively_close};

use crate::case::{ALL_OUTPUTS, Case, HIDDEN_STATES, outputs, pack, values};
use crate::for_every_architecture;

struct Collect<'a> {
    gradients: &'a Gradients,
    found: BTreeMap<String, Vec<f32>>,
}

impl ParameterVisitor for Collect<'_> {
    fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = parameter.grad(self.gradients) {
            self.found.insert(name.into(), values(gradient));
        }
    }
}

/// The loss, and the gradients by the parameters' names.
pub(crate) fn gradients(
    case: &Case,
    model: &SequenceClassifier,
    options: &ForwardOptions,
) -> (f32, BTreeMap<String, Vec<f32>>) {
    let loss = case.loss(model, options);
    let gradients = loss.backward();
    let mut collect = Collect {
        gradients: &gradients,
        found: BTreeMap::new(),
    };
    for_each_parameter(model, &mut collect);
    (loss.into_scalar::<f32>(), collect.found)
}

fn with_dropout() -> ForwardOptions {
    ForwardOptions {
        dropout: Some(DropoutKey { seed: 5, step: 3 }),
        ..ForwardOptions::default()
    }
}

/// Attention weights come from composed layers alone.
fn composed(options: ForwardOptions) -> ForwardOptions {
    ForwardOptions {
        output_attentions: true,
        ..options
    }
}

#[test]
fn fused_and_composed_layers_drop_the_same_and_have_the_same_gradients() {
    for_every_architecture(|case| {
        let model = case.model();
        let (fused_loss, fused) = gradients(case, &model, &with_dropout());
        let (composed_loss, composed) = gradients(case, &model, &composed(with_dropout()));
        assert_close(&case.what("loss"), &[fused_loss], &[composed_loss], 1e-5);
        assert_ne!(fused, composed, "the two take different ways");
        assert!(fused.keys().eq(composed.keys()));
        for (name, fused) in fused {
            if name.ends_with("key.bias") {
                // Zero but for rounding.
                assert_close(&name, &fused, &composed[&name], 1e-5);
            } else {
                assert_relatively_close(&name, &fused, &composed[&name], 1e-4);
            }
        }
    });
}

#[test]
fn packed_weights_give_the_same_bits_and_attentions() {
    for_every_architecture(|case| {
        let plain = case.model().valid();
        let mut packed = plain.clone();
        packed.encoder.pack_weights();
        let run = |model: &SequenceClassifier, options: &ForwardOptions| {
            let output = model.forward(&case.batch(), options).unwrap();
            outputs(model, output, &case.batch())
        };
        assert_eq!(run(&packed, &HIDDEN_STATES), run(&plain, &HIDDEN_STATES));
        for (packed, plain) in run(&packed, &ALL_OUTPUTS)
            .iter()
            .zip(run(&plain, &ALL_OUTPUTS))
        {
            assert_close(&case.what(&plain.0), &packed.1, &plain.1, 1e-4);
        }
    });
}

#[test]
fn what_shares_a_batch_changes_no_bit() {
    for_every_architecture(|case| {
        let mut model = case.model().valid();
        model.encoder.pack_weights();
        let texts = case.texts();
        let logits = |texts: &[_]| {
            let output = model.forward(&pack(texts), &ForwardOptions::default());
            values(output.unwrap().logits)
        };
        let together = logits(&texts);
        for size in 1..texts.len() {
            let apart: Vec<f32> = texts.chunks(size).flat_map(&logits).collect();
            assert_eq!(apart, together, "{size} texts at a time");
        }
    });
}

#[test]
fn a_recomputed_layer_gives_the_same_bits() {
    for_every_architecture(|case| {
        let model = case.model();
        let recomputed = ForwardOptions {
            gradient_checkpointing: true,
            ..with_dropout()
        };
        let kept = gradients(case, &model, &with_dropout());
        assert_eq!(gradients(case, &model, &recomputed), kept);
    });
}

#[test]
fn what_is_frozen_has_no_gradient_and_changes_no_other() {
    for_every_architecture(|case| {
        let (_, all) = gradients(case, &case.model(), &ForwardOptions::default());
        for parts in [
            &["embeddings"][..],
            &["*.LayerNorm.*"],
            &["*.query.*", "*.dense.weight"],
        ] {
            let spec = FreezeSpec::parse(parts).unwrap();
            let (model, _) = spec.apply(case.model(), case.architecture).unwrap();
            let (_, some) = gradients(case, &model, &ForwardOptions::default());
            assert!(!some.is_empty() && some.len() < all.len());
            for (name, gradient) in some {
                assert_eq!(gradient, all[&name], "{parts:?}: {name}");
            }
        }
    });
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let pool = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    };
    for_every_architecture(|case| {
        let run = || gradients(case, &case.model(), &with_dropout());
        assert_eq!(pool(1).install(run), pool(3).install(run));
    });
}
