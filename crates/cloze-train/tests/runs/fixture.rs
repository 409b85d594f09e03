//! A tiny BERT with random weights, a small data set, and what a run left in its folder.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cloze_core::ConfigJson;
use cloze_data::tokenizer::{Tokenizer, WordPieceOptions};
use cloze_model::checkpoint::{init_encoder, save_encoder};
use cloze_train::{
    Environment, Event, Observer, Outcome, RunConfig, RunFolder, StopFlag, TrainError, Warning,
    resume, train,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::event_file::{Point, points};

const WORDS: [&str; 12] = [
    "film", "story", "music", "light", "slow", "loud", "green", "quiet", "table", "road", "good",
    "bad",
];

const CONFIG_JSON: &str = r#"{
    "model_type": "bert", "vocab_size": 17, "hidden_size": 16, "num_hidden_layers": 2,
    "num_attention_heads": 2, "intermediate_size": 32, "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 24, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
    "initializer_range": 0.2, "pad_token_id": 0
}"#;

/// A folder with a model, `train.csv`, `other.csv`, and room for runs.
pub(crate) struct Fixture {
    folder: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let fixture = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let model = fixture.path("model");
        fs::create_dir(&model).unwrap();
        let vocab = fixture.path("vocab.txt");
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
        fs::write(
            &vocab,
            special
                .iter()
                .chain(&WORDS)
                .map(|w| format!("{w}\n"))
                .collect::<String>(),
        )
        .unwrap();
        let tokenizer = Tokenizer::from_vocab(&vocab, &WordPieceOptions::default()).unwrap();
        tokenizer.save(&model).unwrap();
        let json = ConfigJson::parse(&model.join("config.json"), CONFIG_JSON).unwrap();
        let encoder = init_encoder(&json, 5, &Device::flex()).unwrap();
        save_encoder(&model, &encoder, &json).unwrap();
        fs::write(fixture.path("train.csv"), rows(60, 3)).unwrap();
        fs::write(fixture.path("other.csv"), rows(12, 700)).unwrap();
        fixture
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A configuration whose run lies in `name`; `more` is appended to the file.
    pub(crate) fn config(&self, name: &str, more: &str) -> RunConfig {
        let overrides: Vec<String> = more.lines().map(str::to_owned).collect();
        let text = format!(
            "task = \"text-classification\"\noutput = {:?}\nseed = 7\n\
             [model]\npath = {:?}\n\
             [data]\ntrain = {:?}\nsplit = {{ validation = 0.2, test = 0.2 }}\n\
             [train]\nepochs = 3\nbatch_size = 4\nlearning_rate = 1e-2\n",
            self.path(name),
            self.path("model"),
            self.path("train.csv"),
        );
        RunConfig::parse(Path::new("run.toml"), &text, &overrides).unwrap()
    }

    pub(crate) fn train(&self, name: &str, more: &str) -> Result<Outcome, TrainError> {
        let config = self.config(name, more);
        train(config, &Environment::default(), &mut (), &StopFlag::new())
    }

    pub(crate) fn resume(&self, name: &str) -> Result<Outcome, TrainError> {
        resume(
            &self.path(name),
            &Environment::default(),
            &mut (),
            &StopFlag::new(),
        )
    }

    /// Trains, stopping after every `every`-th step and resuming, until the end. Returns how
    /// often it was stopped.
    pub(crate) fn train_in_pieces(&self, name: &str, more: &str, every: usize) -> usize {
        self.train_in_pieces_with(name, more, every, || ())
    }

    /// A run of these settings and every part of training, stopped and resumed, ends like one that
    /// never was.
    pub(crate) fn stop_with_every_part(&self, settings: &str) {
        let settings = format!("{settings}\n{PARTS}");
        self.train("every-part", &settings).unwrap();
        assert!(self.train_in_pieces("every-part-in-pieces", &settings, 7) > 1);
        let whole = traces(&self.path("every-part"));
        assert!(!whole.tensorboard.is_empty());
        assert!(traces(&self.path("every-part-in-pieces")) == whole);
    }

    /// As [`train_in_pieces`](Self::train_in_pieces); `between` is called before every resume.
    pub(crate) fn train_in_pieces_with(
        &self,
        name: &str,
        more: &str,
        every: usize,
        mut between: impl FnMut(),
    ) -> usize {
        let mut stops = 0;
        let mut session = StopAfter::new(every);
        let stop = session.stop.clone();
        let mut outcome = train(
            self.config(name, more),
            &Environment::default(),
            &mut session,
            &stop,
        )
        .unwrap();
        while let Outcome::Stopped { .. } = outcome {
            stops += 1;
            between();
            let mut session = StopAfter::new(every);
            let stop = session.stop.clone();
            outcome = resume(
                &self.path(name),
                &Environment::default(),
                &mut session,
                &stop,
            )
            .unwrap();
        }
        stops
    }
}

/// Parts of training that every task has.
const PARTS: &str = "train.schedule={kind=\"cosine\",warmup=0.1}\ntrain.ema={decay=0.9,start=0.2}\n\
    train.early_stopping={patience=2,min_delta=0.001}\ntrain.keep_checkpoints=3\n\
    train.checkpoint_every=3\ntrain.tensorboard=true\ntrain.gradient_checkpointing=true\n\
    train.evaluate_first=true\noptimizer.layer_decay=0.7\noptimizer.head_learning_rate=1e-2";

/// Rows whose label is the one of `good` and `bad` that stands in them.
fn rows(count: usize, start: usize) -> String {
    let mut text = String::from("text,label\n");
    for row in start..start + count {
        let label = if row * 7 % 3 == 0 { "good" } else { "bad" };
        let mut words: Vec<&str> = (0..1 + row % 5)
            .map(|i| WORDS[(row * 13 + i * 5) % 10])
            .collect();
        words.insert(row % (words.len() + 1), label);
        text += &format!("{} {},{label}\n", words.join(" "), WORDS[row / 10 % 10]);
    }
    text
}

/// Asks a run to stop after some steps of this process, and keeps its warnings.
pub(crate) struct StopAfter {
    pub(crate) stop: StopFlag,
    pub(crate) warnings: Vec<String>,
    steps: usize,
}

impl StopAfter {
    pub(crate) fn new(steps: usize) -> Self {
        Self {
            stop: StopFlag::new(),
            warnings: Vec::new(),
            steps,
        }
    }
}

impl Observer for StopAfter {
    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Step { .. } => {
                self.steps = self.steps.saturating_sub(1);
                if self.steps == 0 {
                    self.stop.request();
                }
            }
            Event::Warning(Warning::TextsInTwoSplits(overlap)) => {
                self.warnings.push(overlap.to_string());
            }
            Event::Warning(warning) => self.warnings.push(format!("{warning:?}")),
            _ => (),
        }
    }
}

/// Everything that a run leaves, but for timings and the marks of resumes.
#[derive(Debug, PartialEq)]
pub(crate) struct Traces {
    pub(crate) log: Vec<Value>,
    metrics: Value,
    predictions: String,
    splits: String,
    model: Vec<u8>,
    optimizer: Vec<u8>,
    ema: Option<Vec<u8>>,
    last_weights: Vec<u8>,
    curves: String,
    pub(crate) tensorboard: Vec<Point>,
}

pub(crate) fn traces(folder: &Path) -> Traces {
    let run = RunFolder::new(folder);
    let read =
        |path: PathBuf| fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let text = |path: PathBuf| String::from_utf8(read(path)).unwrap();
    let last = checkpoints(folder).pop().unwrap();
    let mut metrics: Value = serde_json::from_str(&text(run.metrics())).unwrap();
    without_timings(&mut metrics);
    Traces {
        log: log(folder),
        metrics,
        // Examples of a corpus have none.
        predictions: fs::read_to_string(run.test_predictions()).unwrap_or_default(),
        splits: text(run.splits()),
        model: read(run.model().join("model.safetensors")),
        optimizer: read(last.join("optimizer.safetensors")),
        ema: fs::read(last.join("ema.safetensors")).ok(),
        last_weights: read(last.join("model.safetensors")),
        curves: fs::read_to_string(run.curves("svg")).unwrap_or_default(),
        tensorboard: points(folder),
    }
}

/// The log without timings and marks of resumes.
pub(crate) fn log(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(RunFolder::new(folder).log()).unwrap();
    let mut lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    lines.retain(|line| line["event"] != "resume");
    lines.iter_mut().for_each(without_timings);
    lines
}

/// Checkpoint folders, oldest first.
pub(crate) fn checkpoints(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(RunFolder::new(folder).checkpoints()).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn without_timings(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| {
                !key.ends_with("seconds")
                    && !key.ends_with("_per_second")
                    && key != "peak_memory_bytes"
            });
            map.values_mut().for_each(without_timings);
        }
        Value::Array(items) => items.iter_mut().for_each(without_timings),
        _ => (),
    }
}
