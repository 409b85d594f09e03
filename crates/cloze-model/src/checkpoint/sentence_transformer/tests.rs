use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// A folder with these files, each with its text.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// `modules.json` of these classes, each with its folder.
fn modules(classes: &[(&str, &str)]) -> String {
    let entry = |(class, path): &(&str, &str)| json!({"type": class, "path": path, "name": "x"});
    Value::Array(classes.iter().map(entry).collect()).to_string()
}

const TRANSFORMER: (&str, &str) = ("sentence_transformers.models.Transformer", "");
const POOLING: (&str, &str) = ("sentence_transformers.models.Pooling", "1_Pooling");
const NORMALIZE: (&str, &str) = ("sentence_transformers.models.Normalize", "2_Normalize");

fn read(files: &[(&str, &str)]) -> Result<SentenceTransformer, String> {
    let folder = folder(files);
    let read = SentenceTransformer::read(folder.path());
    let shorten = |error: CheckpointError| {
        let message = error.to_string();
        message.replace(&format!("{}/", folder.path().display()), "")
    };
    read.map(|found| found.unwrap()).map_err(shorten)
}

fn with_pooling(pooling: &str) -> Result<SentenceTransformer, String> {
    let modules = modules(&[TRANSFORMER, POOLING, NORMALIZE]);
    read(&[
        ("modules.json", &modules),
        ("1_Pooling/config.json", pooling),
    ])
}

#[test]
fn a_folder_without_modules_is_an_ordinary_checkpoint() {
    let folder = folder(&[("config.json", "{}")]);
    assert!(SentenceTransformer::read(folder.path()).unwrap().is_none());
}

#[test]
fn what_the_files_say_is_read() {
    let modules = modules(&[
        (
            "sentence_transformers.base.modules.transformer.Transformer",
            "0_Transformer",
        ),
        POOLING,
        ("sentence_transformers.models.Dropout", "2_Dropout"),
        ("sentence_transformers.models.Dense", "3_Dense"),
        ("sentence_transformers.models.Normalize", "4_Normalize"),
    ]);
    let read = read(&[
        ("modules.json", &modules),
        (
            "0_Transformer/sentence_bert_config.json",
            r#"{"max_seq_length": 128, "do_lower_case": true}"#,
        ),
        (
            "1_Pooling/config.json",
            r#"{"word_embedding_dimension": 8, "pooling_mode_mean_tokens": true,
                "pooling_mode_cls_token": true, "include_prompt": false}"#,
        ),
        (
            "3_Dense/config.json",
            r#"{"in_features": 16, "out_features": 4, "bias": false,
                "activation_function": "torch.nn.modules.linear.Identity"}"#,
        ),
        (
            "config_sentence_transformers.json",
            r#"{"prompts": {"query": "q: "}, "default_prompt_name": "query",
                "similarity_fn_name": "dot"}"#,
        ),
    ])
    .unwrap();
    assert!(read.transformer().ends_with("0_Transformer"));
    assert_eq!(read.pooling(), [Pooling::Cls, Pooling::Mean]);
    assert!(!read.pools_prompt() && read.lowercase());
    assert_eq!(read.max_length(), Some(128));
    assert_eq!(read.prompts()["query"], "q: ");
    assert_eq!(read.default_prompt(), Some("query"));
    assert_eq!(read.similarity(), Some("dot"));
    assert!(matches!(
        &read.layers[..],
        [Layer::Dense(_), Layer::Normalize]
    ));
}

#[test]
fn poolings_are_flags_a_name_or_a_list_of_names() {
    let pooling = |config: &str| with_pooling(config).unwrap().pooling;
    assert_eq!(pooling("{}"), [Pooling::Mean]);
    assert_eq!(
        pooling(r#"{"pooling_mode_lasttoken": true, "pooling_mode_max_tokens": true}"#),
        [Pooling::Max, Pooling::LastToken]
    );
    assert_eq!(pooling(r#"{"pooling_mode": "max"}"#), [Pooling::Max]);
    assert_eq!(
        pooling(r#"{"pooling_mode": ["weightedmean", "cls"]}"#),
        [Pooling::WeightedMean, Pooling::Cls]
    );
}

#[test]
fn what_cloze_does_not_compute_is_named() {
    let error = |classes: &[(&str, &str)]| {
        read(&[
            ("modules.json", &modules(classes)),
            ("1_Pooling/config.json", "{}"),
        ])
        .unwrap_err()
    };
    assert_eq!(
        error(&[
            TRANSFORMER,
            POOLING,
            ("sentence_transformers.models.LSTM", "2_LSTM")
        ]),
        "modules.json, field `[2].type`: found \"sentence_transformers.models.LSTM\", wanted a \
         module that cloze computes: Transformer, Pooling, Dense, Normalize or Dropout of \
         sentence_transformers"
    );
    assert!(error(&[("custom.Transformer", "")]).contains("found \"custom.Transformer\""));
    assert_eq!(
        error(&[POOLING]),
        "modules.json, field `[0].type`: found Pooling, wanted Transformer"
    );
    assert_eq!(
        error(&[TRANSFORMER]),
        "modules.json, field `[1].type`: found nothing, wanted Pooling"
    );
    assert_eq!(
        error(&[TRANSFORMER, POOLING, POOLING]),
        "modules.json, field `[2].type`: found Pooling, wanted Dense or Normalize"
    );
    assert_eq!(
        error(&[TRANSFORMER, (POOLING.0, "../1_Pooling")]),
        "modules.json, field `[1].path`: found \"../1_Pooling\", wanted a folder within the model's"
    );
    assert_eq!(
        with_pooling(r#"{"pooling_mode": ["mean", "median"]}"#).unwrap_err(),
        "1_Pooling/config.json, field `pooling_mode`: found [\"mean\",\"median\"], wanted one or \
         several of cls, max, mean, mean_sqrt_len_tokens, weightedmean, lasttoken"
    );
    assert_eq!(
        with_pooling(r#"{"pooling_mode_median_tokens": true}"#).unwrap_err(),
        "1_Pooling/config.json, field `pooling_mode_median_tokens`: found true, wanted false: \
         cloze does not know this pooling"
    );
}

#[test]
fn settings_that_change_vectors_are_refused() {
    let dense = |config: &str| {
        let modules = modules(&[
            TRANSFORMER,
            POOLING,
            ("sentence_transformers.models.Dense", "d"),
        ]);
        let files = [
            ("modules.json", modules.as_str()),
            ("1_Pooling/config.json", "{}"),
            ("d/config.json", config),
        ];
        read(&files).map(|_| ()).unwrap_err()
    };
    let sizes = r#""in_features": 4, "out_features": 4"#;
    assert_eq!(
        dense(&format!(r#"{{{sizes}, "use_residual": true}}"#)),
        "d/config.json, field `use_residual`: found true, wanted false"
    );
    assert_eq!(
        dense(&format!(
            r#"{{{sizes}, "activation_function": "torch.nn.modules.activation.SiLU"}}"#
        )),
        "d/config.json, field `activation_function`: found \"torch.nn.modules.activation.SiLU\", \
         wanted one of torch's Identity, Tanh, ReLU, GELU"
    );
    let transformer = |config: &str| {
        let modules = modules(&[TRANSFORMER, POOLING]);
        let files = [
            ("modules.json", modules.as_str()),
            ("1_Pooling/config.json", "{}"),
            ("sentence_bert_config.json", config),
        ];
        read(&files).map(|_| ()).unwrap_err()
    };
    assert!(transformer(r#"{"query_length": 32}"#).contains("`query_length`: found 32"));
    assert!(transformer(r#"{"max_seq_length": 0}"#).contains("a whole number above 0"));
    let prompt = read(&[
        ("modules.json", &modules(&[TRANSFORMER, POOLING])),
        ("1_Pooling/config.json", "{}"),
        (
            SETTINGS,
            r#"{"prompts": {}, "default_prompt_name": "query"}"#,
        ),
    ]);
    assert!(
        prompt
            .unwrap_err()
            .contains("wanted the name of one of the prompts")
    );
}

#[test]
fn bytes_of_any_kind_are_an_error_and_no_panic() {
    for text in ["", "{}", "[1]", "[{}]", "[{\"type\": 3}]", "\u{0}"] {
        let error = read(&[("modules.json", text)]).unwrap_err();
        assert!(error.starts_with("modules.json"), "{error}");
    }
}

/// JSON of any form with the keys that are looked for.
fn any_settings() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "type",
        "path",
        "kwargs",
        "pooling_mode",
        "pooling_mode_cls_token",
        "include_prompt",
        "in_features",
        "out_features",
        "bias",
        "activation_function",
        "module_input_name",
        "max_seq_length",
        "do_lower_case",
        "prompts",
        "default_prompt_name",
        "similarity_fn_name",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec![
            "mean",
            "",
            "..",
            "torch.nn.Tanh",
            TRANSFORMER.0,
            POOLING.0
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        let object =
            prop::collection::btree_map(key.clone().prop_map(String::from), inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            object.prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn settings_of_any_form_are_read_or_refused_without_a_panic(
        list in any_settings(), settings in any_settings()
    ) {
        let (list, settings) = (list.to_string(), settings.to_string());
        let dense = ("sentence_transformers.models.Dense", "d");
        for listed in [list, modules(&[TRANSFORMER, POOLING, dense, NORMALIZE])] {
            let _ = read(&[
                ("modules.json", &listed),
                ("sentence_bert_config.json", &settings),
                (SETTINGS, &settings),
                ("1_Pooling/config.json", &settings),
                ("2_Normalize/config.json", &settings),
                ("d/config.json", &settings),
            ]);
        }
    }
}
