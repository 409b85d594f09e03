//! The keys of `[train]` and `[optimizer]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EarlyStoppingConfig, EmaConfig, PrecisionConfig};

/// Epochs, batches, learning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// How often every training row is seen.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub epochs: u64,
    /// Texts of a batch; 16 where neither this nor `tokens_per_batch` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub batch_size: Option<usize>,
    /// Tokens of a batch, instead of `batch_size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub tokens_per_batch: Option<usize>,
    /// The highest learning rate; the schedule scales it.
    #[schemars(range(min = 0.0))]
    pub learning_rate: f64,
    /// How the learning rate changes.
    pub schedule: ScheduleConfig,
    /// Batches of one optimizer step. The gradient is that of the mean over all their examples,
    /// as if they were one batch.
    #[schemars(range(min = 1))]
    pub gradient_accumulation: usize,
    /// Texts of similar length are put together within this many batches; 0 leaves the order
    /// fully random.
    pub length_pool: usize,
    /// Whether training drops out what the model's configuration says; `false`, nothing, and the
    /// model keeps its settings for a later training.
    pub dropout: bool,
    /// Keeps of every layer only its input and computes the rest again on the way back: less
    /// memory for about a third more work, and the same result to the bit.
    pub gradient_checkpointing: bool,
    /// What the matrix products of encoder layers are computed in; the processor knows `f32` alone.
    pub precision: PrecisionConfig,
    /// Whether the model is evaluated on the validation rows before its first step too. Where this
    /// is absent the task decides; text classification does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_first: Option<bool>,
    /// The validation metric that decides which epoch's model is kept. Where this is absent:
    /// `accuracy`; for multi-label classification `micro_f1`, for regression `spearman`, for token
    /// classification `f1`, for masked language models and continuation `perplexity`, for
    /// pretraining `loss`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<BestMetric>,
    /// Ends the run before its last epoch once validation no longer gets better.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStoppingConfig>,
    /// Averages the weights over the steps; the average is evaluated and kept as the best model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema: Option<EmaConfig>,
    /// How many checkpoints to keep for a resume. The one before the newest is what is left if
    /// the newest is damaged.
    #[schemars(range(min = 1))]
    pub keep_checkpoints: usize,
    /// Optimizer steps between checkpoints; each epoch's end has one in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub checkpoint_every: Option<u64>,
    /// Whether `tensorboard/` in the run's folder has losses, learning rate, metrics and speed for
    /// TensorBoard.
    pub tensorboard: bool,
    /// Whether `curves.svg` and `curves.png` are drawn after every evaluation.
    pub curves: bool,
    /// Texts of a batch in evaluation. It changes speed, never what is predicted.
    #[schemars(range(min = 1))]
    pub evaluation_batch_size: usize,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 3,
            batch_size: None,
            tokens_per_batch: None,
            learning_rate: 5e-5,
            schedule: ScheduleConfig::default(),
            gradient_accumulation: 1,
            length_pool: 50,
            dropout: true,
            gradient_checkpointing: false,
            precision: PrecisionConfig::F32,
            evaluate_first: None,
            best: None,
            early_stopping: None,
            ema: None,
            keep_checkpoints: 2,
            checkpoint_every: None,
            tensorboard: false,
            curves: true,
            evaluation_batch_size: 32,
        }
    }
}

/// A metric that can decide which model is the best one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BestMetric {
    /// Share of right predictions; the highest is best.
    Accuracy,
    /// Mean of the classes' F1; the highest is best.
    MacroF1,
    /// F1 over all rows; the highest is best.
    MicroF1,
    /// F1 over all entities, or the mean F1 of answers; the highest is best.
    F1,
    /// Share of questions whose answer is exactly right; the highest is best.
    ExactMatch,
    /// The same, where entities with invalid tags do not count; the highest is best.
    StrictF1,
    /// Mean of the classes' F1 by their rows; the highest is best.
    WeightedF1,
    /// Share of rows that are given exactly their labels; the highest is best.
    SubsetAccuracy,
    /// Mean of the labels' average precision; the highest is best.
    MeanAveragePrecision,
    /// Pearson's correlation; the highest is best.
    Pearson,
    /// Spearman's rank correlation; the highest is best.
    Spearman,
    /// Mean squared difference; the lowest is best.
    MeanSquaredError,
    /// What training minimises; the lowest is best.
    Loss,
    /// `exp` of the mean cross-entropy of masked, or next, tokens; the lowest is best.
    Perplexity,
    /// Share of masked tokens that are found; the highest is best.
    MaskedAccuracy,
    /// Share of pairs of texts that are told right; the highest is best.
    NextSentenceAccuracy,
    /// Share of next tokens that are found; the highest is best.
    NextTokenAccuracy,
}

impl BestMetric {
    /// Its name among a task's metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::MacroF1 => "macro_f1",
            Self::MicroF1 => "micro_f1",
            Self::F1 => "f1",
            Self::ExactMatch => "exact_match",
            Self::StrictF1 => "strict_f1",
            Self::WeightedF1 => "weighted_f1",
            Self::SubsetAccuracy => "subset_accuracy",
            Self::MeanAveragePrecision => "mean_average_precision",
            Self::Pearson => "pearson",
            Self::Spearman => "spearman",
            Self::MeanSquaredError => "mean_squared_error",
            Self::Loss => "loss",
            Self::Perplexity => "perplexity",
            Self::MaskedAccuracy => "masked_accuracy",
            Self::NextSentenceAccuracy => "next_sentence_accuracy",
            Self::NextTokenAccuracy => "next_token_accuracy",
        }
    }
}

/// The rate that the polynomial curve ends at where nothing else is said; `lr_end` in
/// `transformers`.
pub(crate) const POLYNOMIAL_END: f64 = 1e-7;

/// `cycles` of `cosine` where nothing else is said: one fall to 0.
pub(crate) const HALF_A_CYCLE: f64 = 0.5;

/// `cycles` of `cosine-with-restarts` where nothing else is said.
pub(crate) const ONE_CYCLE: f64 = 1.0;

/// How the learning rate changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleConfig {
    /// The curve after the warm-up.
    pub kind: ScheduleKind,
    /// Steps over which the rate rises from 0: a share of all steps below 1, their number from 1.
    #[schemars(range(min = 0.0))]
    pub warmup: f64,
    /// `step`: epochs (or steps) until the rate is multiplied by `gamma`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub step_size: Option<u64>,
    /// `step`: the factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub gamma: Option<f64>,
    /// `step`: what `step_size` counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<ScheduleUnit>,
    /// `polynomial`: the exponent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub power: Option<f64>,
    /// `polynomial`: the rate at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub end_learning_rate: Option<f64>,
    /// `cosine`: how many waves, 0.5 for one fall to 0. `cosine-with-restarts`: how many falls to 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub cycles: Option<f64>,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            kind: ScheduleKind::Linear,
            warmup: 0.0,
            step_size: None,
            gamma: None,
            unit: None,
            power: None,
            end_learning_rate: None,
            cycles: None,
        }
    }
}

/// The curve of the learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// The same to the end.
    Constant,
    /// A straight line to 0.
    Linear,
    /// Half a cosine to 0.
    Cosine,
    /// Half a cosine to 0, `cycles` times, each from the highest rate.
    CosineWithRestarts,
    /// `(1 - progress)^power`, down to `end_learning_rate`.
    Polynomial,
    /// Times `gamma` after every `step_size` epochs.
    Step,
}

/// What the step schedule counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleUnit {
    /// Epochs: the rate changes at an epoch's start.
    #[default]
    Epochs,
    /// Optimizer steps.
    Steps,
}

/// The optimizer and its constants; PyTorch's defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// `adamw` decays weights apart from the gradient, `adam` adds the decay to the gradient.
    pub kind: OptimizerKind,
    /// Decay of the running means of gradient and squared gradient.
    #[schemars(extend("items" = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}))]
    pub betas: [f64; 2],
    /// Added to the denominator.
    #[schemars(range(min = 0.0))]
    pub eps: f64,
    /// Weight decay, none on biases and LayerNorm; 0.01 for `adamw` and 0 for `adam` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub weight_decay: Option<f64>,
    /// The largest norm of all gradients together; 0 leaves them as they are.
    #[schemars(range(min = 0.0))]
    pub clip: f64,
    /// Learning rate of the head, where it differs from the encoder's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub head_learning_rate: Option<f64>,
    /// What an encoder layer has of the learning rate of the layer above it: the last layer and the
    /// pooler have `train.learning_rate`, the embeddings the lowest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0))]
    pub layer_decay: Option<f64>,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::Adamw,
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: None,
            clip: 1.0,
            head_learning_rate: None,
            layer_decay: None,
        }
    }
}

/// Which optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Adam with decoupled weight decay.
    Adamw,
    /// Adam; its weight decay is an L2 penalty, as in PyTorch.
    Adam,
}
