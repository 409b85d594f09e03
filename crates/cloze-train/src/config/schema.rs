//! The keys of a run's TOML file. These types are the one source of the schema: what
//! `cloze schema` prints, what a file is checked against, and what is written to the run folder.

use std::path::{Path, PathBuf};

use cloze_data::readers::BadRows;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::schema_continuation::{
    ContinuationHeadKindConfig, ContinuationSamplesConfig, ContinuationTableConfig,
};
pub use super::schema_early_stopping::EarlyStoppingConfig;
pub use super::schema_ema::EmaConfig;
pub use super::schema_long_texts::LongTextsConfig;
pub use super::schema_loss::{ClassWeightsConfig, LossConfig, NamedClassWeights};
pub use super::schema_masked::{
    LimitConfig, MaskingConfig, PairsConfig, SentencesConfig, WholeWordConfig, WordsConfig,
};
pub use super::schema_multi_label::{MultiLabelConfig, NamedThreshold, ThresholdConfig};
pub use super::schema_precision::PrecisionConfig;
pub use super::schema_questions::{AnswerMetricConfig, NullThresholdConfig, QuestionsConfig};
pub use super::schema_tags::{SubWordsConfig, TagSchemeConfig, TagsConfig};
pub use super::schema_train::{
    BestMetric, OptimizerConfig, OptimizerKind, ScheduleConfig, ScheduleKind, ScheduleUnit,
    TrainConfig,
};
pub(crate) use super::schema_train::{HALF_A_CYCLE, ONE_CYCLE, POLYNOMIAL_END};

/// A training run of cloze.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// What the model learns to do.
    pub task: TaskKind,
    /// Text classification: one label a text; several labels are the task `multi-label`.
    #[serde(default, skip_serializing_if = "Problem::is_default")]
    pub problem: Problem,
    /// The run folder. A relative path, like every path of this file, starts at the directory
    /// that the program runs in.
    pub output: PathBuf,
    /// Decides every random number of the run: new weights, the order of the data, dropout.
    #[serde(default = "default_seed")]
    #[schemars(range(max = 9_223_372_036_854_775_807_u64))]
    pub seed: u64,
    /// The checkpoint to start from.
    pub model: ModelConfig,
    /// Files, columns and splits.
    pub data: DataConfig,
    /// Epochs, batches, learning rate.
    #[serde(default)]
    pub train: TrainConfig,
    /// The classification head; without this table it is the one that the architecture has in
    /// `transformers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<HeadConfig>,
    /// The optimizer and its constants.
    #[serde(default)]
    pub optimizer: OptimizerConfig,
    /// What is added to the plain cross-entropy.
    #[serde(default)]
    pub loss: LossConfig,
    /// Multi-label classification: which labels a text is given.
    #[serde(default)]
    pub multi_label: MultiLabelConfig,
    /// Token classification: what the tags of words mean.
    #[serde(default)]
    pub tags: TagsConfig,
    /// Question answering: windows, and what can be an answer.
    #[serde(default)]
    pub questions: QuestionsConfig,
    /// Masked language models: what is hidden.
    #[serde(default)]
    pub masking: MaskingConfig,
    /// Pretraining: sentences and pairs.
    #[serde(default)]
    pub sentences: SentencesConfig,
    /// Continuation: what the model reads, and its head.
    #[serde(default)]
    pub continuation: ContinuationTableConfig,
}

fn default_seed() -> u64 {
    42
}

/// What a model learns to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// One label for a text or a pair of texts.
    TextClassification,
    /// Any number of labels for a text or a pair of texts.
    MultiLabel,
    /// A number for a text or a pair of texts.
    Regression,
    /// A label for every word.
    TokenClassification,
    /// The piece of a text that answers a question about it.
    QuestionAnswering,
    /// The words behind masks.
    MaskedLm,
    /// The words behind masks, and whether one text follows another.
    Pretraining,
    /// The token that comes next in a long text.
    Continuation,
}

impl TaskKind {
    /// The name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::TextClassification => "text-classification",
            Self::MultiLabel => "multi-label",
            Self::Regression => "regression",
            Self::TokenClassification => "token-classification",
            Self::QuestionAnswering => "question-answering",
            Self::MaskedLm => "masked-lm",
            Self::Pretraining => "pretraining",
            Self::Continuation => "continuation",
        }
    }
}

/// How many labels a text has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// Exactly one label.
    #[default]
    SingleLabel,
}

impl Problem {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The checkpoint to start from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// A local folder or a Hub id such as `bert-base-chinese`.
    pub path: String,
    /// Branch, tag or commit of a Hub id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Weights that stay as they are: `none`, `encoder`, `all-but-pooler`, `embeddings`,
    /// `layers:N` (the first N), a pattern over weight names, or a list of these.
    #[serde(default)]
    pub freeze: OneOrMany,
    /// Whether a frozen encoder runs once and its features are kept, so that an epoch costs the
    /// head alone: `true`, in cloze's cache; a folder, there; `false`, it runs in every epoch.
    #[serde(default)]
    pub feature_cache: FeatureCacheConfig,
}

/// Whether and where features of a frozen encoder are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FeatureCacheConfig {
    /// In cloze's cache, or not at all.
    Switch(bool),
    /// In this folder.
    Folder(PathBuf),
}

impl Default for FeatureCacheConfig {
    fn default() -> Self {
        Self::Switch(true)
    }
}

/// A text or a list of texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One text.
    One(String),
    /// Any number of texts.
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::One("none".into())
    }
}

impl OneOrMany {
    /// The texts.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// A file or a list of files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DataFiles {
    /// One file.
    One(PathBuf),
    /// One or several.
    Many(Vec<PathBuf>),
}

impl DataFiles {
    /// All of them.
    pub fn as_slice(&self) -> &[PathBuf] {
        match self {
            Self::One(file) => std::slice::from_ref(file),
            Self::Many(files) => files,
        }
    }

    /// The first one, which messages name.
    pub fn first(&self) -> &Path {
        self.as_slice()
            .first()
            .map_or(Path::new(""), PathBuf::as_path)
    }
}

/// Files, columns and splits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// File of the training rows: CSV, TSV, JSON, JSON lines or Parquet; for masked language models,
    /// pretraining and continuation plain text as well, and a list of files; for token classification CoNLL
    /// columns, JSON lines, Parquet or `word/tag` text; for question answering SQuAD's JSON, JSON
    /// lines or Parquet.
    pub train: DataFiles,
    /// Cuts validation and test rows off the training file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitConfig>,
    /// File of the validation rows, instead of `split.validation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<PathBuf>,
    /// File of the test rows, instead of `split.test`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<PathBuf>,
    /// Column of the text, for token classification of the words; found by its usual names (`text`,
    /// `sentence`, `sentence1`, …; `tokens`, `words`, …) where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Column of the second text of a pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_pair: Option<String>,
    /// Column of the label, of the list of labels, or for token classification of the tags (in CoNLL
    /// files a number from 0 as well); found by its usual names (`label`, `labels`, …; `ner_tags`,
    /// `tags`, …) where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Multi-label classification: columns that each belong to the label of the same name, with 1
    /// where it applies and 0 elsewhere, instead of `label`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_columns: Option<Vec<String>>,
    /// Multi-label classification: what stands between labels that are one text.
    #[serde(default = "default_separator")]
    pub label_separator: String,
    /// Column of a row's own identifier, kept beside its prediction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Tokens of a text, special tokens included; longer ones are cut, for token classification
    /// and question answering read in windows. As many as the model reads where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 3))]
    pub max_length: Option<usize>,
    /// Classification of texts and regression: whether longer texts are `cut`, or read in `windows`
    /// that overlap, whose logits are averaged.
    #[serde(default, skip_serializing_if = "LongTextsConfig::is_default")]
    pub long_texts: LongTextsConfig,
    /// Tokens of the text that such a window repeats of the one before; a quarter of `max_length`
    /// where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<usize>,
    /// Share of the texts, above 0 and up to 1, of which the report on the data says how many
    /// tokens cover them.
    #[serde(default = "default_coverage")]
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0))]
    pub coverage: f64,
    /// Masked language models: tokens of a block that is cut from all texts one after another; the
    /// last, shorter block is left out. As many as the model reads, up to 512, where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 3))]
    pub chunk_size: Option<usize>,
    /// Masked language models: every text is an example by itself, cut to `max_length`, instead of
    /// blocks.
    #[serde(default)]
    pub line_by_line: bool,
    /// Masked language models, pretraining and continuation: the most examples of each split; for
    /// continuation those of training are others in every epoch, until all were seen.
    #[serde(default)]
    pub limit: LimitConfig,
    /// What to do about rows that cannot be used.
    #[serde(default)]
    pub bad_rows: BadRowsConfig,
}

pub(super) fn default_separator() -> String {
    ",".into()
}

pub(super) fn default_coverage() -> f64 {
    0.9
}

/// What to do about rows that cannot be used: an empty text, no label, a broken line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BadRowsConfig {
    /// List them and end the run.
    #[default]
    Stop,
    /// List them and go on without them.
    Skip,
}

impl From<BadRowsConfig> for BadRows {
    fn from(config: BadRowsConfig) -> Self {
        match config {
            BadRowsConfig::Stop => Self::Stop,
            BadRowsConfig::Skip => Self::Skip,
        }
    }
}

/// Shares of the training file that become validation and test rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SplitConfig {
    /// Share of the rows, from 0 to below 1.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub validation: f64,
    /// Share of the rows, from 0 to below 1.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub test: f64,
    /// Decides which rows; the run's seed where this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 9_223_372_036_854_775_807_u64))]
    pub seed: Option<u64>,
    /// Whether every label has the same share in each split.
    pub stratify: bool,
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self {
            validation: 0.0,
            test: 0.0,
            seed: None,
            stratify: true,
        }
    }
}

/// The classification head: features, then hidden layers, then dropout, then a linear layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeadConfig {
    /// Which rows of the encoder's output the head reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<FeaturesConfig>,
    /// Widths of the layers between the features and the last layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(inner(range(min = 1)))]
    pub hidden: Option<Vec<usize>>,
    /// Function after each hidden layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<ActivationConfig>,
    /// Dropout before the last layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub dropout: Option<f64>,
}

/// Which rows of the encoder's output a head reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FeaturesConfig {
    /// The pooler's output: a dense layer and tanh over the first row.
    Pooled,
    /// The first row.
    Cls,
    /// The mean of all rows.
    Mean,
}

/// Function after a hidden layer of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivationConfig {
    /// `max(x, 0)`.
    Relu,
    /// The exact GELU.
    Gelu,
    /// The tanh approximation of GELU.
    GeluNew,
    /// `tanh(x)`.
    Tanh,
}
