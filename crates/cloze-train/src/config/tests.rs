use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// The configuration that the documentation shows.
const EXAMPLE: &str = r#"
task = "text-classification"
output = "runs/reviews"
seed = 42
[model]
path = "bert-base-chinese"
freeze = "none"
[data]
train = "reviews.csv"
split = { validation = 0.1, test = 0.1, seed = 666 }
text = "review"
label = "label"
max_length = 128
[train]
epochs = 3
batch_size = 16
learning_rate = 2e-5
schedule = { kind = "linear", warmup = 0.1 }
[head]
features = "cls"
hidden = [200]
activation = "relu"
dropout = 0.1
[optimizer]
kind = "adamw"
eps = 1e-8
weight_decay = 0.01
clip = 1.0
head_learning_rate = 1e-4
[loss]
class_weights = { good = 2, bad = 0.5 }
label_smoothing = 0.1
"#;

const MINIMAL: &str = "task = \"text-classification\"\noutput = \"runs/x\"\n[model]\npath = \"m\"\n\
                       [data]\ntrain = \"t.csv\"\n";

fn parse(text: &str) -> Result<RunConfig, String> {
    RunConfig::parse(Path::new("run.toml"), text, &[]).map_err(|error| error.to_string())
}

/// The message for the minimal configuration with one more line, the 7th, in its last table.
fn refuse(line: &str) -> String {
    parse(&format!("{MINIMAL}{line}\n")).unwrap_err()
}

#[test]
fn the_documented_example_is_read() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.task.name(), "text-classification");
    assert_eq!(config.model.freeze.as_slice(), ["none"]);
    let split = config.data.split.unwrap();
    assert_eq!(
        (split.validation, split.seed, split.stratify),
        (0.1, Some(666), true)
    );
    assert_eq!(config.train.schedule.warmup, 0.1);
    assert_eq!(config.head.unwrap().hidden, Some(vec![200]));
    let Some(ClassWeightsConfig::Table(weights)) = config.loss.class_weights else {
        panic!("a table of class weights")
    };
    assert_eq!(weights["good"], 2.0);
}

#[test]
fn defaults_are_filled_in() {
    let config = parse(MINIMAL).unwrap();
    assert_eq!((config.seed, config.train.batch_size), (42, Some(16)));
    assert_eq!(config.optimizer.weight_decay, Some(0.01));
    assert_eq!(
        (config.optimizer.betas, config.optimizer.eps),
        ([0.9, 0.999], 1e-8)
    );
    let with = |text: &str| parse(&format!("{MINIMAL}{text}")).unwrap();
    assert_eq!(
        with("[optimizer]\nkind = \"adam\"").optimizer.weight_decay,
        Some(0.0)
    );
    assert_eq!(
        with("[train]\ntokens_per_batch = 4096").train.batch_size,
        None
    );
    let step = with("[train]\nschedule = { kind = \"step\", step_size = 10 }")
        .train
        .schedule;
    assert_eq!(
        (step.gamma, step.unit),
        (Some(0.1), Some(ScheduleUnit::Epochs))
    );
    let split = with("[data.split]\nvalidation = 0.1\n").data.split.unwrap();
    assert_eq!(split.seed, Some(42));
}

#[test]
fn what_is_written_to_the_run_folder_is_the_same_configuration() {
    for text in [EXAMPLE, MINIMAL] {
        let config = parse(text).unwrap();
        assert_eq!(parse(&config.to_toml()).unwrap(), config);
    }
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    assert_eq!(
        refuse("[train]\nepoch = 3"),
        "run.toml, line 8, field `train.epoch`: found an unknown key, wanted `epochs`, the nearest known key"
    );
    assert_eq!(
        refuse("[trian]"),
        "run.toml, line 7, field `trian`: found an unknown key, wanted `train`, the nearest known key"
    );
    assert_eq!(
        refuse("split = { xyz = 1 }"),
        "run.toml, line 7, field `data.split.xyz`: found an unknown key, wanted one of `validation`, `test`, `seed`, `stratify`"
    );
}

#[test]
fn a_wrong_value_is_named_with_what_was_wanted() {
    let cases = [
        (
            "[train]\nepochs = \"three\"",
            "line 8, field `train.epochs`: found \"three\", wanted a whole number from 1 to 1000000",
        ),
        (
            "[train]\nbatch_size = 0",
            "line 8, field `train.batch_size`: found 0, wanted a whole number, 1 or more",
        ),
        (
            "[train]\nepochs = 2.0",
            "line 8, field `train.epochs`: found 2.0, wanted a whole number from 1 to 1000000",
        ),
        (
            "[train]\nlearning_rate = -1e-5",
            "line 8, field `train.learning_rate`: found -0.00001, wanted a number, 0 or more",
        ),
        (
            "[train]\nlearning_rate = nan",
            "line 8, field `train.learning_rate`: found nan, wanted a text, a number, true, false, a list or a table",
        ),
        (
            "[train]\nschedule = { kind = \"cosin\" }",
            "line 8, field `train.schedule.kind`: found \"cosin\", wanted one of \"constant\", \"linear\", \"cosine\", \"cosine-with-restarts\", \"polynomial\", \"step\"",
        ),
        (
            "[head]\ndropout = 1",
            "line 8, field `head.dropout`: found 1, wanted a number from 0 to below 1",
        ),
        (
            "[head]\nhidden = [200, 0]",
            "line 8, field `head.hidden`: found 0, wanted a whole number, 1 or more",
        ),
        (
            "[optimizer]\nbetas = [0.9]",
            "line 8, field `optimizer.betas`: found [0.9], wanted a list of 2, each a number from 0 to below 1",
        ),
        (
            "bad_rows = \"ignore\"",
            "line 7, field `data.bad_rows`: found \"ignore\", wanted \"stop\" or \"skip\"",
        ),
        (
            "[loss]\nclass_weights = \"equal\"",
            "line 8, field `loss.class_weights`: found \"equal\", wanted \"balanced\" or a table",
        ),
        (
            "[loss]\nclass_weights = { good = 0 }",
            "line 8, field `loss.class_weights.good`: found 0, wanted a number above 0",
        ),
        (
            "[masking]\nlast_rate = 0",
            "line 8, field `masking.last_rate`: found 0, wanted a number above 0 to 1",
        ),
        (
            "[train]\nbest = \"f2\"",
            "line 8, field `train.best`: found \"f2\", wanted one of \"accuracy\", \"macro_f1\", \"micro_f1\", \"f1\", \"exact_match\", \"strict_f1\", \"weighted_f1\", \"subset_accuracy\", \"mean_average_precision\", \"pearson\", \"spearman\", \"mean_squared_error\", \"loss\", \"perplexity\", \"masked_accuracy\", \"next_sentence_accuracy\", \"next_token_accuracy\"",
        ),
        (
            "text = 5",
            "line 7, field `data.text`: found 5, wanted a text",
        ),
        (
            "max_length = 2",
            "line 7, field `data.max_length`: found 2, wanted a whole number, 3 or more",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(refuse(line), format!("run.toml, {expected}"), "{line}");
    }
    let freeze = MINIMAL.replace("path = \"m\"", "path = \"m\"\nfreeze = 6");
    assert_eq!(
        parse(&freeze).unwrap_err(),
        "run.toml, line 5, field `model.freeze`: found 6, wanted a text or a list, each item a text"
    );
}

#[test]
fn a_missing_key_is_named() {
    assert_eq!(
        parse("task = \"text-classification\"\noutput = \"o\"\n[model]\n[data]\ntrain = \"t\"")
            .unwrap_err(),
        "run.toml, line 3, field `model.path`: found nothing, wanted a text"
    );
    assert_eq!(
        parse("").unwrap_err(),
        "run.toml, field `task`: found nothing, wanted one of \"text-classification\", \"multi-label\", \"regression\", \"token-classification\", \"question-answering\", \"masked-lm\", \"pretraining\", \"continuation\""
    );
}

#[test]
fn keys_that_contradict_each_other_are_refused() {
    let cases = [
        (
            "[train]\nbatch_size = 8\ntokens_per_batch = 100",
            "line 9, field `train.tokens_per_batch`: found `batch_size = 8` beside it, wanted one of the two",
        ),
        (
            "split = { test = 0.5 }\ntest = \"t\"",
            "line 8, field `data.test`: found `split.test = 0.5` beside it, wanted a file or a share of the training rows",
        ),
        (
            "split = { validation = 0.5, test = 0.5 }",
            "line 7, field `data.split`: found shares of 1 together, wanted shares below 1 together, so that rows are left for training",
        ),
        (
            "[train]\nschedule = { gamma = 0.5 }",
            "line 8, field `train.schedule.gamma`: found a key that this kind of schedule has no use for, wanted `kind = \"step\"` beside it",
        ),
        (
            "[train]\nschedule = { kind = \"step\" }",
            "line 8, field `train.schedule.step_size`: found nothing, wanted the epochs (or steps, with `unit = \"steps\"`) between two changes",
        ),
        (
            "[train]\nschedule = { warmup = 1.5 }",
            "line 8, field `train.schedule.warmup`: found 1.5, wanted a share below 1 or a whole number of steps",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(refuse(line), format!("run.toml, {expected}"), "{line}");
    }
}

#[test]
fn overrides_go_before_the_file_and_are_checked_like_it() {
    let parse = |overrides: &[&str]| {
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).into()).collect();
        RunConfig::parse(Path::new("run.toml"), EXAMPLE, &overrides).map_err(|e| e.to_string())
    };
    let config = parse(&["train.epochs=1", "output=runs/other", "data.split.test=0.2"]).unwrap();
    assert_eq!(
        (config.train.epochs, config.output.to_str()),
        (1, Some("runs/other"))
    );
    assert_eq!(config.data.split.unwrap().test, 0.2);
    let train = parse(&["train.tokens_per_batch=4096"]).unwrap().train;
    assert_eq!(
        (train.batch_size, train.tokens_per_batch),
        (None, Some(4096))
    );
    assert_eq!(
        parse(&["train.epoch=1"]).unwrap_err(),
        "--set train.epoch=1, field `train.epoch`: found an unknown key, wanted `epochs`, the nearest known key"
    );
    assert_eq!(
        parse(&["train.epochs=many"]).unwrap_err(),
        "--set train.epochs=many, field `train.epochs`: found \"many\", wanted a whole number from 1 to 1000000"
    );
}

#[test]
fn a_file_that_is_not_utf8_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.toml");
    std::fs::write(&path, b"seed = 1\noutput = \"\xff\"\n").unwrap();
    let expected = format!(
        "{}, line 2: found bytes that are not UTF-8, wanted UTF-8 text",
        path.display()
    );
    assert_eq!(
        RunConfig::read(&path, &[]).unwrap_err().to_string(),
        expected
    );
    let absent = folder.path().join("none.toml");
    let expected = format!("cannot read {}", absent.display());
    assert_eq!(
        RunConfig::read(&absent, &[]).unwrap_err().to_string(),
        expected
    );
}

#[test]
fn the_feature_cache_is_on_off_or_a_folder() {
    let with = |value: &str| {
        parse(&MINIMAL.replace(
            "path = \"m\"",
            &format!("path = \"m\"\nfeature_cache = {value}"),
        ))
    };
    let read = |value: &str| with(value).unwrap().model.feature_cache;
    assert_eq!(
        parse(MINIMAL).unwrap().model.feature_cache,
        FeatureCacheConfig::Switch(true)
    );
    assert_eq!(read("false"), FeatureCacheConfig::Switch(false));
    assert_eq!(read("\"here\""), FeatureCacheConfig::Folder("here".into()));
    assert_eq!(
        with("1").unwrap_err(),
        "run.toml, line 5, field `model.feature_cache`: found 1, wanted true or false or a text"
    );
    assert_eq!(
        with("\"\"").unwrap_err(),
        "run.toml, line 5, field `model.feature_cache`: found an empty text, wanted true, false or a folder"
    );
}

#[test]
fn differences_are_named_by_key() {
    let config = parse(EXAMPLE).unwrap();
    let mut other = config.clone();
    other.train.epochs = 4;
    other.head = None;
    assert_eq!(config.differences(&other), ["train.epochs", "head"]);
    assert!(config.differences(&config).is_empty());
}

/// Every key of the schema has a description, and tables refuse unknown keys.
#[test]
fn the_schema_documents_every_key_and_is_closed() {
    fn visit(path: &str, schema: &Value, seen: &mut usize) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            assert_eq!(schema["additionalProperties"], false, "{path}");
            for (name, property) in properties {
                let path = format!("{path}.{name}");
                assert!(property.get("description").is_some(), "{path}");
                *seen += 1;
                visit(&path, property, seen);
            }
        }
        for branch in ["anyOf", "oneOf"] {
            for schema in schema
                .get(branch)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                visit(path, schema, seen);
            }
        }
    }
    let schema = json_schema();
    let mut seen = 0;
    visit("", &schema, &mut seen);
    assert!(seen > 45, "{seen} keys");
    assert!(!schema.to_string().contains("$ref"));
}

proptest! {
    #[test]
    fn no_text_is_too_strange_to_refuse(text in "[a-z\\[\\]=\"{}.,0-9 \n#é-]{0,80}") {
        let _ = parse(&text);
        let _ = RunConfig::parse(Path::new("run.toml"), MINIMAL, &[text]);
    }
}

#[test]
fn every_example_can_be_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let files = std::fs::read_dir(folder).unwrap();
    let configs: Vec<_> = files
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    assert!(configs.len() >= 4, "{configs:?}");
    for path in configs {
        RunConfig::read(&path, &[]).unwrap();
    }
}
