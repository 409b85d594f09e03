use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use cloze_data::corpus::{BuildOptions, Counts, Layout, WordRule, build_corpus};
use cloze_data::masking::{MaskVocabulary, Masking};
use cloze_data::readers::ReadError;
use cloze_data::splits::PerPart;
use cloze_tasks::masked_lm::{MaskedExamples, Sequences};
use cloze_tasks::metrics::Evaluation;
use cloze_tasks::{Evaluator, ExampleSource, Input, MaskedLm, Task, pack};

use crate::{InferError, MaskedLanguagePipeline};

/// How a masked language model is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaskedEvaluationOptions {
    /// How much is hidden.
    pub masking: Masking,
    /// What a word is, where whole words are hidden.
    pub words: WordRule,
    /// Decides which tokens are hidden.
    pub seed: u64,
    /// Texts that are computed together. It changes speed and memory, never metrics.
    pub batch_size: NonZeroUsize,
}

impl MaskedLanguagePipeline {
    /// Perplexity and accuracy over texts, each by itself and cut to what the model reads, with
    /// tokens hidden as `options` say; and what the texts came to. `progress` is told how many
    /// texts are done, and of how many. Memory does not grow with the number of texts.
    ///
    /// # Errors
    /// If a text cannot be read, there is no word to be hidden in any, or the disk has no room for
    /// the tokens.
    pub fn evaluate(
        &self,
        texts: impl IntoIterator<Item = Result<String, ReadError>>,
        options: &MaskedEvaluationOptions,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<(Evaluation, Counts), InferError> {
        let folder = tempfile::tempdir().map_err(InferError::TemporaryFolder)?;
        let build = BuildOptions {
            layout: Layout::Lines {
                max_length: self.max_length(),
            },
            words: options.words,
            split: None,
            limits: PerPart::default(),
        };
        let paths = PerPart {
            train: Some(folder.path().join("texts.safetensors")),
            ..PerPart::default()
        };
        let built = build_corpus(texts, self.tokenizer(), &build, &paths, |_| {
            ControlFlow::Continue(())
        })?;
        let built = built.train.expect("the part has a path");
        let vocabulary = MaskVocabulary::of(self.tokenizer());
        let sequences = Sequences::Lines(built.file);
        let examples = MaskedExamples::new(sequences, options.masking, vocabulary, options.seed);
        let task = MaskedLm::new(self.max_length());
        let mut evaluator = task.evaluator();
        let mut done = 0;
        while done < examples.len() {
            let end = examples.len().min(done + options.batch_size.get());
            let batch = (done..end)
                .map(|index| Ok(examples.example(index, 0)?.into_owned()))
                .collect::<Result<Vec<_>, InferError>>()?;
            let targets: Vec<_> = batch.iter().map(|example| example.target.clone()).collect();
            let packed = pack(&batch)?;
            task.evaluate(
                self.model(),
                &Input::Tokens(&packed),
                &targets,
                &mut evaluator,
            )?;
            done = end;
            progress(done, examples.len());
        }
        Ok((evaluator.evaluation(), built.counts))
    }
}
