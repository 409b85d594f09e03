//! Masked language models beside `transformers`: logits, losses, gradients, files.

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
    Checkpoint, MaskedLanguageMetadata, TensorStore, load_masked_language_model,
    save_masked_language_model,
};
use cloze_model::losses::{CrossEntropy, cross_entropy};
use cloze_model::named::{ParameterVisitor, for_each_parameter, is_encoder_name};
use cloze_model::{ForwardOptions, MaskedLanguageModel, MaskedLanguageOutput};
use testkit::close::{assert_close, assert_relatively_close};
use testkit::golden::Golden;

/// Folder, and whether the model predicts next sentences.
const CASES: [(&str, bool); 5] = [
    ("bert", false),
    ("distilbert", false),
    ("bert-pretraining", true),
    ("electra", false),
    ("roberta", false),
];

fn folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/masked_lm")
        .join(case)
}

struct Case {
    name: &'static str,
    checkpoint: Checkpoint,
    expected: Golden,
    model: MaskedLanguageModel,
}

impl Case {
    fn open(name: &'static str, next_sentence: bool) -> Self {
        let folder = folder(name);
        let checkpoint = Checkpoint::open(&folder).unwrap();
        let device = Device::flex().autodiff();
        let (model, report) =
            load_masked_language_model(&checkpoint, next_sentence, 0, &device).unwrap();
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

    fn batch(&self) -> PackedBatch {
        let padded = self.expected.integers("input_ids").shape[1];
        let rows = |name: &str| -> Vec<Vec<u32>> {
            let values: Vec<u32> = self.integers(name).iter().map(|&id| id as u32).collect();
            values.chunks(padded).map(<[u32]>::to_vec).collect()
        };
        let (ids, types) = (rows("input_ids"), rows("token_type_ids"));
        let rows = ids.iter().zip(&types).zip(self.integers("lengths"));
        let rows = rows.map(|((ids, types), length)| (&ids[..length], &types[..length]));
        PackedBatch::from_sequences(rows).unwrap()
    }

    /// Rows of the packed batch that have a target.
    fn rows(&self, batch: &PackedBatch) -> Vec<usize> {
        let positions = self.integers("masked_positions");
        let positions = positions.chunks(2);
        positions
            .map(|place| batch.offsets()[place[0]] + place[1])
            .collect()
    }

    fn forward(&self, options: &ForwardOptions) -> MaskedLanguageOutput {
        let batch = self.batch();
        let rows = self.rows(&batch);
        self.model.forward(&batch, &rows, options).unwrap()
    }

    /// The losses of masked words and, where there is one, of next sentences.
    fn losses(&self, output: MaskedLanguageOutput) -> Vec<Tensor<1>> {
        let plain = CrossEntropy::default();
        let mut losses =
            vec![cross_entropy(output.logits, &self.integers("targets"), &plain).unwrap()];
        losses.extend(output.next_sentence.map(|logits| {
            cross_entropy(logits, &self.integers("next_sentence_labels"), &plain).unwrap()
        }));
        losses
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

#[test]
fn packed_weights_give_the_same_bits() {
    for (name, next_sentence) in CASES {
        let case = Case::open(name, next_sentence);
        let load = || {
            let device = Device::flex();
            load_masked_language_model(&case.checkpoint, next_sentence, 0, &device)
                .unwrap()
                .0
        };
        let (plain, mut packed) = (load(), load());
        packed.pack_weights();
        let batch = case.batch();
        let rows = case.rows(&batch);
        let logits = |model: &MaskedLanguageModel, rows: &[usize]| -> Vec<f32> {
            let output = model
                .forward(&batch, rows, &ForwardOptions::default())
                .unwrap();
            values(output.logits)
        };
        assert_eq!(logits(&packed, &rows), logits(&plain, &rows), "{name}");
        assert_eq!(
            logits(&packed, &rows[..1]),
            logits(&plain, &rows[..1]),
            "{name}"
        );
    }
}

#[test]
fn logits_equal_those_of_transformers() {
    for (name, next_sentence) in CASES {
        let mut case = Case::open(name, next_sentence);
        let expected = |case: &Case, what: &str| case.expected.floats(what).values;
        let output = case.forward(&ForwardOptions::default());
        let logits = values(output.logits);
        assert_close(name, &logits, &expected(&case, "logits"), 1e-4);
        if let Some(found) = output.next_sentence {
            let expected = expected(&case, "next_sentence_logits");
            assert_close(name, &values(found), &expected, 1e-4);
        }
        // A nearly constant input of the LayerNorm, where another epsilon would show.
        let smaller = |parameter: Tensor<2>| parameter / 1024.0;
        let transform = &mut case.model.head.transform;
        transform.weight = transform.weight.clone().map(smaller);
        transform.bias = transform.bias.clone().map(|bias| bias / 1024.0);
        let logits = values(case.forward(&ForwardOptions::default()).logits);
        assert_close(
            name,
            &logits,
            &expected(&case, "near_constant.logits"),
            1e-4,
        );
    }
}

#[test]
fn losses_and_gradients_equal_those_of_transformers() {
    struct Comparison<'a> {
        case: &'a Case,
        gradients: Gradients,
        compared: usize,
    }
    impl ParameterVisitor for Comparison<'_> {
        fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
            let architecture = self.case.checkpoint.architecture();
            let own = architecture.hf_name(name);
            let own = match is_encoder_name(name) {
                true => format!("{}{own}", architecture.prefix()),
                false => own,
            };
            let expected = self.case.expected.floats(&format!("grad.{own}"));
            let found = values(parameter.grad(&self.gradients).unwrap());
            let what = format!("{}, {own}", self.case.name);
            if name.ends_with("attention.self.key.bias") {
                // Zero but for rounding: it adds the same to every score of a row.
                assert_close(&what, &found, &expected.values, 1e-4);
            } else {
                assert_relatively_close(&what, &found, &expected.values, 1e-3);
            }
            self.compared += 1;
        }
    }
    for (name, next_sentence) in CASES {
        let case = Case::open(name, next_sentence);
        let losses = case.losses(case.forward(&ForwardOptions::default()));
        if let [masked, pairs] = &losses[..] {
            for (what, loss) in [("masked_lm_loss", masked), ("next_sentence_loss", pairs)] {
                let expected = case.expected.floats(what).values;
                assert_close(what, &values(loss.clone()), &expected, 1e-4);
            }
        }
        let loss = losses.into_iter().reduce(|a, b| a + b).unwrap();
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
fn a_saved_model_has_the_files_of_transformers() {
    for (name, next_sentence) in CASES {
        let case = Case::open(name, next_sentence);
        let place = tempfile::tempdir().unwrap();
        let metadata = MaskedLanguageMetadata {
            config: case.checkpoint.config(),
            task: "masked-lm",
            max_length: Some(12),
        };
        save_masked_language_model(place.path(), &case.model, &metadata).unwrap();
        let saved = Checkpoint::open(place.path()).unwrap();
        let class = |checkpoint: &Checkpoint| checkpoint.config().get("architectures").cloned();
        assert_eq!(class(&saved), class(&case.checkpoint));
        let settings = saved.cloze_settings().unwrap();
        assert_eq!(settings.task.as_deref(), Some("masked-lm"));
        assert_eq!(settings.max_length, Some(12));
        let tensors = |checkpoint: &Checkpoint| -> BTreeMap<String, Vec<f32>> {
            let store: TensorStore = checkpoint.tensors().unwrap();
            let names = store.names().into_iter();
            let read = |name: &str| {
                let data = store.read(name, store.shape(name).unwrap()).unwrap();
                data.unwrap().iter::<f32>().collect()
            };
            names.map(|name| (name.to_owned(), read(name))).collect()
        };
        assert_eq!(tensors(&saved), tensors(&case.checkpoint), "{name}");
    }
}

#[test]
fn an_encoder_gets_a_new_head_and_says_so() {
    let checkpoint = Checkpoint::open(&folder("bert")).unwrap();
    let load = |next_sentence| {
        load_masked_language_model(&checkpoint, next_sentence, 3, &Device::flex()).unwrap()
    };
    let (_, report) = load(true);
    assert_eq!(
        report.missing,
        [
            "bert.pooler.dense.weight",
            "bert.pooler.dense.bias",
            "cls.seq_relationship.weight",
            "cls.seq_relationship.bias"
        ]
    );
    let pretrained = Checkpoint::open(&folder("bert-pretraining")).unwrap();
    let (_, report) = load_masked_language_model(&pretrained, false, 3, &Device::flex()).unwrap();
    assert!(report.missing.is_empty());
    assert_eq!(report.unexpected.len(), 4, "{:?}", report.unexpected);
}

#[test]
fn next_sentences_are_refused_where_transformers_has_no_such_model() {
    for name in ["distilbert", "electra", "roberta"] {
        let checkpoint = Checkpoint::open(&folder(name)).unwrap();
        let refused = load_masked_language_model(&checkpoint, true, 0, &Device::flex());
        assert_eq!(
            refused.unwrap_err().to_string(),
            format!(
                "next-sentence prediction needs a pooler, which {name} does not have: train it as \
                 a masked language model alone (`masked-lm`)"
            )
        );
    }
}

#[test]
fn a_decoder_of_its_own_is_refused() {
    let checkpoint = Checkpoint::open(&folder("bert-untied")).unwrap();
    let refused = load_masked_language_model(&checkpoint, false, 0, &Device::flex());
    let message = refused.unwrap_err().to_string();
    assert!(
        message.contains("field `tie_word_embeddings`: found false, wanted true"),
        "{message}"
    );
}
