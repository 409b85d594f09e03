use std::num::NonZeroUsize;
use std::path::Path;

use burn::tensor::Device;
use cloze_core::LabelSet;
use cloze_data::tokenizer::{LongTexts, TextInput};
use cloze_model::checkpoint::ProblemType;
use cloze_tasks::metrics::Evaluation;
use cloze_tasks::multi_label::{self, Thresholds};
use cloze_tasks::{MultiLabel, Task};

use crate::sequence_pipeline::{LabelledPart, SequencePipeline, WantedTask};
use crate::text_classifier::{self, BATCH};
use crate::{InferError, Prediction, TopK};

/// A model that gives a text, or a pair of texts, any number of labels.
#[derive(Debug)]
pub struct MultiLabelClassifier(SequencePipeline<MultiLabel>);

pub(crate) const WANTED: WantedTask = WantedTask {
    name: multi_label::NAME,
    problem: ProblemType::MultiLabelClassification,
    what: "any number of labels a text",
};

/// How texts are given labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultiLabelOptions {
    /// Labels whatever their thresholds; `None` for those that reach them.
    pub top_k: Option<TopK>,
    /// Texts that are computed together. It changes speed and memory, never labels.
    pub batch_size: NonZeroUsize,
}

impl Default for MultiLabelOptions {
    fn default() -> Self {
        Self {
            top_k: None,
            batch_size: BATCH,
        }
    }
}

impl MultiLabelClassifier {
    /// Loads a folder that cloze or `transformers` has saved: weights, labels, tokenizer, the
    /// maximum length that the model was trained with, and the thresholds that were saved with it;
    /// 0.5 where none were.
    ///
    /// # Errors
    /// If the folder is no checkpoint, has no classification head, was trained for another task,
    /// its vocabulary does not belong to its weights, or its thresholds not to its labels.
    pub fn open(folder: &Path, device: &Device) -> Result<Self, InferError> {
        Self::load(folder, device, None)
    }

    /// Loads also the head of a model that gives one label: each of its scores is then judged by
    /// itself, by the sigmoid.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_head(folder: &Path, device: &Device) -> Result<Self, InferError> {
        Self::load(folder, device, Some(&text_classifier::WANTED))
    }

    fn load(
        folder: &Path,
        device: &Device,
        or_else: Option<&WantedTask>,
    ) -> Result<Self, InferError> {
        let pipeline = SequencePipeline::open(folder, device, &WANTED, or_else, |opened| {
            let task = MultiLabel::new(opened.labels()?, opened.max_length);
            Ok(task.as_saved(opened.checkpoint)?)
        })?;
        Ok(Self(pipeline))
    }

    /// With one threshold for all labels instead of the saved ones.
    #[must_use]
    pub fn with_threshold(mut self, threshold: f64) -> Self {
        let thresholds = Thresholds::same(threshold, self.labels().len());
        self.0.task = self.0.task.with_thresholds(thresholds);
        self
    }

    /// The folder that it was loaded from.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// The labels, by id.
    pub fn labels(&self) -> &LabelSet {
        self.task().labels()
    }

    /// The task, with its labels, its thresholds and its maximum length.
    pub fn task(&self) -> &MultiLabel {
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

    /// The labels of each text with their probabilities, the likeliest first, in the order of the
    /// texts. Texts of similar length are computed together.
    ///
    /// # Errors
    /// If the tokenizer or the model refuses a text.
    pub fn predict(
        &self,
        texts: &[TextInput<'_>],
        options: &MultiLabelOptions,
    ) -> Result<Vec<Prediction>, InferError> {
        let decode = |logits: &[f32], length| {
            let mut ranked = self.task().rank(logits);
            match options.top_k {
                None => ranked.retain(|(_, is_given)| *is_given),
                Some(TopK::Best(count)) => ranked.truncate(count.get()),
                Some(TopK::All) => {}
            }
            Prediction {
                scores: ranked.into_iter().map(|(score, _)| score).collect(),
                length,
            }
        };
        self.0.predict(texts, options.batch_size, decode)
    }

    /// Metrics over texts whose label ids are known, and how many texts are longer than is read
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
        parts: impl IntoIterator<Item = Result<LabelledPart<Vec<String>, Vec<usize>>, E>>,
        batch_size: NonZeroUsize,
        progress: impl FnMut(usize),
    ) -> Result<(Evaluation, LongTexts), E> {
        self.0.evaluate(parts, batch_size, progress)
    }
}
