use std::num::NonZeroUsize;
use std::path::Path;

use burn::tensor::Device;
use cloze_data::tokenizer::{LongTexts, TextInput};
use cloze_model::checkpoint::ProblemType;
use cloze_tasks::metrics::Evaluation;
use cloze_tasks::{LabelScore, Regression, Task, regression};

use crate::sequence_pipeline::{LabelledPart, SequencePipeline, WantedTask};
use crate::{InferError, Prediction};

/// A model that gives a text, or a pair of texts, a number.
#[derive(Debug)]
pub struct TextRegressor(SequencePipeline<Regression>);

const WANTED: WantedTask = WantedTask {
    name: regression::NAME,
    problem: ProblemType::Regression,
    what: "a number for each text",
};

impl TextRegressor {
    /// Loads a folder that cloze or `transformers` has saved: weights, tokenizer, and the maximum
    /// length that the model was trained with.
    ///
    /// # Errors
    /// If the folder is no checkpoint, has no head, or one with several outputs, was trained for
    /// another task, or its vocabulary does not belong to its weights.
    pub fn open(folder: &Path, device: &Device) -> Result<Self, InferError> {
        let pipeline = SequencePipeline::open(folder, device, &WANTED, None, |opened| {
            if opened.outputs != 1 {
                return Err(InferError::SeveralNumbers {
                    folder: folder.into(),
                    outputs: opened.outputs,
                });
            }
            Ok(Regression::new(opened.checkpoint, opened.max_length)?)
        })?;
        Ok(Self(pipeline))
    }

    /// The folder that it was loaded from.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// The task, with its maximum length.
    pub fn task(&self) -> &Regression {
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

    /// The number of each text, in their order, as the score of the model's only output. Texts of
    /// similar length are computed together.
    ///
    /// # Errors
    /// If the tokenizer or the model refuses a text.
    pub fn predict(
        &self,
        texts: &[TextInput<'_>],
        batch_size: NonZeroUsize,
    ) -> Result<Vec<Prediction>, InferError> {
        let decode = |logits: &[f32], length| Prediction {
            scores: logits
                .iter()
                .map(|&number| LabelScore {
                    label: self.task().label().into(),
                    score: f64::from(number),
                })
                .collect(),
            length,
        };
        self.0.predict(texts, batch_size, decode)
    }

    /// Metrics over texts whose numbers are known, and how many texts are longer than is read
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
        parts: impl IntoIterator<Item = Result<LabelledPart<f64, f64>, E>>,
        batch_size: NonZeroUsize,
        progress: impl FnMut(usize),
    ) -> Result<(Evaluation, LongTexts), E> {
        self.0.evaluate(parts, batch_size, progress)
    }
}
