//! What a run tells whoever watches it: the program draws its progress bar and prints its report
//! from these, a test counts them.

use std::path::Path;

use cloze_core::InputError;
use cloze_data::reports::DatasetReport;
use cloze_data::splits::Overlap;
use cloze_model::checkpoint::LoadReport;
use cloze_model::parameters::ParameterReport;
use cloze_tasks::metrics::Evaluation;

use crate::checkpoints::Damaged;
use crate::log::{EpochRecord, FeatureRecord};
use crate::parameter_groups::ParameterGroup;
use crate::step::StepReport;

/// Watches a run.
pub trait Observer {
    /// Called with everything that happens, in order.
    fn observe(&mut self, event: &Event<'_>);
}

/// Watches nothing.
impl Observer for () {
    fn observe(&mut self, _: &Event<'_>) {}
}

/// Which rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitName {
    /// Those that are trained on.
    Train,
    /// Those that choose the best epoch.
    Validation,
    /// Those that are looked at once, at the end.
    Test,
}

impl SplitName {
    /// `train`, `validation` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// Something that happened in a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Texts have been encoded.
    Encoding {
        /// How many.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// A file of texts is read and tokenized.
    ReadingCorpus {
        /// Bytes that are done, about.
        bytes: u64,
        /// Of how many.
        total: u64,
    },
    /// The texts of a split are in a token file.
    Corpus {
        /// Which split.
        split: SplitName,
        /// What it holds.
        facts: &'a CorpusFacts,
        /// The folder where later runs find it, if they do.
        folder: Option<&'a Path>,
    },
    /// The data are encoded: counts, lengths, what is cut, what the vocabulary lacks.
    Report(&'a DatasetReport),
    /// Something that a user should know, and the run goes on.
    Warning(Warning<'a>),
    /// The model is loaded.
    Model {
        /// What the checkpoint lacked and had too much.
        report: &'a LoadReport,
        /// How many weights there are, and how many of them train.
        parameters: &'a ParameterReport,
    },
    /// The weights that train, by learning rate and decay.
    ParameterGroups(&'a [ParameterGroup]),
    /// The frozen encoder has read tokens whose features will be kept.
    ComputingFeatures {
        /// How many.
        done: usize,
        /// Of how many; those of equal rows count once.
        total: usize,
    },
    /// The features of a frozen encoder are there: from here on only what stands above it runs.
    Features {
        /// How they were come by.
        record: &'a FeatureRecord,
        /// The file that holds them, if one does.
        path: Option<&'a Path>,
    },
    /// Training begins or goes on.
    Start {
        /// Optimizer steps of the whole run.
        steps: u64,
        /// Epochs of the whole run.
        epochs: u64,
        /// The checkpoint that it goes on from, with its step.
        resumed: Option<(&'a Path, u64)>,
    },
    /// The model was evaluated on the validation rows before its first step.
    FirstEvaluation {
        /// What it came to.
        evaluation: &'a Evaluation,
    },
    /// An optimizer step was taken.
    Step {
        /// Optimizer steps so far.
        step: u64,
        /// Number of the epoch, from 1.
        epoch: u64,
        /// Optimizer steps of the whole run.
        steps: u64,
        /// What the step came to.
        report: &'a StepReport,
        /// Its wall time.
        seconds: f64,
    },
    /// Rows have been evaluated.
    Evaluating {
        /// Which ones.
        split: SplitName,
        /// How many.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// An epoch is over.
    Epoch {
        /// What it came to.
        record: &'a EpochRecord,
        /// Number of epochs of the run.
        epochs: u64,
        /// The validation, where there is one.
        evaluation: Option<&'a Evaluation>,
    },
    /// Validation no longer gets better: the epoch before was the last one.
    EarlyStop {
        /// The metric that was to improve.
        metric: &'a str,
        /// Its best value that counted as an improvement, if there was one.
        best: Option<f64>,
        /// Evaluations since then.
        evaluations: u64,
    },
    /// A checkpoint was saved.
    Checkpoint {
        /// Its folder.
        path: &'a Path,
    },
    /// The best model was evaluated on the test rows.
    Test {
        /// What it came to.
        evaluation: &'a Evaluation,
    },
}

/// What the texts of a split came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CorpusFacts {
    /// What a sequence is: `text` or, where pairs are made, `sentence`.
    pub unit: &'static str,
    /// Texts, or sentences where these are paired; 0 where texts are divided by their tokens.
    pub sequences: u64,
    /// Tokens of all of them, special ones included.
    pub tokens: u64,
    /// Texts or sentences in which there is nothing to learn.
    pub dropped: u64,
    /// What is trained on, or evaluated, in an epoch: blocks, texts, or pairs.
    pub examples: u64,
}

/// Something that a user should know, and the run goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Warning<'a> {
    /// Rows that cannot be used were left out.
    SkippedRows(&'a [InputError]),
    /// Rows of a corpus cannot be used and were left out.
    SkippedTexts {
        /// How many.
        count: u64,
        /// What is wrong with the first ones.
        first: &'a [InputError],
    },
    /// Texts stand in two splits, so that the metrics flatter the model.
    TextsInTwoSplits(&'a Overlap),
    /// Texts are longer than the model reads, and were cut.
    CutTexts {
        /// How many.
        texts: usize,
        /// Of how many.
        total: usize,
        /// Tokens that are read.
        max_length: usize,
    },
    /// Texts are longer than the model reads, and are read in windows that overlap.
    TextWindows {
        /// How many.
        texts: usize,
        /// The windows of all of them.
        windows: usize,
        /// Of how many texts.
        total: usize,
        /// Tokens of a window.
        max_length: usize,
    },
    /// Sentences are longer than the model reads, and are read in windows that overlap.
    Windows {
        /// How many.
        sentences: usize,
        /// Of how many.
        total: usize,
        /// Tokens of a window.
        max_length: usize,
    },
    /// Questions and their contexts are longer than the model reads, and are read in windows that
    /// overlap.
    QuestionWindows {
        /// How many.
        questions: usize,
        /// Of how many.
        total: usize,
        /// Tokens of a window.
        max_length: usize,
    },
    /// Answers were given without a place, and their contexts hold them more than once: the first
    /// place is taken.
    RepeatedAnswers {
        /// The file.
        file: &'a Path,
        /// How many.
        answers: usize,
    },
    /// Questions are longer than there is room for beside the context, and were cut.
    CutQuestions {
        /// How many.
        questions: usize,
        /// Of how many.
        total: usize,
        /// Tokens that are read of a question.
        max_length: usize,
    },
    /// Many tokens of a split are not in the vocabulary.
    UnknownTokens {
        /// The split.
        split: &'a str,
        /// Their share of its tokens.
        share: f64,
    },
    /// There are no validation rows: the last epoch's model is kept.
    NoValidation,
    /// The run goes on, on another device than before, and not bit for bit as it would have there.
    OtherDevice {
        /// The device that the checkpoint was written on.
        before: &'a str,
        /// That of the steps that follow.
        now: &'a str,
    },
    /// A checkpoint is damaged; an older one is used instead.
    DamagedCheckpoint(&'a Damaged),
    /// No checkpoint can be used; the run starts again.
    NoCheckpoint,
    /// A file of kept features is not what was written, or cannot be read; they are computed
    /// again.
    DamagedFeatures {
        /// The file.
        path: &'a Path,
        /// What is wrong with it.
        reason: String,
    },
    /// Features of a frozen encoder would take too much memory: the encoder runs in every epoch.
    FeaturesTooLarge {
        /// What they would take.
        bytes: usize,
    },
    /// Features cannot be written; they stay in memory, and other runs compute them again.
    FeaturesNotKept {
        /// The file.
        path: &'a Path,
        /// What the system says.
        reason: String,
    },
}
