//! Models that give every word a label: entities of a text, or its parts of speech.

mod aggregation;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cloze_core::{LabelSet, PackedBatch};
use cloze_data::readers::tagged::TaggedSentence;
use cloze_data::tokenizer::{EncodeOptions, Encoding, TextInput, Tokenizer, Truncation};
use cloze_data::windows::{TextWindow, text_windows};
use cloze_model::checkpoint::{Checkpoint, TokenClassifierOptions, load_token_classifier};
use cloze_model::{ForwardOptions, TokenClassifier};
use cloze_tasks::metrics::Evaluation;
use cloze_tasks::text_classification::softmax;
use cloze_tasks::token_classification::{NAME, TagEvaluator};
use cloze_tasks::{Evaluator, Input, Task, TokenClassification, pack};

use crate::InferError;
use crate::pipeline::{by_length, describe, max_length, open_tokenizer, refuse_other_tasks};
use crate::text_classifier::BATCH;
pub use aggregation::{Aggregation, FoundEntity};
use aggregation::{Aggregator, ScoredToken};

/// A model that gives every word of a text one of several labels.
#[derive(Debug)]
pub struct TokenClassificationPipeline {
    folder: PathBuf,
    task: TokenClassification,
    model: TokenClassifier,
    tokenizer: Tokenizer,
}

/// Some sentences of an evaluation, and the label ids of the words of each.
pub type TaggedPart = (Vec<TaggedSentence>, Vec<Vec<usize>>);

/// How entities are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaggingOptions {
    /// How tokens become entities.
    pub aggregation: Aggregation,
    /// How many tokens a window of a long text repeats of the one before, at least; a quarter of
    /// a window where nothing is said.
    pub overlap: Option<usize>,
    /// Windows that are computed together. It changes speed and memory, never scores.
    pub batch_size: NonZeroUsize,
}

impl Default for TaggingOptions {
    fn default() -> Self {
        Self {
            aggregation: Aggregation::default(),
            overlap: None,
            batch_size: BATCH,
        }
    }
}

/// What the model says about a text.
#[derive(Clone, Debug, PartialEq)]
pub struct TaggedText {
    /// Entities, or tokens, whose label is not `O`, in the order of the text.
    pub entities: Vec<FoundEntity>,
    /// Length of the text in tokens.
    pub length: usize,
    /// Windows in which it was read.
    pub windows: usize,
}

impl TokenClassificationPipeline {
    /// Loads a folder that cloze or `transformers` has saved.
    ///
    /// # Errors
    /// If the folder is no checkpoint, has no head for tokens, was trained for another task, or its
    /// vocabulary does not belong to its weights.
    pub fn open(folder: &Path, device: &Device) -> Result<Self, InferError> {
        let checkpoint = Checkpoint::open(folder)?;
        refuse_other_tasks(&checkpoint, NAME, "a label for every word")?;
        let tokenizer = open_tokenizer(&checkpoint)?;
        let options = TokenClassifierOptions::default();
        let (mut model, report) = load_token_classifier(&checkpoint, &options, device)?;
        if !report.missing.is_empty() {
            return Err(InferError::NotATokenClassifier {
                folder: folder.into(),
                what: describe(&checkpoint),
                missing: report.missing,
            });
        }
        model.encoder.pack_weights();
        let labels = checkpoint.labels_or_numbered(model.head.labels())?;
        let max_length = max_length(&checkpoint, &tokenizer);
        Ok(Self {
            folder: folder.into(),
            task: TokenClassification::new(labels, max_length),
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
    pub fn task(&self) -> &TokenClassification {
        &self.task
    }

    /// Tokens of a window, special tokens included.
    pub fn max_length(&self) -> usize {
        self.task.max_length()
    }

    /// The entities of each text, in their order, as the token-classification pipeline of
    /// `transformers` finds them. A text that is longer than the model reads is read in windows
    /// that overlap; every token is judged in the one where it has the most text around it, and
    /// then all of them together, so that no entity is cut.
    ///
    /// # Errors
    /// If the tokenizer or the model refuses a text.
    pub fn predict(
        &self,
        texts: &[&str],
        options: &TaggingOptions,
    ) -> Result<Vec<TaggedText>, InferError> {
        let inputs: Vec<TextInput<'_>> = texts.iter().map(|&text| text.into()).collect();
        let encodings = self.tokenizer.encode_batch(&inputs, &whole())?;
        let mut windows = Vec::new();
        let mut counts = Vec::with_capacity(texts.len());
        for (text, encoding) in encodings.iter().enumerate() {
            let overlap = options.overlap.unwrap_or(self.task.overlap());
            let of_text = text_windows(encoding, self.max_length(), overlap)?;
            counts.push(of_text.len());
            let judged = of_text.into_iter().filter(|window| !window.own.is_empty());
            windows.extend(judged.map(|window| (text, window)));
        }
        let scores = self.scores(&encodings, windows, options.batch_size)?;
        let aggregator = Aggregator {
            labels: self.labels().names(),
            scheme: self.task.scheme(),
            tokenizer: &self.tokenizer,
        };
        let texts = texts.iter().zip(&encodings).zip(&scores).zip(counts);
        texts
            .map(|(((text, encoding), scores), windows)| {
                let tokens = self.tokens(text, encoding, scores)?;
                Ok(TaggedText {
                    entities: aggregator.entities(tokens, options.aggregation)?,
                    length: encoding.untruncated_length,
                    windows,
                })
            })
            .collect()
    }

    /// For every token of every text the probabilities of the labels; nothing for special tokens.
    fn scores(
        &self,
        encodings: &[Encoding],
        mut windows: Vec<(usize, TextWindow)>,
        batch_size: NonZeroUsize,
    ) -> Result<Vec<Vec<Vec<f64>>>, InferError> {
        let mut scores: Vec<Vec<Vec<f64>>> = encodings
            .iter()
            .map(|encoding| vec![Vec::new(); encoding.len()])
            .collect();
        windows.sort_by_key(|(_, window)| window.ids.len());
        for batch in windows.chunks(batch_size.get()) {
            let sequences = batch
                .iter()
                .map(|(_, window)| (window.ids.as_slice(), window.type_ids.as_slice()));
            let packed = PackedBatch::from_sequences(sequences)?;
            let starts = packed.offsets().iter();
            let rows: Vec<usize> = batch
                .iter()
                .zip(starts)
                .flat_map(|((_, window), start)| window.own.clone().map(move |at| start + at))
                .collect();
            let logits = self
                .model
                .forward(&packed, &rows, &ForwardOptions::default())?;
            let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
            let mut logits = logits.chunks(self.labels().len());
            for (text, window) in batch {
                for (position, logits) in window.own.clone().zip(&mut logits) {
                    scores[*text][position + window.start] = softmax(logits);
                }
            }
        }
        Ok(scores)
    }

    /// The tokens of a text, without special ones. As `transformers` tells sub-words, a mark such as
    /// `##` makes them longer than their text; without such marks they follow no space.
    fn tokens(
        &self,
        text: &str,
        encoding: &Encoding,
        scores: &[Vec<f64>],
    ) -> Result<Vec<ScoredToken>, InferError> {
        let characters: Vec<char> = text.chars().collect();
        let names = self.tokenizer.tokens(&encoding.ids)?;
        let marks = self.tokenizer.marks_continuations();
        let unknown = self.tokenizer.special().unk.id;
        let mut tokens = Vec::with_capacity(names.len());
        for (index, (token, scores)) in names.into_iter().zip(scores).enumerate() {
            if scores.is_empty() {
                continue;
            }
            let (start, end) = encoding.offsets[index];
            let is_unknown = encoding.ids[index] == unknown;
            let goes_on = match marks {
                true => token.chars().count() != end - start,
                false => follows_no_space(&characters, start),
            };
            let own = characters.get(start..end).unwrap_or_default();
            tokens.push(ScoredToken {
                is_sub_word: goes_on && !is_unknown,
                word: match is_unknown {
                    true => own.iter().collect(),
                    false => token,
                },
                scores: scores.clone(),
                start,
                end,
                index,
            });
        }
        Ok(tokens)
    }

    /// Metrics over sentences whose label ids are known. Words are judged at their first
    /// sub-words. `parts` are some sentences at a time, thousands say; memory grows with a part.
    /// `progress` is told how many sentences are done.
    ///
    /// # Errors
    /// As [`predict`](Self::predict), and those of the parts.
    ///
    /// # Panics
    /// If there are not as many lists of labels as sentences, or labels as words.
    pub fn evaluate<E: From<InferError>>(
        &self,
        parts: impl IntoIterator<Item = Result<TaggedPart, E>>,
        batch_size: NonZeroUsize,
        mut progress: impl FnMut(usize),
    ) -> Result<Evaluation, E> {
        let mut evaluator = self.task.evaluator();
        let mut done = 0;
        for part in parts {
            let (sentences, labels) = part?;
            self.evaluate_part(done, &sentences, &labels, batch_size, &mut evaluator)?;
            done += sentences.len();
            progress(done);
        }
        Ok(evaluator.evaluation())
    }

    fn evaluate_part(
        &self,
        first: usize,
        sentences: &[TaggedSentence],
        labels: &[Vec<usize>],
        batch_size: NonZeroUsize,
        evaluator: &mut TagEvaluator,
    ) -> Result<(), InferError> {
        let words = sentences.iter().map(|sentence| sentence.words.as_slice());
        let tokenizer = &self.tokenizer;
        let examples = self
            .task
            .examples_from(first, tokenizer, words, labels, |_| ())?;
        for batch in by_length(&examples, batch_size) {
            let packed = pack(batch.iter().copied())?;
            let targets: Vec<_> = batch.iter().map(|example| example.target.clone()).collect();
            let input = Input::Tokens(&packed);
            self.task
                .evaluate(&self.model, &input, &targets, evaluator)?;
        }
        evaluator.take_predictions();
        Ok(())
    }
}

/// Whether no space stands where a token starts, or right before it.
fn follows_no_space(characters: &[char], start: usize) -> bool {
    let around = start.saturating_sub(1)..characters.len().min(start + 1);
    start > 0 && !characters[around].contains(&' ')
}

/// Nothing is cut: windows are made of the whole.
fn whole() -> EncodeOptions {
    EncodeOptions {
        truncation: Truncation::None,
        ..EncodeOptions::default()
    }
}
