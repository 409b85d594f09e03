use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cloze_core::LabelSet;
use cloze_data::tokenizer::{LongTexts, TextInput, Tokenizer};
use cloze_model::checkpoint::{
    Checkpoint, ClassifierOptions, ProblemType, check_vocabulary, load_classifier,
};
use cloze_model::{ForwardOptions, SequenceClassifier};
use cloze_tasks::encoding::encode_texts;
use cloze_tasks::metrics::Evaluation;
use cloze_tasks::{Evaluator, Example, Input, LabelScore, Task, TextClassification, pack};

use crate::InferError;
use crate::pipeline::{by_length, describe, max_length, numbered_labels};

/// A model that gives a text, or a pair of texts, one of several labels.
#[derive(Debug)]
pub struct TextClassifier {
    folder: PathBuf,
    task: TextClassification,
    model: SequenceClassifier,
    tokenizer: Tokenizer,
}

/// How many labels a prediction has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopK {
    /// The most likely ones.
    Best(NonZeroUsize),
    /// All of them.
    All,
}

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
        // Evaluated when cloze is compiled: 32 is not zero.
        const BATCH: NonZeroUsize = NonZeroUsize::new(32).unwrap();
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
        let checkpoint = Checkpoint::open(folder)?;
        refuse_other_tasks(&checkpoint)?;
        let tokenizer = Tokenizer::from_folder(folder)?;
        let config = checkpoint.encoder_config();
        check_vocabulary(
            &checkpoint,
            tokenizer.last_id() as usize + 1,
            config.vocab_size,
        )?;
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
        let labels = match checkpoint.labels()? {
            Some(labels) => labels,
            None => numbered_labels(model.head.labels())?,
        };
        let max_length = max_length(&checkpoint, &tokenizer);
        Ok(Self {
            folder: folder.into(),
            task: TextClassification::new(labels, max_length),
            model,
            tokenizer,
        })
    }

    /// The folder that it was loaded from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The labels, by id.
    pub fn labels(&self) -> &LabelSet {
        self.task.labels()
    }

    /// The task, with its labels and its maximum length.
    pub fn task(&self) -> &TextClassification {
        &self.task
    }

    /// Tokens that are read of a text, special tokens included; longer texts are cut.
    pub fn max_length(&self) -> usize {
        self.task.max_length()
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
        let examples = encode_texts(&self.tokenizer, texts, self.max_length(), |_| ())?;
        let mut predictions = vec![None; examples.len()];
        for batch in by_length(&examples, options.batch_size) {
            let logits = self.logits(&batch)?;
            for (example, logits) in batch.iter().zip(logits.chunks(self.labels().len())) {
                let mut scores = self.task.rank(logits);
                if let TopK::Best(count) = options.top_k {
                    scores.truncate(count.get());
                }
                predictions[example.row] = Some(Prediction {
                    scores,
                    length: example.facts.length,
                });
            }
        }
        // Every example is in exactly one batch.
        Ok(predictions.into_iter().flatten().collect())
    }

    /// `[batch, labels]`, row by row.
    fn logits(&self, batch: &[&Example<()>]) -> Result<Vec<f32>, InferError> {
        let packed = pack(batch.iter().copied())?;
        let output = self.model.forward(&packed, &ForwardOptions::default())?;
        Ok(output.logits.into_data().iter::<f32>().collect())
    }

    /// Metrics over texts whose class ids are known, and how many texts were cut. `progress` is
    /// told how many are done.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    ///
    /// # Panics
    /// If there are more or fewer targets than texts.
    pub fn evaluate(
        &self,
        texts: &[TextInput<'_>],
        targets: &[usize],
        batch_size: NonZeroUsize,
        mut progress: impl FnMut(usize),
    ) -> Result<(Evaluation, LongTexts), InferError> {
        assert_eq!(texts.len(), targets.len(), "every text needs one target");
        let examples = encode_texts(&self.tokenizer, texts, self.max_length(), |_| ())?;
        let mut evaluator = self.task.evaluator();
        let mut done = 0;
        for batch in by_length(&examples, batch_size) {
            let packed = pack(batch.iter().copied())?;
            let targets: Vec<usize> = batch.iter().map(|example| targets[example.row]).collect();
            self.task.evaluate(
                &self.model,
                &Input::Tokens(&packed),
                &targets,
                &mut evaluator,
            )?;
            done += batch.len();
            progress(done);
        }
        let mut long = LongTexts::new(self.max_length());
        examples
            .iter()
            .for_each(|example| long.see(example.facts.length));
        Ok((evaluator.evaluation(), long))
    }
}

fn refuse_other_tasks(checkpoint: &Checkpoint) -> Result<(), InferError> {
    let other = |found: &str| InferError::OtherTask {
        folder: checkpoint.folder().into(),
        found: found.into(),
    };
    let task = checkpoint
        .cloze_settings()
        .and_then(|settings| settings.task.as_deref());
    if let Some(task) = task.filter(|task| *task != cloze_tasks::text_classification::NAME) {
        return Err(other(task));
    }
    match checkpoint.problem_type()? {
        Some(ProblemType::SingleLabelClassification) | None => Ok(()),
        Some(problem) => Err(other(problem.name())),
    }
}
