//! One file a task: encode, head and loss, decode, metrics. Training and inference both use it, so
//! that what is trained is what is served.
//!
//! - [`Task`]: what a trainer needs to know about a task; [`Example`]: an encoded row;
//!   [`FrozenFeatures`]: what is kept of it where the encoder is frozen
//! - [`ExampleSource`]: the examples of a split, in memory or on disk
//! - [`text_classification`]: one label for a text or a pair of texts
//! - [`multi_label`]: any number of labels for a text or a pair
//! - [`regression`]: a number for a text or a pair
//! - [`token_classification`]: one label for every word
//! - [`question_answering`]: the piece of a text that answers a question
//! - [`masked_lm`]: masked words, and next sentences for pretraining
//! - [`continuation`]: the token that comes next in a long text
//! - [`encoding`]: texts → examples, on all cores
//! - [`logit_values`]: logits of whole texts, however many windows they have
//! - [`metrics`]: named numbers and tables

pub mod continuation;
pub mod encoding;
mod example_records;
mod example_source;
pub mod masked_lm;
pub mod metrics;
pub mod multi_label;
pub mod question_answering;
pub mod regression;
mod row_logits;
mod sequence_head;
mod task;
pub mod text_classification;
pub mod token_classification;

pub use continuation::{Continuation, NextTokenModel};
pub use example_source::ExampleSource;
pub use masked_lm::{MaskedLm, MaskedTarget};
pub use multi_label::{MultiLabel, PositiveWeights, Threshold};
pub use question_answering::{AnswerSettings, QuestionAnswering, SpanTarget};
pub use regression::Regression;
pub use row_logits::logit_values;
pub use sequence_head::text_input;
pub use task::{Evaluator, Example, FrozenFeatures, Input, Objective, Task, TaskError, pack};
pub use text_classification::{ClassWeights, LabelScore, TextClassification};
pub use token_classification::{TagTarget, TokenClassification};
