//! What stands on top of an encoder, one file a task.

mod classification;
mod config;
mod continuation;
mod frozen_features;
mod masked_lm;
mod pooling;
mod question_answering;
mod sentence_encoder;
mod token_classification;

pub use classification::{BuildError, ClassificationHead, ClassifierOutput, SequenceClassifier};
pub use config::{ClassificationHeadConfig, Features};
pub use continuation::{
    ContinuationConfig, ContinuationHead, ContinuationHeadConfig, ContinuationHeadKind,
    ContinuationModel, ContinuationSamples, LstmLayer, RowAttention,
};
pub use masked_lm::{MaskedLanguageHead, MaskedLanguageModel, MaskedLanguageOutput};
pub use pooling::Pooling;
pub use question_answering::{QuestionAnsweringHead, QuestionAnsweringModel};
pub use sentence_encoder::{DenseLayer, EmbeddingLayer, SentenceEncoder};
pub use token_classification::{TokenClassificationHead, TokenClassifier};
