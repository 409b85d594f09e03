//! The devices that this build has besides the CPU, beside the CPU. They add in another order, so
//! nothing is equal to the last bit.
//!
//! `cargo test --workspace --features webgpu --test conformance devices` wants a Vulkan driver;
//! Mesa's, which computes on the processor, will do.

use burn::module::Module;
use burn::tensor::Device;
use cloze_model::bridge::AdamW;
use cloze_model::device::{Backend, ComputeDevice, DeviceName};
use cloze_model::{ARCHITECTURES, Architecture, DropoutKey, ForwardOptions};
use testkit::close::{assert_close, assert_relatively_close};

use crate::case::{ALL_OUTPUTS, Case, HIDDEN_STATES, outputs};
use crate::fused::gradients;
use crate::training::{Optimizer, step};

const TOLERANCE: f32 = 1e-3;

/// Of the largest element: shaders compute `exp` and division less exactly than the kernels.
const GRADIENT_TOLERANCE: f32 = 2e-3;

/// Runs a check on the golden model of every architecture, on the CPU and on each other device.
fn for_every_other_device(check: impl Fn(&str, &Case, &Case)) {
    let is_other = |backend: &Backend| !matches!(backend, Backend::Cpu | Backend::CpuComposed);
    let others = Backend::ALL.into_iter().filter(is_other);
    for backend in others.filter(|backend| backend.is_built_in()) {
        let device = ComputeDevice::open(DeviceName::from(backend)).unwrap();
        for architecture in ARCHITECTURES {
            let on = |device: Device| on(*architecture, device.autodiff());
            let what = format!("{device}, {}", architecture.model_type());
            check(&what, &on(Device::flex()), &on(device.device().clone()));
        }
    }
}

fn on(architecture: &'static dyn Architecture, device: Device) -> Case {
    Case {
        device,
        ..Case::open(architecture, "")
    }
}

#[test]
#[cfg_attr(
    not(any(
        feature = "vulkan",
        feature = "webgpu",
        feature = "cuda",
        feature = "rocm",
        feature = "metal"
    )),
    ignore = "this build has no device but the CPU"
)]
fn every_output_is_that_of_the_processor() {
    for_every_other_device(|what, cpu, other| {
        for options in [HIDDEN_STATES, ALL_OUTPUTS] {
            let run = |case: &Case, autodiff: bool| {
                let model = match autodiff {
                    true => case.model(),
                    false => case.model().valid(),
                };
                let output = model.forward(&case.batch(), &options).unwrap();
                outputs(&model, output, &case.batch())
            };
            let expected = run(cpu, false);
            for autodiff in [false, true] {
                let found = run(other, autodiff);
                assert_eq!(found.len(), expected.len());
                for ((name, found), (_, expected)) in found.iter().zip(&expected) {
                    assert_close(&format!("{what}, {name}"), found, expected, TOLERANCE);
                }
            }
        }
    });
}

/// Dropout is drawn from the same numbers everywhere.
#[test]
#[cfg_attr(
    not(any(
        feature = "vulkan",
        feature = "webgpu",
        feature = "cuda",
        feature = "rocm",
        feature = "metal"
    )),
    ignore = "this build has no device but the CPU"
)]
fn training_steps_are_those_of_the_processor() {
    for_every_other_device(|what, cpu, other| {
        let [expected, found] =
            [cpu, other].map(|case| gradients(case, &case.model(), &ForwardOptions::default()).1);
        assert_eq!(found.len(), expected.len());
        for (name, found) in found {
            // It is rounding noise alone: zero in theory.
            if !name.ends_with("key.bias") {
                let what = format!("{what}, gradient of {name}");
                assert_relatively_close(&what, &found, &expected[&name], GRADIENT_TOLERANCE);
            }
        }
        // AdamW moves a weight with a gradient of nearly nothing as far as any other, in a direction
        // that rounding decides: losses and norms are compared from here on.
        let mut models = [cpu, other].map(|case| (case, Some(case.model()), Optimizer::default()));
        for index in 0..5 {
            let adamw = AdamW {
                learning_rate: 1e-3,
                step: index + 1,
                ..AdamW::default()
            };
            let key = DropoutKey {
                seed: 5,
                step: index,
            };
            let options = ForwardOptions {
                dropout: Some(key),
                ..ForwardOptions::default()
            };
            let [expected, found] = models.each_mut().map(|(case, model, optimizer)| {
                let before = model.take().unwrap();
                let (after, loss, norm) = step(case, before, optimizer, &options, (adamw, 1.0));
                *model = Some(after);
                [loss, norm as f32]
            });
            let what = format!("{what}, step {index}");
            assert_close(&what, &found[..1], &expected[..1], TOLERANCE);
            assert_relatively_close(&what, &found[1..], &expected[1..], GRADIENT_TOLERANCE);
        }
    });
}
