use std::num::NonZeroUsize;

use clap::Args;

/// What concerns questions and their answers alone.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub(crate) struct AnswerArguments {
    /// A question about --context
    #[arg(
        long,
        value_name = "TEXT",
        requires = "context",
        conflicts_with_all = ["texts", "file", "pair"]
    )]
    pub(crate) question: Option<String>,

    /// The text that may answer --question, or each question of a file
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["pair", "text_pair"])]
    pub(crate) context: Option<String>,

    /// Give no answer to a question where that scores better than the best answer by more than this
    /// [default: what was saved with the model; others always give one]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(crate) null_threshold: Option<f64>,

    /// The most tokens of an answer [default: what was saved with the model, 30]
    #[arg(long, value_name = "N")]
    pub(crate) max_answer_length: Option<NonZeroUsize>,

    /// Tokens of a long context that a window repeats of the one before [default: what was saved
    /// with the model, a third of a window]
    #[arg(long, value_name = "N")]
    pub(crate) doc_stride: Option<usize>,
}

impl AnswerArguments {
    /// Whether anything was said.
    pub(crate) fn are_given(&self) -> bool {
        *self != Self::default()
    }
}
