//! A task whose examples are read one by one, from elsewhere than memory, and are others in every
//! epoch: text classification behind another source.

use std::borrow::Cow;
use std::cell::Cell;
use std::fs;
use std::sync::{Arc, Mutex};

use burn::tensor::{Device, Tensor};
use cloze_core::{ConfigJson, PackedBatch};
use cloze_data::records::{Records, RecordsWriter};
use cloze_data::tokenizer::WordPieceOptions;
use cloze_model::ForwardOptions;
use cloze_model::checkpoint::{LoadReport, init_encoder, save_encoder};
use cloze_tasks::metrics::Direction;
use cloze_tasks::{Example, ExampleSource, Input, Objective, Task, TaskError};
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::data::{Prepared, SplitData, in_memory};
use crate::shown::ShownTarget;

#[derive(Clone, Debug)]
struct Streamed(TextClassification);

/// The rows of a split; row 0 of epoch 1 is row 1 of epoch 0.
#[derive(Debug)]
struct Reader {
    split: &'static str,
    rows: Vec<Example<usize>>,
    /// Whether its last row can be read.
    whole: bool,
    read: Arc<Mutex<Read>>,
}

/// Split, epoch and index of every example that was read.
type Read = Vec<(&'static str, u64, usize)>;

thread_local! {
    /// What the readers of a test have read, on whichever thread.
    static READ: Arc<Mutex<Read>> = Arc::default();
    /// Whether the examples are kept in a file instead.
    static ON_DISK: Cell<bool> = const { Cell::new(false) };
}

impl Reader {
    fn row(&self, index: usize, epoch: u64) -> Result<&Example<usize>, TaskError> {
        let row = (index + epoch as usize) % self.rows.len();
        if !self.whole && row + 1 == self.rows.len() {
            return Err(TaskError::Read {
                path: "rows.bin".into(),
                source: std::io::ErrorKind::UnexpectedEof.into(),
            });
        }
        Ok(&self.rows[row])
    }
}

impl ExampleSource<usize> for Reader {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn tokens(&self, index: usize, epoch: u64) -> Result<usize, TaskError> {
        Ok(self.row(index, epoch)?.ids.len())
    }

    fn example(&self, index: usize, epoch: u64) -> Result<Cow<'_, Example<usize>>, TaskError> {
        self.read.lock().unwrap().push((self.split, epoch, index));
        Ok(Cow::Owned(self.row(index, epoch)?.clone()))
    }
}

fn on_disk(rows: &[Example<usize>]) -> Records<Example<usize>> {
    let mut writer = RecordsWriter::with_memory(&std::env::temp_dir(), 0);
    rows.iter().for_each(|row| writer.push(row).unwrap());
    let records = writer.finish().unwrap();
    assert!(records.is_on_disk());
    records
}

impl Prepare for Streamed {
    const EVALUATE_FIRST: bool = true;

    fn shown_target(&self, target: &usize) -> ShownTarget {
        self.0.shown_target(target)
    }

    fn prepare(
        config: &mut RunConfig,
        checkpoint: &Checkpoint,
        tokenizer: &Tokenizer,
        cache: Option<&Path>,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<Option<Prepared<Self>>, TrainError> {
        if stop.is_requested() {
            return Ok(None);
        }
        let whole = config.data.id.is_none();
        let prepared =
            TextClassification::prepare(config, checkpoint, tokenizer, cache, observer, stop)?;
        let streamed = |name, split: SplitData<usize>| {
            let rows = in_memory(&*split.examples).unwrap();
            let reader = Reader {
                split: name,
                rows,
                whole,
                read: READ.with(Arc::clone),
            };
            SplitData {
                file: split.file,
                examples: match ON_DISK.get() {
                    true => Arc::new(on_disk(&reader.rows)),
                    false => Arc::new(reader),
                },
                origins: Arc::new(Records::none()),
            }
        };
        Ok(prepared.map(|Prepared { task, data }| {
            let data = Data {
                train: streamed("train", data.train),
                validation: streamed("validation", data.validation),
                test: streamed("test", data.test),
                fingerprints: data.fingerprints,
            };
            let task = Self(task);
            Prepared { task, data }
        }))
    }
}

impl Task for Streamed {
    type Model = <TextClassification as Task>::Model;
    type Target = usize;
    type Evaluator = <TextClassification as Task>::Evaluator;
    type Features = <TextClassification as Task>::Features;

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn max_length(&self) -> usize {
        self.0.max_length()
    }

    fn load(
        &self,
        checkpoint: &Checkpoint,
        seed: u64,
        device: &Device,
    ) -> Result<(Self::Model, LoadReport), TaskError> {
        self.0.load(checkpoint, seed, device)
    }

    fn save(
        &self,
        folder: &Path,
        model: &Self::Model,
        source: &Checkpoint,
    ) -> Result<(), TaskError> {
        self.0.save(folder, model, source)
    }

    fn pack_weights(&self, model: &mut Self::Model) {
        self.0.pack_weights(model);
    }

    fn frozen_features(&self, model: &Self::Model) -> Option<Self::Features> {
        self.0.frozen_features(model)
    }

    fn encode(
        &self,
        model: &Self::Model,
        features: Self::Features,
        batch: &PackedBatch,
    ) -> Result<Tensor<2>, TaskError> {
        self.0.encode(model, features, batch)
    }

    fn loss(
        &self,
        model: &Self::Model,
        input: &Input<'_, Self::Features>,
        targets: &[usize],
        options: &ForwardOptions,
    ) -> Result<Objective, TaskError> {
        self.0.loss(model, input, targets, options)
    }

    fn weight(&self, targets: &[usize]) -> f64 {
        self.0.weight(targets)
    }

    fn evaluator(&self) -> Self::Evaluator {
        self.0.evaluator()
    }

    fn evaluate(
        &self,
        model: &Self::Model,
        input: &Input<'_, Self::Features>,
        targets: &[usize],
        evaluator: &mut Self::Evaluator,
    ) -> Result<(), TaskError> {
        self.0.evaluate(model, input, targets, evaluator)
    }

    fn direction(&self, metric: &str) -> Option<Direction> {
        self.0.direction(metric)
    }
}

const WORDS: [&str; 8] = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film",
];

const MODEL: &str = r#"{
    "model_type": "bert", "vocab_size": 8, "hidden_size": 8, "num_hidden_layers": 1,
    "num_attention_heads": 2, "intermediate_size": 16, "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 12, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
    "initializer_range": 0.2, "pad_token_id": 0
}"#;

/// A folder with a tiny model, a table of 20 rows, and room for runs.
fn fixture() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let vocabulary = folder.path().join("vocab.txt");
    fs::write(&vocabulary, WORDS.join("\n")).unwrap();
    let model = folder.path().join("model");
    fs::create_dir(&model).unwrap();
    let options = WordPieceOptions::default();
    let tokenizer = Tokenizer::from_vocab(&vocabulary, &options).unwrap();
    tokenizer.save(&model).unwrap();
    let json = ConfigJson::parse(&model.join("config.json"), MODEL).unwrap();
    let encoder = init_encoder(&json, 5, &Device::flex()).unwrap();
    save_encoder(&model, &encoder, &json).unwrap();
    let rows = (0..20).map(|row| {
        let label = if row % 3 == 0 { "good" } else { "bad" };
        format!("{label}{},{label},{row}\n", " film".repeat(row % 7))
    });
    let table = format!("text,label,id\n{}", rows.collect::<String>());
    fs::write(folder.path().join("table.csv"), table).unwrap();
    folder
}

fn config(folder: &Path, name: &str, more: &str) -> RunConfig {
    let [output, model, table] = [name, "model", "table.csv"].map(|name| folder.join(name));
    let text = format!(
        "task = \"text-classification\"\noutput = {output:?}\n[model]\npath = {model:?}\n\
         [data]\ntrain = {table:?}\nsplit = {{ validation = 0.2, test = 0.2 }}\n\
         [train]\nepochs = 3\ntokens_per_batch = 20\nlearning_rate = 1e-2\nlength_pool = 2\n"
    );
    let overrides: Vec<String> = more.lines().map(str::to_owned).collect();
    RunConfig::parse(Path::new("run.toml"), &text, &overrides).unwrap()
}

fn train_streamed(config: RunConfig, stop: &StopFlag) -> Result<Outcome, TrainError> {
    let folder = RunFolder::new(&config.output);
    let environment = Environment::default();
    Run::new(config, folder, &environment, &mut (), stop)?.of::<Streamed>()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn every_epoch_reads_its_own_examples_and_every_evaluation_the_same() {
    let folder = fixture();
    let config = config(folder.path(), "run", "");
    train_streamed(config, &StopFlag::new()).unwrap();
    let mut read = READ.with(|read| std::mem::take(&mut *read.lock().unwrap()));
    let test = read.split_off(read.len() - 4);
    assert_eq!(test, [0, 1, 2, 3].map(|row| ("test", 0, row)));
    // Before the first step, and after each epoch.
    let validation = [0, 1, 2, 3].map(|row| ("validation", 0, row));
    assert_eq!(read.drain(..4).as_slice(), validation);
    for epoch in 0..3 {
        let mut trained: Vec<_> = read.drain(..12).collect();
        trained.sort_unstable();
        assert_eq!(
            trained,
            (0..12).map(|row| ("train", epoch, row)).collect::<Vec<_>>()
        );
        assert_eq!(read.drain(..4).as_slice(), validation);
    }
    assert!(read.is_empty(), "{read:?}");
}

/// Stops a run when it has taken so many steps.
struct StopAt(u64, StopFlag);

impl Observer for StopAt {
    fn observe(&mut self, event: &Event<'_>) {
        if matches!(event, Event::Step { step, .. } if *step == self.0) {
            self.1.request();
        }
    }
}

/// Weights, and every line of the log but its timings.
fn essence(run: &Path) -> (Vec<u8>, Vec<Value>) {
    let folder = RunFolder::new(run);
    let log = fs::read_to_string(folder.log()).unwrap();
    let line = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let object = line.as_object_mut().unwrap();
        object.retain(|name, _| !name.ends_with("seconds"));
        line
    };
    let lines = log
        .lines()
        .map(line)
        .filter(|line| line["event"] != "resume");
    let weights = fs::read(folder.model().join("model.safetensors")).unwrap();
    (weights, lines.collect())
}

#[test]
fn a_run_with_examples_in_a_file_is_that_with_examples_in_memory_also_when_it_was_stopped() {
    let folder = fixture();
    let config = |name| config(folder.path(), name, "train.evaluate_first=false");
    // Rows that are the same in every epoch, as those of `Reader` are not.
    let environment = Environment::default();
    train(config("memory"), &environment, &mut (), &StopFlag::new()).unwrap();
    ON_DISK.set(true);
    train_streamed(config("disk"), &StopFlag::new()).unwrap();
    let wanted = essence(&folder.path().join("memory"));
    assert!(essence(&folder.path().join("disk")) == wanted);

    let stopped = RunFolder::new(folder.path().join("stopped"));
    let stop = StopFlag::new();
    let mut observer = StopAt(4, stop.clone());
    let run = Run::new(
        config("stopped"),
        stopped.clone(),
        &environment,
        &mut observer,
        &stop,
    );
    let outcome = run.unwrap().of::<Streamed>().unwrap();
    assert!(matches!(outcome, Outcome::Stopped { step: 4, .. }));
    let path = stopped.path();
    let stop = StopFlag::new();
    let mut nobody = ();
    let resumed = resumed(path, &environment, &mut nobody, &stop).unwrap();
    resumed.of::<Streamed>().unwrap();
    assert!(essence(path) == wanted);
}

#[test]
fn what_comes_from_no_row_is_told_as_that() {
    let folder = fixture();
    let config = config(folder.path(), "run", "");
    let table = config.data.train.clone();
    train_streamed(config, &StopFlag::new()).unwrap();
    let run = RunFolder::new(folder.path().join("run"));
    let splits = json(&run.splits());
    let names: Vec<&String> = splits.as_object().unwrap().keys().collect();
    assert_eq!(names, ["files"]);
    assert_eq!(splits["files"]["train"], table.first().to_str().unwrap());
    assert!(!run.test_predictions().exists());
    let metrics = json(&run.metrics());
    assert!(metrics["test"]["accuracy"].is_f64());
    assert!(metrics["before"]["accuracy"].is_f64());
    assert!(
        RunConfig::read(&run.config(), &[])
            .unwrap()
            .train
            .evaluate_first
            .unwrap()
    );
}

#[test]
fn a_frozen_encoder_reads_streamed_rows_in_every_epoch() {
    let folder = fixture();
    let more = "model.freeze=\"encoder\"\ntrain.evaluate_first=false";
    let config = config(folder.path(), "run", more);
    let Outcome::Finished(results) = train_streamed(config, &StopFlag::new()).unwrap() else {
        panic!("it was not asked to stop")
    };
    assert_eq!(results.feature_seconds, None);
    assert_eq!(results.before, None);
}

#[test]
fn a_run_that_is_stopped_while_it_is_prepared_leaves_nothing() {
    let folder = fixture();
    let stop = StopFlag::new();
    stop.request();
    let outcome = train_streamed(config(folder.path(), "run", ""), &stop).unwrap();
    assert!(matches!(
        outcome,
        Outcome::Stopped {
            step: 0,
            checkpoint: None
        }
    ));
    assert!(!folder.path().join("run").exists());
}

#[test]
fn examples_that_cannot_be_read_are_named() {
    let folder = fixture();
    let config = config(folder.path(), "run", "data.id=\"id\"");
    let error = train_streamed(config, &StopFlag::new()).unwrap_err();
    assert_eq!(error.to_string(), "cannot read rows.bin");
}
