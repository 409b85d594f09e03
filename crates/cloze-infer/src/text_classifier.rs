use std::num::NonZeroUsize;
use std::path::Path;

use burn::tensor::Device;
use cloze_core::LabelSet;
use cloze_data::tokenizer::{LongTexts, TextInput};
use cloze_model::checkpoint::ProblemType;
use cloze_tasks::metrics::Evaluation;
use cloze_tasks::{LabelScore, Task, TextClassification, text_classification};

use crate::sequence_pipeline::{LabelledPart, SequencePipeline, WantedTask};
use crate::{InferError, multi_label_classifier};

/// A model that gives a text, or a pair of texts, one of several labels.
#[derive(Debug)]
pub struct TextClassifier(SequencePipeline<TextClassification>);

pub(crate) const WANTED: WantedTask = WantedTask {
    name: text_classification::NAME,
    problem: ProblemType::SingleLabelClassification,
    what: "text classification with one label a text",
};

/// How many labels a prediction has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopK {
    /// The most likely ones.
    Best(NonZeroUsize),
    /// All of them.
    All,
}

/// Texts that are computed together where nobody says how many; evaluated when cloze is compiled.
pub(crate) const BATCH: NonZeroUsize = NonZeroUsize::new(32).unwrap();

/// How texts are predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PredictOptions {
    /// How many labels a prediction has.
    pub top_k: TopK,
    /// Texts that are computed together. It changes speed and memory, never labels.
    pub batch_size: NonZeroUsize,
}

impl Default for PredictOptions {
    fn default() -> Self {
        Self {
            top_k: TopK::Best(NonZeroUsize::MIN),
            batch_size: BATCH,
        }
    }
}

/// What the model says about a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Labels with their probabilities, the likeliest first.
    pub scores: Vec<LabelScore>,
    /// Length of the text in tokens, before it was cut to what the model reads.
    pub length: usize,
}

impl TextClassifier {
    /// Loads a folder that cloze or `transformers` has saved: weights, labels, tokenizer, and the
    /// maximum length that the model was trained with.
    ///
    /// # Errors
    /// If the folder is no checkpoint, has no classification head, was trained for another task,
    /// or its vocabulary does not belong to its weights.
    pub fn open(folder: &Path, device: &Device) -> Result<Self, InferError> {
        Self::load(folder, device, None)
    }

    /// Loads also the head of a model that gives any number of labels: its scores are then compared
    /// with each other, by the softmax.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_head(folder: &Path, device: &Device) -> Result<Self, InferError> {
        Self::load(folder, device, Some(&multi_label_classifier::WANTED))
    }

    fn load(
        folder: &Path,
        device: &Device,
        or_else: Option<&WantedTask>,
    ) -> Result<Self, InferError> {
        let pipeline = SequencePipeline::open(folder, device, &WANTED, or_else, |opened| {
            Ok(TextClassification::new(opened.labels()?, opened.max_length))
        })?;
        Ok(Self(pipeline))
    }

    /// The folder that it was loaded from.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// The labels, by id.
    pub fn labels(&self) -> &LabelSet {
        self.task().labels()
    }

    /// The task, with its labels and its maximum length.
    pub fn task(&self) -> &TextClassification {
        &self.0.task
    }

    /// With texts that are longer than [`max_length`](Self::max_length) read in windows, each of which
    /// repeats so many tokens of the one before, and whose logits are averaged; `None` for texts
    /// that are cut. Without this it is as the model was trained.
    #[must_use]
    pub fn with_windows(mut self, stride: Option<usize>) -> Self {
        self.0.stride = stride;
        self
    }

    /// How many tokens a window of a long text repeats of the one before; `None` where long texts
    /// are cut.
    pub fn stride(&self) -> Option<usize> {
        self.0.stride
    }

    /// Tokens that are read of a text at once, special tokens included; longer texts are read in
    /// windows or cut, as [`stride`](Self::stride) says.
    pub fn max_length(&self) -> usize {
        self.task().max_length()
    }

    /// What the model says about each text, in their order. Texts of similar length are computed
    /// together.
    ///
    /// # Errors
    /// If the tokenizer or the model refuses a text.
    pub fn predict(
        &self,
        texts: &[TextInput<'_>],
        options: &PredictOptions,
    ) -> Result<Vec<Prediction>, InferError> {
        let decode = |logits: &[f32], length| {
            let mut scores = self.task().rank(logits);
            if let TopK::Best(count) = options.top_k {
                scores.truncate(count.get());
            }
            Prediction { scores, length }
        };
        self.0.predict(texts, options.batch_size, decode)
    }

    /// Metrics over texts whose class ids are known, and how many texts are longer than is read
    /// at once. `parts` are some texts at a time, thousands say; memory grows with a part, and of the
    /// others nothing is kept but what metrics need. `progress` is told how many texts are done.
    ///
    /// # Errors
    /// As [`predict`](Self::predict), and those of the parts.
    ///
    /// # Panics
    /// If there are more or fewer targets than texts.
    pub fn evaluate<E: From<InferError>>(
        &self,
        parts: impl IntoIterator<Item = Result<LabelledPart<String, usize>, E>>,
        batch_size: NonZeroUsize,
        progress: impl FnMut(usize),
    ) -> Result<(Evaluation, LongTexts), E> {
        self.0.evaluate(parts, batch_size, progress)
    }
}
