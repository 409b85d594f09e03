//! From a model folder to predictions.
//!
//! - [`model_folder`]: a folder, a run folder or a Hub name → the folder of a model
//! - [`TextClassifier`]: texts → labels and scores; labelled texts → metrics
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

mod error;
mod model_folder;
pub mod rows;
mod text_classifier;
mod windows;

pub use error::InferError;
pub use model_folder::model_folder;
pub use text_classifier::{PredictOptions, Prediction, TextClassifier, TopK};
pub use windows::{Arrival, Windows};
