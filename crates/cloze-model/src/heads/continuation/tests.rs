use cloze_core::Activation;

use super::*;
use crate::RandomParameters;
use crate::named::{is_encoder_name, parameter_names};
use crate::testing::{batch, tiny_config};

const KINDS: [ContinuationHeadKind; 4] = [
    ContinuationHeadKind::Linear,
    ContinuationHeadKind::Lstm,
    ContinuationHeadKind::LstmAttention,
    ContinuationHeadKind::MaskedLm,
];

fn head(kind: ContinuationHeadKind, special_rows: bool) -> ContinuationHeadConfig {
    ContinuationHeadConfig {
        kind,
        hidden_size: 6,
        layers: 2,
        attention_heads: 3,
        activation: Activation::Gelu,
        dropout: 0.2,
        special_rows,
    }
}

fn model(head: &ContinuationHeadConfig, device: &Device) -> ContinuationModel {
    let mut source = RandomParameters::new(5);
    ContinuationModel::new(&tiny_config(), head, &mut source, device).unwrap()
}

fn logits(model: &ContinuationModel, sequences: &[&[u32]]) -> Vec<f32> {
    let logits = model.forward(&batch(sequences), &ForwardOptions::default());
    logits.unwrap().into_data().try_to_vec().unwrap()
}

#[test]
fn names_are_those_of_torch() {
    let names = |kind| {
        let names = parameter_names(&model(&head(kind, true), &Device::flex()));
        assert!(!names.iter().any(|name| name.starts_with("pooler.")));
        let own = names.into_iter().skip_while(|name| is_encoder_name(name));
        own.map(|name| name.trim_start_matches("head.").to_owned())
            .collect::<Vec<_>>()
    };
    let decoder = ["decoder.weight", "decoder.bias"];
    assert_eq!(
        names(KINDS[0]),
        [&["dense.weight", "dense.bias"], &decoder[..]].concat()
    );
    let lstm = [
        "lstm.weight_ih_l0",
        "lstm.weight_hh_l0",
        "lstm.bias_ih_l0",
        "lstm.bias_hh_l0",
        "lstm.weight_ih_l1",
        "lstm.weight_hh_l1",
        "lstm.bias_ih_l1",
        "lstm.bias_hh_l1",
    ];
    assert_eq!(names(KINDS[1]), [&lstm, &decoder[..]].concat());
    let attention = [
        "attention.in_proj_weight",
        "attention.in_proj_bias",
        "attention.out_proj.weight",
        "attention.out_proj.bias",
    ];
    assert_eq!(names(KINDS[2]), [&lstm, &attention[..], &decoder].concat());
    let masked = [
        "cls.predictions.transform.dense.weight",
        "cls.predictions.transform.dense.bias",
        "cls.predictions.transform.LayerNorm.weight",
        "cls.predictions.transform.LayerNorm.bias",
        "cls.predictions.bias",
    ];
    assert_eq!(names(KINDS[3]), masked);
}

/// To the bit: a prediction does not depend on what shares its batch.
#[test]
fn a_sequence_has_the_logits_that_it_has_alone() {
    let sequences: [&[u32]; 3] = [&[1, 5, 7, 2], &[1, 3, 2], &[1, 9, 9, 4, 8, 2]];
    for kind in KINDS {
        for special_rows in [true, false] {
            let model = model(&head(kind, special_rows), &Device::flex());
            let together = logits(&model, &sequences);
            let alone: Vec<f32> = sequences
                .iter()
                .flat_map(|ids| logits(&model, &[ids]))
                .collect();
            assert_eq!(together, alone, "{kind:?}, {special_rows}");
        }
    }
}

#[test]
fn packed_weights_change_no_bit() {
    let sequences: [&[u32]; 2] = [&[1, 5, 7, 2], &[1, 3, 2]];
    for kind in KINDS {
        let mut model = model(&head(kind, true), &Device::flex());
        let before = logits(&model, &sequences);
        model.pack_weights();
        assert_eq!(logits(&model, &sequences), before, "{kind:?}");
    }
}

#[test]
fn rows_of_special_tokens_count_only_where_they_are_kept() {
    let device = Device::flex();
    let run = |kind, special_rows, first: u32| {
        let model = model(&head(kind, special_rows), &device);
        let states = model
            .encoder
            .forward(&batch(&[&[1, 5, 7, 2]]), &ForwardOptions::default())
            .unwrap()
            .last_hidden_state;
        // The row of `[CLS]` is changed behind the encoder.
        let changed = states.clone().narrow(0, 0, 1) + f64::from(first);
        let states = Tensor::cat(vec![changed, states.narrow(0, 1, 3)], 0);
        let batch = batch(&[&[1, 5, 7, 2]]);
        let logits = model.head.forward(states, model.words(), &batch, None);
        logits.into_data().try_to_vec::<f32>().unwrap()
    };
    for kind in &KINDS[1..3] {
        assert_ne!(run(*kind, true, 0), run(*kind, true, 1), "{kind:?}");
        assert_eq!(run(*kind, false, 0), run(*kind, false, 1), "{kind:?}");
    }
    assert_eq!(run(KINDS[0], true, 0), run(KINDS[0], true, 1));
}

#[test]
fn dropout_changes_what_training_sees_and_nothing_else() {
    let device = Device::flex().autodiff();
    let options = ForwardOptions {
        dropout: Some(DropoutKey { seed: 1, step: 1 }),
        ..ForwardOptions::default()
    };
    for kind in KINDS {
        let model = model(&head(kind, true), &device);
        let batch = batch(&[&[1, 5, 7, 2]]);
        let run = |options| {
            let logits = model.forward(&batch, options).unwrap();
            logits.into_data().try_to_vec::<f32>().unwrap()
        };
        assert_eq!(run(&options), run(&options), "{kind:?}");
        assert_ne!(run(&options), run(&ForwardOptions::default()), "{kind:?}");
    }
}

#[test]
fn a_sequence_of_special_tokens_alone_is_refused() {
    let model = model(&head(KINDS[1], true), &Device::flex());
    let error = model
        .forward(&batch(&[&[1, 3, 2], &[1, 2]]), &ForwardOptions::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "sequence 1 has 2 tokens, the head reads 3 at least"
    );
}
