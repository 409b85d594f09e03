//! Models that say which token comes next beside PyTorch: logits, losses, gradients, files.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy exempts only functions marked as tests"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::Param;
use burn::tensor::{Device, Gradients, Tensor};
use cloze_core::PackedBatch;
use cloze_model::checkpoint::{
    Checkpoint, ContinuationMetadata, load_continuation, load_masked_language_model,
    save_continuation,
};
use cloze_model::losses::{CrossEntropy, cross_entropy};
use cloze_model::named::{ParameterVisitor, for_each_parameter, is_encoder_name};
use cloze_model::{
    ContinuationConfig, ContinuationHeadConfig, ContinuationHeadKind, ContinuationModel,
    ForwardOptions,
};
use testkit::close::{assert_close, assert_relatively_close};
use testkit::golden::Golden;

const CASES: [&str; 3] = ["linear", "lstm", "lstm-attention"];

fn folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/continuation")
        .join(case)
}

struct Case {
    name: &'static str,
    checkpoint: Checkpoint,
    expected: Golden,
    model: ContinuationModel,
}

impl Case {
    fn open(name: &'static str) -> Self {
        let folder = folder(name);
        let checkpoint = Checkpoint::open(&folder).unwrap();
        let head = &checkpoint.wanted_continuation().unwrap().head;
        let device = Device::flex().autodiff();
        let (model, report) = load_continuation(&checkpoint, head, 0, &device).unwrap();
        assert_eq!(report.lines(), Vec::<String>::new(), "{name}");
        Self {
            name,
            expected: Golden::read(&folder.join("expected.safetensors")),
            checkpoint,
            model,
        }
    }

    fn integers(&self, name: &str) -> Vec<usize> {
        let values = self.expected.integers(name).values;
        values.into_iter().map(|value| value as usize).collect()
    }

    fn logits(&self) -> Tensor<2> {
        let padded = self.expected.integers("input_ids").shape[1];
        let ids: Vec<u32> = self
            .integers("input_ids")
            .iter()
            .map(|&id| id as u32)
            .collect();
        let types = vec![0; padded];
        let lengths = self.integers("lengths");
        let rows = ids.chunks(padded).zip(&lengths);
        let rows = rows.map(|(ids, &length)| (&ids[..length], &types[..length]));
        let batch = PackedBatch::from_sequences(rows).unwrap();
        self.model
            .forward(&batch, &ForwardOptions::default())
            .unwrap()
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

#[test]
fn logits_equal_those_of_torch() {
    for name in CASES {
        let case = Case::open(name);
        let expected = case.expected.floats("logits").values;
        assert_close(name, &values(case.logits()), &expected, 1e-4);
    }
}

#[test]
fn losses_and_gradients_equal_those_of_torch() {
    struct Comparison<'a> {
        case: &'a Case,
        gradients: Gradients,
        compared: usize,
    }
    impl ParameterVisitor for Comparison<'_> {
        fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
            let architecture = self.case.checkpoint.architecture();
            let own = match is_encoder_name(name) {
                true => format!("{}{}", architecture.prefix(), architecture.hf_name(name)),
                false => name.to_owned(),
            };
            let expected = self.case.expected.floats(&format!("grad.{own}")).values;
            let found = values(parameter.grad(&self.gradients).unwrap());
            let what = format!("{}, {own}", self.case.name);
            if name.ends_with("attention.self.key.bias") {
                // Zero but for rounding: it adds the same to every score of a row.
                assert_close(&what, &found, &expected, 1e-4);
            } else {
                assert_relatively_close(&what, &found, &expected, 1e-3);
            }
            self.compared += 1;
        }
    }
    for name in CASES {
        let case = Case::open(name);
        let targets = case.integers("targets");
        let loss = cross_entropy(case.logits(), &targets, &CrossEntropy::default()).unwrap();
        let expected = case.expected.floats("loss").values;
        assert_close(name, &values(loss.clone()), &expected, 1e-4);
        let mut comparison = Comparison {
            case: &case,
            gradients: loss.backward(),
            compared: 0,
        };
        for_each_parameter(&case.model, &mut comparison);
        let names = case.expected.names();
        let golden = names.iter().filter(|name| name.starts_with("grad."));
        assert_eq!(comparison.compared, golden.count(), "{name}");
    }
}

#[test]
fn a_saved_model_has_the_weights_and_the_settings_that_it_came_with() {
    for name in CASES {
        let case = Case::open(name);
        let place = tempfile::tempdir().unwrap();
        let metadata = ContinuationMetadata {
            config: case.checkpoint.config(),
            continuation: case.checkpoint.wanted_continuation().unwrap(),
            task: "continuation",
            max_length: 12,
        };
        save_continuation(place.path(), &case.model, &metadata).unwrap();
        let saved = Checkpoint::open(place.path()).unwrap();
        for key in ["architectures", "auto_map", "cloze"] {
            let (found, wanted) = (saved.config().get(key), case.checkpoint.config().get(key));
            assert_eq!(found, wanted, "{name}, {key}");
        }
        assert_eq!(saved.continuation(), case.checkpoint.continuation());
        assert!(place.path().join("modeling_cloze.py").is_file());
        let tensors = |checkpoint: &Checkpoint| -> BTreeMap<String, Vec<f32>> {
            let store = checkpoint.tensors().unwrap();
            let read = |name: &str| {
                let data = store.read(name, store.shape(name).unwrap()).unwrap();
                data.unwrap().iter::<f32>().collect()
            };
            let names = store.names().into_iter();
            names.map(|name| (name.to_owned(), read(name))).collect()
        };
        assert_eq!(tensors(&saved), tensors(&case.checkpoint), "{name}");
    }
}

#[test]
fn a_head_of_another_form_is_new_as_a_whole() {
    let checkpoint = Checkpoint::open(&folder("lstm")).unwrap();
    let stored = &checkpoint.wanted_continuation().unwrap().head;
    let load = |head: &ContinuationHeadConfig| {
        let (_, report) = load_continuation(&checkpoint, head, 3, &Device::flex()).unwrap();
        report
    };
    let other_dropout = ContinuationHeadConfig {
        dropout: 0.5,
        ..stored.clone()
    };
    assert!(load(&other_dropout).missing.is_empty());
    let one_layer = ContinuationHeadConfig {
        layers: 1,
        ..stored.clone()
    };
    let missing = load(&one_layer).missing;
    assert_eq!(
        missing,
        [
            "head.lstm.weight_ih_l0",
            "head.lstm.weight_hh_l0",
            "head.lstm.bias_ih_l0",
            "head.lstm.bias_hh_l0",
            "head.decoder.weight",
            "head.decoder.bias",
        ]
    );
}

#[test]
fn a_model_that_continues_nothing_is_told_from_one_that_does() {
    let other = folder("../masked_lm/bert");
    let checkpoint = Checkpoint::open(&other).unwrap();
    let message = checkpoint.wanted_continuation().unwrap_err().to_string();
    assert!(
        message.ends_with(
            "field `cloze.continuation`: found a model that cloze did not train, wanted a model \
             that was trained to continue texts"
        ),
        "{message}"
    );
}

/// With a `[MASK]` at its end a prefix has the logits that `transformers` gives at its mask.
#[test]
fn the_head_of_masked_words_is_that_of_the_checkpoint() {
    let checkpoint = Checkpoint::open(&folder("../masked_lm/bert")).unwrap();
    let head = ContinuationHeadConfig {
        kind: ContinuationHeadKind::MaskedLm,
        ..Case::open("linear").model.head.config().clone()
    };
    let device = Device::flex();
    let (model, report) = load_continuation(&checkpoint, &head, 0, &device).unwrap();
    assert_eq!(report.lines(), Vec::<String>::new());
    let (masked, _) = load_masked_language_model(&checkpoint, false, 0, &device).unwrap();
    let ids = [&[2, 9, 12, 40, 4, 3][..], &[2, 30, 4, 3]];
    let sequences = ids.map(|ids| (ids, &[0; 6][..ids.len()]));
    let batch = PackedBatch::from_sequences(sequences).unwrap();
    let options = ForwardOptions::default();
    let wanted = masked.forward(&batch, &[4, 8], &options).unwrap().logits;
    let found = model.forward(&batch, &options).unwrap();
    assert_eq!(values(found), values(wanted));

    let place = tempfile::tempdir().unwrap();
    let continuation = ContinuationConfig {
        head,
        ..Case::open("linear")
            .checkpoint
            .continuation()
            .unwrap()
            .clone()
    };
    let metadata = ContinuationMetadata {
        config: checkpoint.config(),
        continuation: &continuation,
        task: "continuation",
        max_length: 12,
    };
    save_continuation(place.path(), &model, &metadata).unwrap();
    let saved = Checkpoint::open(place.path()).unwrap();
    let class = |checkpoint: &Checkpoint| checkpoint.config().get("architectures").cloned();
    assert_eq!(class(&saved), class(&checkpoint));
    assert_eq!(saved.continuation(), Some(&continuation));
    let (_, report) = load_masked_language_model(&saved, false, 0, &device).unwrap();
    assert_eq!(report.lines(), Vec::<String>::new());
}
