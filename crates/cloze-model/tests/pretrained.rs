//! The real checkpoints of `make assets` give what they give in `transformers`.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails like a test")]

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use cloze_core::PackedBatch;
use cloze_model::checkpoint::{Checkpoint, LoadReport, load_encoder};
use cloze_model::{Encoder, ForwardOptions, unpack};
use testkit::close::assert_close;
use testkit::golden::Golden;

const TOLERANCE: f32 = 1e-4;

struct Pretrained {
    encoder: Encoder,
    report: LoadReport,
    expected: Golden,
    batch: PackedBatch,
}

impl Pretrained {
    fn load(name: &str) -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder: PathBuf = here.join("../../assets").join(name);
        assert!(
            folder.exists(),
            "assets/{name} is missing: run `make assets`"
        );
        let checkpoint = Checkpoint::open(&folder).unwrap();
        let (encoder, report) = load_encoder(&checkpoint, &Device::flex()).unwrap();
        let file = here
            .join("tests/golden/pretrained")
            .join(format!("{name}.safetensors"));
        let expected = Golden::read(&file);
        let batch = batch(&expected);
        Self {
            encoder,
            report,
            expected,
            batch,
        }
    }

    fn check_hidden_states(&self) {
        let options = ForwardOptions {
            output_hidden_states: true,
            ..Default::default()
        };
        let output = self.encoder.forward(&self.batch, &options).unwrap();
        self.check(
            "last_hidden_state",
            unpack(output.last_hidden_state, &self.batch),
        );
        let first = output.hidden_states.unwrap().swap_remove(1);
        self.check("hidden_states.1", unpack(first, &self.batch));
    }

    fn check<const D: usize>(&self, name: &str, found: Tensor<D>) {
        let found: Vec<f32> = found.into_data().try_to_vec().unwrap();
        assert_close(name, &found, &self.expected.floats(name).values, TOLERANCE);
    }
}

/// The rows of a golden file without their padding.
fn batch(expected: &Golden) -> PackedBatch {
    let rows = |name| -> Vec<Vec<u32>> {
        let tensor = expected.integers(name);
        let values: Vec<u32> = tensor.values.iter().map(|&value| value as u32).collect();
        values
            .chunks(tensor.shape[1])
            .map(<[u32]>::to_vec)
            .collect()
    };
    let (ids, types) = (rows("input_ids"), rows("token_type_ids"));
    let lengths = rows("attention_mask")
        .into_iter()
        .map(|mask| mask.iter().sum::<u32>() as usize);
    let sequences = ids.iter().zip(&types).zip(lengths);
    PackedBatch::from_sequences(
        sequences.map(|((ids, types), length)| (&ids[..length], &types[..length])),
    )
    .unwrap()
}

#[test]
fn minilm_gives_the_hidden_states_and_pooled_output_of_transformers() {
    let minilm = Pretrained::load("minilm");
    assert_eq!(minilm.report.missing, Vec::<String>::new());
    minilm.check_hidden_states();
    let output = minilm
        .encoder
        .forward(&minilm.batch, &ForwardOptions::default())
        .unwrap();
    minilm.check(
        "pooled",
        minilm
            .encoder
            .pooled(output.last_hidden_state, &minilm.batch)
            .unwrap(),
    );
}

#[test]
fn bert_tiny_loads_by_its_old_layer_norm_names_and_gives_the_hidden_states_of_transformers() {
    let tiny = Pretrained::load("bert-tiny");
    // It was saved with a masked-LM head, which has no pooler.
    let is_pooler = |name: &String| name.contains("pooler.dense");
    assert!(
        tiny.report.missing.iter().all(is_pooler),
        "{:?}",
        tiny.report.missing
    );
    tiny.check_hidden_states();
}
