//! What every architecture must pass, one test run for each of [`ARCHITECTURES`]: a new one needs
//! an entry there and golden files of `transformers` under `tests/golden/<model_type>` and
//! `tests/golden/<model_type>-near-constant` (see `tools/reference`).

#![expect(clippy::unwrap_used, reason = "a helper of a test fails like a test")]

mod case;
mod devices;
mod fused;
mod gradients;
mod invariance;
mod mistakes;
mod outputs;
mod round_trip;
mod training;

use case::Case;
use cloze_model::{ARCHITECTURES, Architecture};

/// Runs a check on the golden model of every architecture, each on a device with autodiff.
fn for_every_architecture(check: impl Fn(&Case)) {
    assert!(ARCHITECTURES.len() >= 2);
    for architecture in ARCHITECTURES {
        check(&Case::open(*architecture, ""));
    }
}

/// The same with models whose LayerNorms see nearly constant rows.
fn for_every_near_constant(check: impl Fn(&Case)) {
    for architecture in ARCHITECTURES {
        check(&Case::open(*architecture, "-near-constant"));
    }
}

fn name(architecture: &dyn Architecture, what: &str) -> String {
    format!("{}: {what}", architecture.model_type())
}
