//! From a model folder to predictions.
//!
//! - [`model_folder`]: a folder, a run folder or a Hub name → the folder of a model
//! - [`TextClassifier`]: texts → labels and scores; labelled texts → metrics
//! - [`MultiLabelClassifier`]: the same with any number of labels; [`TextRegressor`]: with a number
//! - [`TokenClassificationPipeline`]: texts → entities with scores and places; tagged sentences → metrics
//! - [`QuestionAnsweringPipeline`]: questions and contexts → answers with scores and places; questions with answers → metrics
//! - [`ModelTask`]: what a saved model is for
//! - [`MaskedLanguagePipeline`]: texts with masks → words and scores; pairs → whether they follow
//! - [`ContinuationPipeline`]: a model that says which token comes next; long texts → metrics
//! - [`generation`]: a model and prompts → texts that go on
//! - [`Embedder`]: texts → vectors; [`Similarity`]: vectors → how alike their texts are
//! - [`VectorIndex`] and [`IndexWriter`]: texts and their vectors in a folder, and search in it
//! - [`rows`]: texts of a file or of standard input as they come
//! - [`Windows`]: a stream in groups, read ahead, with flat memory
//!
//! ```no_run
//! use burn::tensor::Device;
//! use cloze_infer::{PredictOptions, TextClassifier};
//! let classifier = TextClassifier::open("runs/reviews/model".as_ref(), &Device::flex())?;
//! let texts = ["A fine meal.".into(), ("Never", "again").into()];
//! for prediction in classifier.predict(&texts, &PredictOptions::default())? {
//!     println!("{} {}", prediction.scores[0].label, prediction.scores[0].score);
//! }
//! # Ok::<(), cloze_infer::InferError>(())
//! ```

mod continuation;
mod embedder;
mod error;
pub mod generation;
mod masked_evaluation;
mod masked_language;
mod model_folder;
mod model_task;
mod multi_label_classifier;
mod pipeline;
mod question_answering;
pub mod rows;
mod sequence_pipeline;
mod similarity;
mod text_classifier;
mod text_regressor;
mod token_classification;
mod vector_index;
mod windows;

pub use continuation::{ContinuationPipeline, EvaluatedText};
pub use embedder::{EmbedOptions, Embedder, EmbedderOptions, Embedding, Prompt};
pub use error::InferError;
pub use masked_evaluation::MaskedEvaluationOptions;
pub use masked_language::{
    FillOptions, FilledText, Filling, MaskedLanguagePipeline, NEXT_SENTENCE_LABELS,
};
pub use model_folder::model_folder;
pub use model_task::{ModelTask, written_task};
pub use multi_label_classifier::{MultiLabelClassifier, MultiLabelOptions};
pub use question_answering::{
    AnsweredQuestion, AnsweringOptions, FoundAnswer, QuestionAnsweringPipeline,
};
pub use sequence_pipeline::LabelledPart;
pub use similarity::Similarity;
pub use text_classifier::{PredictOptions, Prediction, TextClassifier, TopK};
pub use text_regressor::TextRegressor;
pub use token_classification::{
    Aggregation, FoundEntity, TaggedPart, TaggedText, TaggingOptions, TokenClassificationPipeline,
};
pub use vector_index::{
    APPROXIMATE_FROM, Hit, IndexSettings, IndexWriter, IndexedText, SearchKind, VectorIndex,
};
pub use windows::{Arrival, Windows};
