//! What the pipelines with one prediction for a whole text share.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cloze_core::LabelSet;
use cloze_data::readers::LabelledText;
use cloze_data::tokenizer::{LongTexts, TextInput, Tokenizer};
use cloze_model::checkpoint::{Checkpoint, ClassifierOptions, ProblemType, load_classifier};
use cloze_model::{Features, SequenceClassifier};
use cloze_tasks::encoding::encode_windows;
use cloze_tasks::metrics::Evaluation;
use cloze_tasks::{Evaluator, Example, Input, Task, logit_values, pack, text_input};

use crate::InferError;
use crate::pipeline::{by_length, describe, max_length, open_tokenizer, refuse_other_tasks};

/// An encoder with a classification head, the task that it is for, and its tokenizer.
#[derive(Debug)]
pub(crate) struct SequencePipeline<T> {
    pub(crate) folder: PathBuf,
    pub(crate) task: T,
    /// Where longer texts are read in windows, how many tokens a window repeats of the one before.
    pub(crate) stride: Option<usize>,
    model: SequenceClassifier,
    tokenizer: Tokenizer,
}

/// Some texts of an evaluation, and what the model should say about each.
pub type LabelledPart<L, Y> = (Vec<LabelledText<L>>, Vec<Y>);

/// What a folder must have been made for.
pub(crate) struct WantedTask {
    /// Its name in cloze's settings.
    pub(crate) name: &'static str,
    /// Its name in `transformers`.
    pub(crate) problem: ProblemType,
    /// In words.
    pub(crate) what: &'static str,
}

/// What is known of a folder once its model is loaded.
pub(crate) struct Opened<'a> {
    pub(crate) checkpoint: &'a Checkpoint,
    /// Outputs of the head.
    pub(crate) outputs: usize,
    /// Tokens that are read of a text.
    pub(crate) max_length: usize,
}

impl Opened<'_> {
    /// The names of the outputs; where nobody named them, what `transformers` calls them.
    pub(crate) fn labels(&self) -> Result<LabelSet, InferError> {
        Ok(self.checkpoint.labels_or_numbered(self.outputs)?)
    }
}

impl<T: Task<Model = SequenceClassifier, Features = Features>> SequencePipeline<T> {
    /// Loads a folder: weights, tokenizer, and the task that `task` makes of what is known of it. One
    /// that was made for `or_else` does as well.
    ///
    /// # Errors
    /// If the folder is no checkpoint, has no classification head, was trained for another task,
    /// or its vocabulary does not belong to its weights.
    pub(crate) fn open(
        folder: &Path,
        device: &Device,
        wanted: &WantedTask,
        or_else: Option<&WantedTask>,
        task: impl FnOnce(&Opened<'_>) -> Result<T, InferError>,
    ) -> Result<Self, InferError> {
        let checkpoint = Checkpoint::open(folder)?;
        if let Err(error) = refuse_others(&checkpoint, wanted)
            && or_else.is_none_or(|other| refuse_others(&checkpoint, other).is_err())
        {
            return Err(error);
        }
        let tokenizer = open_tokenizer(&checkpoint)?;
        let options = ClassifierOptions::default();
        let (mut model, report) = load_classifier(&checkpoint, &options, device)?;
        if !report.missing.is_empty() {
            return Err(InferError::NotAClassifier {
                folder: folder.into(),
                what: describe(&checkpoint),
                missing: report.missing,
            });
        }
        model.encoder.pack_weights();
        let task = task(&Opened {
            checkpoint: &checkpoint,
            outputs: model.head.labels(),
            max_length: max_length(&checkpoint, &tokenizer),
        })?;
        let settings = checkpoint.cloze_settings();
        Ok(Self {
            folder: folder.into(),
            task,
            stride: settings.and_then(|settings| settings.stride),
            model,
            tokenizer,
        })
    }

    /// What `decode` makes of each text's logits and of its length in tokens before it was cut, in
    /// the order of the texts. Texts of similar length are computed together.
    ///
    /// # Errors
    /// If the tokenizer or the model refuses a text.
    pub(crate) fn predict<P: Clone>(
        &self,
        texts: &[TextInput<'_>],
        batch_size: NonZeroUsize,
        decode: impl Fn(&[f32], usize) -> P,
    ) -> Result<Vec<P>, InferError> {
        let examples = self.encode(texts)?;
        let mut predictions = vec![None; examples.len()];
        for batch in by_length(&examples, batch_size) {
            let logits = self.logits(&batch)?;
            let outputs = self.model.head.labels();
            for (example, logits) in batch.iter().zip(logits.chunks(outputs)) {
                predictions[example.row] = Some(decode(logits, example.facts.length));
            }
        }
        // Every example is in exactly one batch.
        Ok(predictions.into_iter().flatten().collect())
    }

    fn encode(&self, texts: &[TextInput<'_>]) -> Result<Vec<Example<()>>, InferError> {
        let length = self.task.max_length();
        let examples = encode_windows(&self.tokenizer, texts, length, self.stride, |_| ())?;
        Ok(examples)
    }

    /// `[batch, labels]`, row by row.
    fn logits(&self, batch: &[&Example<()>]) -> Result<Vec<f32>, InferError> {
        let packed = pack(batch.iter().copied())?;
        Ok(logit_values(&self.model, &Input::Tokens(&packed))?)
    }

    /// Metrics over texts whose targets are known, and how many texts are longer than is read at once.
    /// `parts` are some texts at a time, which are sorted by length and computed together; nothing is kept
    /// of them but what metrics need. `progress` is told how many texts are done.
    ///
    /// # Errors
    /// As [`predict`](Self::predict), and those of the parts.
    ///
    /// # Panics
    /// If there are more or fewer targets than texts.
    pub(crate) fn evaluate<L, E: From<InferError>>(
        &self,
        parts: impl IntoIterator<Item = Result<LabelledPart<L, T::Target>, E>>,
        batch_size: NonZeroUsize,
        mut progress: impl FnMut(usize),
    ) -> Result<(Evaluation, LongTexts), E> {
        let mut evaluator = self.task.evaluator();
        let mut long = LongTexts::new(self.task.max_length());
        let mut done = 0;
        for part in parts {
            let (rows, targets) = part?;
            let texts: Vec<TextInput<'_>> = rows.iter().map(text_input).collect();
            let progress = |of_part| progress(done + of_part);
            self.evaluate_part(
                &texts,
                &targets,
                batch_size,
                &mut evaluator,
                &mut long,
                progress,
            )?;
            done += texts.len();
        }
        Ok((evaluator.evaluation(), long))
    }

    fn evaluate_part(
        &self,
        texts: &[TextInput<'_>],
        targets: &[T::Target],
        batch_size: NonZeroUsize,
        evaluator: &mut T::Evaluator,
        long: &mut LongTexts,
        mut progress: impl FnMut(usize),
    ) -> Result<(), InferError> {
        assert_eq!(texts.len(), targets.len(), "every text needs one target");
        let examples = self.encode(texts)?;
        let mut done = 0;
        for batch in by_length(&examples, batch_size) {
            let packed = pack(batch.iter().copied())?;
            let targets: Vec<T::Target> = batch
                .iter()
                .map(|example| targets[example.row].clone())
                .collect();
            let input = Input::Tokens(&packed);
            self.task
                .evaluate(&self.model, &input, &targets, evaluator)?;
            done += batch.len();
            progress(done);
        }
        evaluator.take_predictions();
        examples
            .iter()
            .for_each(|example| long.see(example.facts.length));
        Ok(())
    }
}

fn refuse_others(checkpoint: &Checkpoint, wanted: &WantedTask) -> Result<(), InferError> {
    refuse_other_tasks(checkpoint, wanted.name, wanted.what)?;
    refuse_other_problems(checkpoint, wanted)
}

fn refuse_other_problems(checkpoint: &Checkpoint, wanted: &WantedTask) -> Result<(), InferError> {
    match checkpoint.problem_type()? {
        Some(problem) if problem != wanted.problem => Err(InferError::OtherTask {
            folder: checkpoint.folder().into(),
            found: problem.name().into(),
            wanted: wanted.what,
        }),
        _ => Ok(()),
    }
}
