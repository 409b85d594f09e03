use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cloze_data::tokenizer::{DecodeOptions, TextInput, Tokenizer};
use cloze_model::checkpoint::{Checkpoint, load_masked_language_model};
use cloze_model::{ForwardOptions, MaskedLanguageModel};
use cloze_tasks::encoding::encode_texts;
use cloze_tasks::text_classification::softmax;
use cloze_tasks::{Example, LabelScore, pack};

use crate::pipeline::{by_length, describe, max_length, open_tokenizer};
use crate::{InferError, PredictOptions, Prediction, TopK};

/// A model that says which words stand behind masks, and, if it was trained to, whether one
/// text follows another.
#[derive(Debug)]
pub struct MaskedLanguagePipeline {
    folder: PathBuf,
    model: MaskedLanguageModel,
    tokenizer: Tokenizer,
    max_length: usize,
}

/// How masks are filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillOptions {
    /// Fillings of a mask, the likeliest first.
    pub top_k: NonZeroUsize,
    /// The tokens to choose from; all of them where there are none.
    pub targets: Option<Vec<u32>>,
    /// Texts that are computed together. It changes speed and memory, never scores.
    pub batch_size: NonZeroUsize,
}

impl Default for FillOptions {
    fn default() -> Self {
        // Evaluated when cloze is compiled: neither is zero.
        const TOP: NonZeroUsize = NonZeroUsize::new(5).unwrap();
        const BATCH: NonZeroUsize = NonZeroUsize::new(32).unwrap();
        Self {
            top_k: TOP,
            targets: None,
            batch_size: BATCH,
        }
    }
}

/// One filling of a mask, with the fields of a `transformers` pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Filling {
    /// Its probability among all tokens of the vocabulary.
    pub score: f64,
    /// The token's id.
    pub token: u32,
    /// The token as text.
    pub token_str: String,
    /// The text as the model reads it, with this filling. Where there are several masks, the
    /// others stay, and so do `[CLS]` and `[SEP]`.
    pub sequence: String,
}

/// What a model says about the masks of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct FilledText {
    /// For every mask, in order, its fillings, the likeliest first.
    pub masks: Vec<Vec<Filling>>,
    /// Length of the text in tokens, before it was cut to what the model reads.
    pub length: usize,
}

/// What a pair of texts may be, by the class of next-sentence prediction; the names are those of
/// BERT's paper.
pub const NEXT_SENTENCE_LABELS: [&str; 2] = ["IsNext", "NotNext"];

impl MaskedLanguagePipeline {
    /// Loads a folder that cloze or `transformers` has saved.
    ///
    /// # Errors
    /// If the folder is no checkpoint, has no masked-language head, or its vocabulary does not
    /// belong to its weights.
    pub fn open(folder: &Path, device: &Device) -> Result<Self, InferError> {
        Self::load(folder, false, device)
    }

    /// Loads a folder whose model was also trained for next-sentence prediction, as
    /// `BertForPreTraining` is.
    ///
    /// # Errors
    /// As [`open`](Self::open), and if the model has no next-sentence head.
    pub fn open_with_next_sentence(folder: &Path, device: &Device) -> Result<Self, InferError> {
        Self::load(folder, true, device)
    }

    fn load(folder: &Path, next_sentence: bool, device: &Device) -> Result<Self, InferError> {
        let checkpoint = Checkpoint::open(folder)?;
        let tokenizer = open_tokenizer(&checkpoint)?;
        let (mut model, report) =
            load_masked_language_model(&checkpoint, next_sentence, 0, device)?;
        if !report.missing.is_empty() {
            return Err(InferError::NotAMaskedLanguageModel {
                folder: folder.into(),
                what: describe(&checkpoint),
                missing: report.missing,
            });
        }
        model.pack_weights();
        Ok(Self {
            folder: folder.into(),
            max_length: max_length(&checkpoint, &tokenizer),
            model,
            tokenizer,
        })
    }

    /// The folder that it was loaded from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn model(&self) -> &MaskedLanguageModel {
        &self.model
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Tokens that are read of a text, special tokens included; longer texts are cut.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// What stands behind the masks of each text, in their order.
    ///
    /// # Errors
    /// If a text has no mask within what the model reads, or the tokenizer or the model refuses
    /// it.
    pub fn fill(
        &self,
        texts: &[TextInput<'_>],
        options: &FillOptions,
    ) -> Result<Vec<FilledText>, InferError> {
        let examples = encode_texts(&self.tokenizer, texts, self.max_length, |_| ())?;
        if let Some(example) = examples
            .iter()
            .find(|example| self.masks(example).is_empty())
        {
            return Err(InferError::NoMask {
                text: example.row,
                mask: self.tokenizer.special().mask.token.clone(),
                cut: (example.facts.length > self.max_length).then_some(self.max_length),
            });
        }
        let mut filled = vec![None; examples.len()];
        for batch in by_length(&examples, options.batch_size) {
            let mut logits = self.logits(&batch)?.into_iter();
            for example in batch {
                let masks = self.masks(example);
                let mut fillings = Vec::with_capacity(masks.len());
                for (&mask, logits) in masks.iter().zip(&mut logits) {
                    fillings.push(self.fillings(
                        example,
                        mask,
                        masks.len() == 1,
                        &logits,
                        options,
                    )?);
                }
                filled[example.row] = Some(FilledText {
                    masks: fillings,
                    length: example.facts.length,
                });
            }
        }
        // Every example is in exactly one batch.
        Ok(filled.into_iter().flatten().collect())
    }

    /// Whether the second text of each pair follows the first: both labels of
    /// [`NEXT_SENTENCE_LABELS`] or, by `options`, the likelier one.
    ///
    /// # Errors
    /// If the tokenizer or the model refuses a pair.
    ///
    /// # Panics
    /// If the model was opened without next-sentence prediction.
    pub fn next_sentence(
        &self,
        pairs: &[TextInput<'_>],
        options: &PredictOptions,
    ) -> Result<Vec<Prediction>, InferError> {
        let examples = encode_texts(&self.tokenizer, pairs, self.max_length, |_| ())?;
        let mut predictions = vec![None; examples.len()];
        for batch in by_length(&examples, options.batch_size) {
            let packed = pack(batch.iter().copied())?;
            let output = self
                .model
                .forward(&packed, &[0], &ForwardOptions::default())?;
            let logits = output
                .next_sentence
                .expect("the model was opened with next-sentence prediction");
            let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
            for (example, logits) in batch.iter().zip(logits.chunks(2)) {
                let labels = NEXT_SENTENCE_LABELS.iter().zip(softmax(logits));
                let mut scores: Vec<LabelScore> = labels
                    .map(|(&label, score)| LabelScore {
                        label: label.into(),
                        score,
                    })
                    .collect();
                scores.sort_by(|a, b| b.score.total_cmp(&a.score));
                if let TopK::Best(count) = options.top_k {
                    scores.truncate(count.get());
                }
                predictions[example.row] = Some(Prediction {
                    scores,
                    length: example.facts.length,
                });
            }
        }
        Ok(predictions.into_iter().flatten().collect())
    }

    /// Positions of the masks of an example.
    fn masks(&self, example: &Example<()>) -> Vec<usize> {
        let mask = self.tokenizer.special().mask.id;
        let positions = example.ids.iter().enumerate();
        positions
            .filter_map(|(position, &id)| (id == mask).then_some(position))
            .collect()
    }

    /// The logits of every mask of a batch, `[vocab]` each.
    fn logits(&self, batch: &[&Example<()>]) -> Result<Vec<Vec<f32>>, InferError> {
        let packed = pack(batch.iter().copied())?;
        let starts = packed.offsets().iter();
        let rows: Vec<usize> = batch
            .iter()
            .zip(starts)
            .flat_map(|(example, &start)| {
                let masks = self.masks(example).into_iter();
                masks.map(move |position| start + position)
            })
            .collect();
        let output = self
            .model
            .forward(&packed, &rows, &ForwardOptions::default())?;
        let [_, vocabulary] = output.logits.dims();
        let logits: Vec<f32> = output.logits.into_data().iter::<f32>().collect();
        Ok(logits.chunks(vocabulary).map(<[f32]>::to_vec).collect())
    }

    fn fillings(
        &self,
        example: &Example<()>,
        mask: usize,
        only: bool,
        logits: &[f32],
        options: &FillOptions,
    ) -> Result<Vec<Filling>, InferError> {
        let scores = softmax(logits);
        let mut candidates: Vec<u32> = match &options.targets {
            Some(targets) => {
                let mut different = targets.clone();
                different.sort_unstable();
                different.dedup();
                different
            }
            None => (0..scores.len() as u32).collect(),
        };
        let better = |a: &u32, b: &u32| {
            let score = |id: u32| scores[id as usize];
            score(*b).total_cmp(&score(*a)).then(a.cmp(b))
        };
        let top_k = options.top_k.get().min(candidates.len());
        if top_k < candidates.len() {
            candidates.select_nth_unstable_by(top_k, better);
            candidates.truncate(top_k);
        }
        candidates.sort_by(better);
        let decode = DecodeOptions {
            skip_special_tokens: only,
            ..DecodeOptions::default()
        };
        let filling = |token: u32| {
            let mut ids = example.ids.clone();
            ids[mask] = token;
            Ok(Filling {
                score: scores[token as usize],
                token,
                token_str: self.tokenizer.decode(&[token], &DecodeOptions::default())?,
                sequence: self.tokenizer.decode(&ids, &decode)?,
            })
        };
        candidates.into_iter().map(filling).collect()
    }
}
