//! Mistakes that parity must not let pass: each moves the logits by ten times the tolerance at
//! least, and by what it moves them in `transformers`.

use std::collections::HashMap;

use burn::tensor::TensorData;
use cloze_core::{Activation, EncoderConfig, PositionNumbering};
use cloze_model::{Init, ParameterError, ParameterSource};
use serde::Deserialize;
use testkit::golden::read_json;

use crate::case::{Case, GoldenWeights};
use crate::{for_every_architecture, for_every_near_constant};

#[derive(Deserialize)]
struct Expected {
    logits_change_by: HashMap<String, f32>,
}

fn assert_noticed(case: &Case, mistake: &str, difference: f32) {
    let what = case.what(mistake);
    assert!(
        difference > 1e-3,
        "{what} moves the logits by {difference} only"
    );
    let expected: Expected = read_json(&case.folder.join("expected.json"));
    let expected = expected.logits_change_by[mistake];
    let ratio = difference / expected;
    assert!(
        (0.8..1.25).contains(&ratio),
        "{what}: {difference}, in transformers {expected}"
    );
}

#[test]
fn the_tanh_approximation_of_gelu_is_noticed() {
    for_every_architecture(|case| {
        let mut config = case.config();
        assert_eq!(config.hidden_act, Activation::Gelu);
        config.hidden_act = Activation::GeluTanh;
        let model = case.build(&config, &mut case.weights());
        assert_noticed(
            case,
            "tanh GELU",
            case.logits_differ_by(&model, &case.batch()),
        );
    });
}

/// Multiplies queries by √d, which undoes the division of the scores.
struct Unscaled {
    weights: GoldenWeights,
    factor: f32,
}

impl ParameterSource for Unscaled {
    fn get(
        &mut self,
        name: &str,
        shape: &[usize],
        init: Init,
    ) -> Result<TensorData, ParameterError> {
        let data = self.weights.get(name, shape, init)?;
        if !name.contains("attention.self.query") {
            return Ok(data);
        }
        let values: Vec<f32> = data.try_to_vec().unwrap();
        let scaled = values
            .into_iter()
            .map(|value| value * self.factor)
            .collect();
        Ok(TensorData::new::<f32, _>(scaled, shape))
    }
}

#[test]
fn scores_that_are_not_divided_by_the_root_of_the_head_size_are_noticed() {
    for_every_architecture(|case| {
        let config = case.config();
        let factor = (config.head_size() as f32).sqrt();
        let mut weights = Unscaled {
            weights: case.weights(),
            factor,
        };
        let model = case.build(&config, &mut weights);
        assert_noticed(
            case,
            "no 1/sqrt(d)",
            case.logits_differ_by(&model, &case.batch()),
        );
    });
}

#[test]
fn attention_to_padding_is_noticed() {
    for_every_architecture(|case| {
        let difference = case.logits_differ_by(&case.model(), &case.padding_as_text());
        assert_noticed(case, "no attention mask", difference);
    });
}

#[test]
fn another_epsilon_is_noticed() {
    for_every_near_constant(|case| {
        let mut config = case.config();
        assert_eq!(config.layer_norm_eps, 1e-12);
        config.layer_norm_eps = 1e-5;
        let model = case.build(&config, &mut case.weights());
        let difference = case.logits_differ_by(&model, &case.batch());
        assert!(difference > 1e-2, "{}: {difference}", case.what("epsilon"));
    });
}

#[test]
fn positions_from_zero_on_are_noticed_where_they_begin_behind_padding() {
    for_every_architecture(|case| {
        let config = EncoderConfig {
            position_numbering: PositionNumbering::FromZero,
            ..case.config()
        };
        let model = case.build(&config, &mut case.weights());
        let difference = case.logits_differ_by(&model, &case.batch());
        let after_padding = case.config().position_numbering == PositionNumbering::AfterPadding;
        assert_eq!(
            difference > 1e-2,
            after_padding,
            "{}",
            case.what("positions")
        );
    });
}

#[test]
fn queries_in_the_place_of_values_are_noticed() {
    struct Swapped(GoldenWeights);
    impl ParameterSource for Swapped {
        fn get(
            &mut self,
            name: &str,
            shape: &[usize],
            init: Init,
        ) -> Result<TensorData, ParameterError> {
            let other = match name {
                _ if name.contains(".query.") => name.replace(".query.", ".value."),
                _ if name.contains(".value.") => name.replace(".value.", ".query."),
                _ => name.into(),
            };
            self.0.get(&other, shape, init)
        }
    }
    for_every_architecture(|case| {
        let model = case.build(&case.config(), &mut Swapped(case.weights()));
        let difference = case.logits_differ_by(&model, &case.batch());
        assert!(
            difference > 1e-2,
            "{}: {difference}",
            case.what("swapped tensors")
        );
    });
}
