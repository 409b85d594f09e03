use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use cloze_data::corpus::{BuildOptions, Counts, Layout, WordRule, build_corpus};
use cloze_data::readers::ReadError;
use cloze_data::splits::PerPart;
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::Checkpoint;
use cloze_tasks::continuation::{ContinuationExamples, TextPart};
use cloze_tasks::metrics::Evaluation;
use cloze_tasks::{
    Continuation, Evaluator, Example, ExampleSource, Input, NextTokenModel, Task, pack,
};

use crate::InferError;
use crate::pipeline::open_tokenizer;

/// A model that says which token comes next, with its tokenizer.
#[derive(Debug)]
pub struct ContinuationPipeline {
    folder: PathBuf,
    model: NextTokenModel,
    tokenizer: Tokenizer,
}

/// How a long text is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvaluatedText<'a> {
    /// The file, for messages.
    pub path: &'a Path,
    /// Decides how long prefixes are, where the model reads such.
    pub seed: u64,
    /// Samples that are computed together. It changes speed and memory; and the last digits of the loss,
    /// which is summed batch by batch.
    pub batch_size: NonZeroUsize,
}

impl ContinuationPipeline {
    /// Loads what a run of the task `continuation` has saved.
    ///
    /// # Errors
    /// If the folder holds no such model, or its vocabulary does not belong to its weights.
    pub fn open(folder: &Path, device: &Device) -> Result<Self, InferError> {
        let checkpoint = Checkpoint::open(folder)?;
        checkpoint.wanted_continuation()?;
        let tokenizer = open_tokenizer(&checkpoint)?;
        Ok(Self {
            folder: folder.into(),
            model: NextTokenModel::open(folder, &tokenizer, device)?,
            tokenizer,
        })
    }

    /// The folder that it was loaded from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The model.
    pub fn model(&self) -> &NextTokenModel {
        &self.model
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Perplexity and accuracy of the next token over texts that are laid end to end, in samples
    /// as training made them; and what the texts came to. `progress` is told how many samples are
    /// done, and of how many. Memory does not grow with the texts.
    ///
    /// # Errors
    /// If a text cannot be read, all of them together are too short for one sample, or the disk
    /// has no room for the tokens.
    pub fn evaluate(
        &self,
        texts: impl IntoIterator<Item = Result<String, ReadError>>,
        text: &EvaluatedText<'_>,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<(Evaluation, Counts), InferError> {
        let folder = tempfile::tempdir().map_err(InferError::TemporaryFolder)?;
        let build = BuildOptions {
            layout: Layout::Stream,
            words: WordRule::None,
            split: None,
            limits: PerPart::default(),
        };
        let paths = PerPart {
            train: Some(folder.path().join("texts.safetensors")),
            ..PerPart::default()
        };
        let built = build_corpus(texts, &self.tokenizer, &build, &paths, |_| {
            ControlFlow::Continue(())
        })
        .map_err(|error| error.of_texts(text.path))?;
        let built = built.train.expect("the part has a path");
        let part = TextPart {
            span: 0..built.file.tokens(),
            file: Arc::new(built.file),
            name: "test",
        };
        let config = self.model.config();
        let examples =
            ContinuationExamples::new(part, *self.model.input(), config.stride, text.seed)
                .map_err(|error| error.of_texts(text.path))?;
        let task = Continuation::new(config.clone());
        let mut evaluator = task.evaluator();
        let mut done = 0;
        while done < examples.len() {
            let end = examples.len().min(done + text.batch_size.get());
            let batch = (done..end)
                .map(|index| Ok(examples.example(index, 0)?.into_owned()))
                .collect::<Result<Vec<Example<_>>, InferError>>()?;
            let targets: Vec<_> = batch.iter().map(|example| example.target).collect();
            let packed = pack(&batch)?;
            let input = Input::Tokens(&packed);
            task.evaluate(self.model.model(), &input, &targets, &mut evaluator)?;
            done = end;
            progress(done, examples.len());
        }
        Ok((evaluator.evaluation(), built.counts))
    }
}
