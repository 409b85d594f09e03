//! Where a test works: an empty folder, the program, small files and models to put there.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use tempfile::TempDir;

/// A folder of its own, in which the program runs.
pub(crate) struct Place(TempDir);

impl Place {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        Self(TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    /// A folder with [`reviews`] as `reviews.csv`, `config.toml` and the tiny random model `fresh`.
    pub(crate) fn with_reviews() -> Self {
        let place = Self::empty();
        place.write("reviews.csv", reviews(96));
        place.write("config.toml", CONFIG);
        place.copy_folder(&SHARED.fresh, "fresh");
        place
    }

    /// A folder with `reviews.csv` and the finished run `run` on it.
    pub(crate) fn with_run() -> Self {
        let place = Self::with_reviews();
        place.copy_folder(&SHARED.run, "run");
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Names of the files and folders in a folder, in order, hidden ones too.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn copy_folder(&self, from: &Path, name: &str) {
        copy_folder(from, &self.path(name));
    }

    /// The program, with its arguments as one line that is split at spaces.
    pub(crate) fn cloze(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloze"));
        command
            .current_dir(self.0.path())
            .args(line.split_whitespace());
        for name in ["NO_COLOR", "CLICOLOR_FORCE", "HF_TOKEN", "HF_ENDPOINT"] {
            command.env_remove(name);
        }
        // No test may reach the Hub, or a cache that it has left.
        command
            .env("HF_HUB_OFFLINE", "1")
            .env("HF_HOME", self.0.path())
            .env("CLOZE_CACHE_DIR", self.path("cache"));
        command
    }

    /// The program's standard output.
    pub(crate) fn stdout(&self, line: &str) -> String {
        text(&self.cloze(line).assert().success().get_output().stdout)
    }

    /// Fails with this exit status and exactly this on standard error.
    pub(crate) fn fails(&self, line: &str, status: i32, message: &str) {
        assert_eq!(self.failure(line, status), format!("{message}\n"));
    }

    /// Fails with this exit status; what it said.
    pub(crate) fn failure(&self, line: &str, status: i32) -> String {
        stderr(&self.cloze(line).assert().code(status))
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (
            entry.as_ref().unwrap().path(),
            to.join(entry.unwrap().file_name()),
        );
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn stderr(assert: &Assert) -> String {
    text(&assert.get_output().stderr)
}

/// Lines of JSON.
pub(crate) fn json_lines(text: &str) -> Vec<serde_json::Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A table of reviews that a tiny model learns: the label follows from the words. Every third one
/// is short.
pub(crate) fn reviews(rows: usize) -> String {
    const WORDS: [[&str; 4]; 2] = [
        ["awful", "cold", "boring", "slow"],
        ["lovely", "warm", "clever", "quick"],
    ];
    const THINGS: [&str; 5] = ["plot", "soup", "service", "acting", "song"];
    let mut table = String::from("id,review,label\n");
    for row in 0..rows {
        let (positive, turn) = (row % 2, row / 2);
        let (word, other) = (
            WORDS[positive][turn % 4],
            WORDS[positive][(turn + row / 8) % 4],
        );
        let thing = THINGS[turn % 5];
        let text = match row % 3 {
            0 => format!("{word} {row}"),
            _ => format!("the {thing} was {word}, number {row} was {other}"),
        };
        table += &format!("{row},\"{text}\",{}\n", ["negative", "positive"][positive]);
    }
    table
}

/// Three epochs of 18 steps: seconds, and enough to learn what the words mean.
pub(crate) const CONFIG: &str = r#"
task = "text-classification"
output = "run"
seed = 7
[model]
path = "fresh"
[data]
train = "reviews.csv"
text = "review"
label = "label"
split = { validation = 0.125, test = 0.125, seed = 1 }
max_length = 24
[train]
epochs = 3
batch_size = 4
learning_rate = 5e-3
schedule = { kind = "linear", warmup = 0.1 }
best = "loss"
checkpoint_every = 3
"#;

/// A BERT with two layers of width 32.
pub(crate) const MODEL_CONFIG: &str = r#"{
    "model_type": "bert", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 64, "max_position_embeddings": 64, "type_vocab_size": 2,
    "initializer_range": 0.1
}"#;

/// What several tests start from, made once by the program.
struct Shared {
    fresh: PathBuf,
    run: PathBuf,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shared");
    // What an earlier run of the tests, maybe of another program, left there.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let run = |line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloze"));
        command
            .current_dir(&folder)
            .args(line.split(' '))
            .assert()
            .success();
    };
    fs::write(folder.join("reviews.csv"), reviews(96)).unwrap();
    fs::write(folder.join("model.json"), MODEL_CONFIG).unwrap();
    fs::write(folder.join("config.toml"), CONFIG).unwrap();
    run("vocab train reviews.csv --size 120 --output vocabulary");
    run("init --config model.json --tokenizer vocabulary fresh --seed 3");
    run("train config.toml");
    Shared {
        fresh: folder.join("fresh"),
        run: folder.join("run"),
    }
});
