//! The loss against PyTorch.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use cloze_model::losses::{CrossEntropy, cross_entropy};
use serde::Deserialize;
use testkit::close::assert_close;
use testkit::golden::read_json;

#[derive(Deserialize)]
struct Case {
    name: String,
    logits: Vec<Vec<f32>>,
    targets: Vec<usize>,
    class_weights: Option<Vec<f32>>,
    label_smoothing: f64,
    loss: f32,
    logits_gradient: Vec<Vec<f32>>,
}

#[test]
fn losses_and_gradients_equal_pytorch() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cross_entropy.json");
    let cases: Vec<Case> = read_json(&path);
    assert!(cases.len() >= 4);
    for case in cases {
        let shape = [case.logits.len(), case.logits[0].len()];
        let logits = TensorData::new::<f32, _>(case.logits.concat(), shape);
        let logits = Tensor::<2>::from_data(logits, &Device::flex().autodiff()).require_grad();
        let settings = CrossEntropy {
            class_weights: case.class_weights,
            label_smoothing: case.label_smoothing,
        };
        let loss = cross_entropy(logits.clone(), &case.targets, &settings).unwrap();
        let gradients = loss.backward();
        assert_close(
            &case.name,
            &[loss.into_scalar::<f32>()],
            &[case.loss],
            1e-5 * case.loss,
        );
        let gradient = logits
            .grad(&gradients)
            .unwrap()
            .into_data()
            .try_to_vec::<f32>()
            .unwrap();
        assert_close(&case.name, &gradient, &case.logits_gradient.concat(), 1e-6);
    }
}
