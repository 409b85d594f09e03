//! Encoders and heads on burn, and checkpoints in and out.
//!
//! - [`architectures`]: one file an architecture (BERT, DistilBERT, …): config keys, tensor names
//! - [`encoder`]: the one [`Encoder`] that all of them configure, on packed batches
//! - [`heads`] and [`losses`]: what stands on top of an encoder
//! - [`bridge`]: where tensors become slices for `cloze-kernels`
//! - [`checkpoint`]: Hugging Face folders and Hub ids, in and out
//! - [`parameter_source`]: where weights come from; [`named`]: parameters under their names
//! - [`device`]: where all of this is computed
//! - [`freeze`], [`parameters`], [`resize`]: what is done to a model as a whole

pub mod architectures;
pub mod bridge;
pub mod checkpoint;
pub mod device;
pub mod encoder;
pub mod freeze;
pub mod heads;
pub mod losses;
pub mod named;
pub mod parameter_source;
pub mod parameters;
pub mod resize;
#[cfg(test)]
mod testing;

pub use architectures::{ARCHITECTURES, Architecture, ModelClass};
pub use encoder::{
    DropoutKey, Encoder, EncoderOutput, ForwardError, ForwardOptions, Precision, unpack,
};
pub use freeze::{FreezeError, FreezeSpec};
pub use heads::{
    BuildError, ClassificationHead, ClassificationHeadConfig, ClassifierOutput, ContinuationConfig,
    ContinuationHead, ContinuationHeadConfig, ContinuationHeadKind, ContinuationModel,
    ContinuationSamples, EmbeddingLayer, Features, MaskedLanguageHead, MaskedLanguageModel,
    MaskedLanguageOutput, Pooling, QuestionAnsweringHead, QuestionAnsweringModel, SentenceEncoder,
    SequenceClassifier, TokenClassificationHead, TokenClassifier,
};
pub use parameter_source::{Init, ParameterError, ParameterSource, RandomParameters};
