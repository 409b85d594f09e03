use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cloze_data::RandomStream;
use cloze_data::tokenizer::{EncodeOptions, TextInput, Tokenizer};
use cloze_model::checkpoint::Checkpoint;
use cloze_tasks::NextTokenModel;

use super::beam_search::{Hypothesis, beam_search};
use super::chain::{Chain, Written};
use super::{Finish, GeneratedText, GenerationSettings, MaskedNextToken, NextToken, choice};
use crate::pipeline::{describe, open_tokenizer};
use crate::{InferError, MaskedLanguagePipeline, ModelTask};

/// A model that continues texts, with its tokenizer and the settings that were saved with it.
pub struct TextGenerationPipeline {
    folder: PathBuf,
    model: Box<dyn NextToken>,
    tokenizer: Tokenizer,
    saved: GenerationSettings,
    keep_case: bool,
}

/// A text to be continued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// As it was written.
    pub text: String,
    /// Its tokens, without special ones.
    pub ids: Vec<u32>,
}

/// What decoding is called by in the paths of random streams.
const DRAW: u64 = 0x6465_636F_6465;

impl TextGenerationPipeline {
    /// Loads a continuation model that cloze has trained, or a masked language model, which continues
    /// a text by filling a mask at its end.
    ///
    /// # Errors
    /// If the folder is no checkpoint of such a model, its vocabulary does not belong to its weights,
    /// or a value among its settings is of another kind than it should be.
    pub fn open(folder: &Path, device: &Device) -> Result<Self, InferError> {
        let saved = GenerationSettings::of_folder(folder)?;
        let checkpoint = Checkpoint::open(folder)?;
        // The class of a model with the head for masked words does not tell that it learnt to continue.
        let task = match ModelTask::of(folder)? {
            ModelTask::MaskedLm if checkpoint.continuation().is_some() => ModelTask::Continuation,
            task => task,
        };
        let (model, tokenizer): (Box<dyn NextToken>, _) = match task {
            ModelTask::Continuation => {
                let tokenizer = open_tokenizer(&checkpoint)?;
                let model = NextTokenModel::open(folder, &tokenizer, device)?;
                (Box::new(model), tokenizer)
            }
            ModelTask::MaskedLm | ModelTask::Pretraining => {
                let pipeline = MaskedLanguagePipeline::open(folder, device)?;
                let tokenizer = pipeline.tokenizer().clone();
                (Box::new(MaskedNextToken::new(pipeline)), tokenizer)
            }
            _ => {
                return Err(InferError::NotAGenerationModel {
                    folder: folder.into(),
                    what: describe(&checkpoint),
                });
            }
        };
        Ok(Self {
            saved,
            folder: folder.into(),
            ..Self::new(model, tokenizer)
        })
    }

    /// A model of the caller's, without a folder.
    pub fn new(model: Box<dyn NextToken>, tokenizer: Tokenizer) -> Self {
        Self {
            folder: PathBuf::new(),
            model,
            tokenizer,
            saved: GenerationSettings::default(),
            keep_case: false,
        }
    }

    /// Leaves letters as the vocabulary has them: one without capital letters gets them at the
    /// beginning of sentences otherwise.
    #[must_use]
    pub fn keep_case(mut self) -> Self {
        self.keep_case = true;
        self
    }

    /// The folder that it was loaded from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The settings that are saved with the model.
    pub fn saved_settings(&self) -> &GenerationSettings {
        &self.saved
    }

    /// The most tokens of a text that have a say in what comes next.
    pub fn context(&self) -> usize {
        self.model.context()
    }

    /// Tokenizes a text that is to be continued.
    ///
    /// # Errors
    /// If the tokenizer refuses it, or it has no token.
    pub fn prompt(&self, text: &str) -> Result<Prompt, InferError> {
        let options = EncodeOptions {
            add_special_tokens: false,
            alignment: false,
            ..EncodeOptions::default()
        };
        let ids = self
            .tokenizer
            .encode(&TextInput::Single(text), &options)?
            .ids;
        if ids.is_empty() {
            return Err(InferError::EmptyPrompt);
        }
        Ok(Prompt {
            text: text.into(),
            ids,
        })
    }

    /// The chain of these settings. Special tokens are always banned, and what the vocabulary has no
    /// token for.
    ///
    /// # Errors
    /// If the settings make no sense, or ban every token.
    pub fn chain(&self, settings: &GenerationSettings) -> Result<Chain, InferError> {
        settings.check()?;
        let never =
            |&id: &u32| self.tokenizer.is_special(id) || self.tokenizer.id_to_token(id).is_none();
        let banned: Vec<u32> = (0..self.model.vocab_size() as u32).filter(never).collect();
        let chain = Chain::new(settings, &banned);
        let mut scores = vec![0.0; self.model.vocab_size()];
        chain.process(
            &Written {
                ids: &[],
                prompt: 0,
            },
            &mut scores,
        );
        match choice::highest(&scores) {
            Some(_) => Ok(chain),
            None => Err(InferError::NothingToWrite),
        }
    }

    /// A text of nothing yet behind a prompt. `number` tells texts apart that go on from the same
    /// prompt with the same seed.
    ///
    /// # Errors
    /// If the tokenizer refuses the prompt.
    pub fn begin(&self, prompt: &Prompt, number: u64) -> Result<GeneratedText, InferError> {
        GeneratedText::new(&self.tokenizer, prompt, self.keep_case, number)
    }

    /// Writes one token behind every text that has not ended; they are computed together. False when
    /// all have ended. A text depends on its prompt, the settings, the seed and its number alone.
    ///
    /// # Errors
    /// If the model refuses a text, or its scores are no numbers.
    pub fn step(
        &self,
        texts: &mut [GeneratedText],
        chain: &Chain,
        settings: &GenerationSettings,
        seed: u64,
    ) -> Result<bool, InferError> {
        let mut open: Vec<&mut GeneratedText> = texts
            .iter_mut()
            .filter(|text| text.finish().is_none())
            .collect();
        if open.is_empty() {
            return Ok(false);
        }
        let written: Vec<&[u32]> = open.iter().map(|text| text.ids()).collect();
        let mut logits = self.model.next_logits(&written)?;
        let rows = logits.chunks_mut(self.model.vocab_size());
        for (text, scores) in open.iter_mut().zip(rows) {
            let (ids, prompt) = (text.ids(), text.prompt());
            chain.process(&Written { ids, prompt }, scores);
            let chosen = match settings.samples() {
                true => {
                    let path = [DRAW, text.number(), text.tokens() as u64];
                    choice::draw(scores, &mut RandomStream::new(seed, &path))
                }
                false => choice::highest(scores),
            };
            let id = chosen.ok_or(InferError::NothingToWrite)?;
            self.write(text, id, settings)?;
        }
        Ok(true)
    }

    /// Goes on with texts that were begun, computed together, until all have ended. `progress` sees
    /// them after every token, and may break off.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn complete(
        &self,
        texts: &mut [GeneratedText],
        chain: &Chain,
        settings: &GenerationSettings,
        seed: u64,
        mut progress: impl FnMut(&mut [GeneratedText]) -> ControlFlow<()>,
    ) -> Result<(), InferError> {
        while self.step(texts, chain, settings, seed)? {
            if progress(texts).is_break() {
                let open = texts.iter_mut().filter(|text| text.finish().is_none());
                open.for_each(|text| text.close(Finish::Interrupted));
            }
        }
        Ok(())
    }

    /// The best texts of a beam search behind a prompt, best first. Where `interrupted`, asked before
    /// every token, says so, they end with the next one.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn beams(
        &self,
        prompt: &Prompt,
        chain: &Chain,
        settings: &GenerationSettings,
        mut interrupted: impl FnMut() -> bool,
    ) -> Result<Vec<GeneratedText>, InferError> {
        let begin = self.begin(prompt, 0)?;
        let text_of = |ids: &[u32]| -> Result<GeneratedText, InferError> {
            let mut text = begin.clone();
            for &id in ids {
                self.write(&mut text, id, settings)?;
            }
            Ok(text)
        };
        let mut ends = |ids: &[u32]| {
            if settings.stop_strings.is_empty() {
                return Ok(false);
            }
            let text = text_of(&ids[prompt.ids.len()..])?;
            Ok(text.finish() == Some(Finish::Stop))
        };
        let found = beam_search(
            &*self.model,
            &prompt.ids,
            chain,
            settings,
            &mut ends,
            &mut interrupted,
        )?;
        let text = |Hypothesis { ids, score }: Hypothesis| {
            let mut text = text_of(&ids)?;
            text.set_score(score);
            if text.finish().is_none() {
                text.close(Finish::Interrupted);
            }
            Ok(text)
        };
        found.into_iter().map(text).collect()
    }

    /// Continues prompts, each `num_return_sequences` times, all computed together. `progress` sees the
    /// texts after every token, prompt by prompt, and may break off; beam search has nothing to show
    /// before its end. [`generate_in_groups`](Self::generate_in_groups) is for many texts.
    ///
    /// # Errors
    /// As [`chain`](Self::chain) and [`step`](Self::step).
    pub fn generate(
        &self,
        prompts: &[Prompt],
        settings: &GenerationSettings,
        seed: u64,
        mut progress: impl FnMut(&mut [GeneratedText]) -> ControlFlow<()>,
    ) -> Result<Vec<GeneratedText>, InferError> {
        let chain = self.chain(settings)?;
        let mut texts = Vec::new();
        if settings.num_beams > 1 {
            for prompt in prompts {
                texts.extend(self.beams(prompt, &chain, settings, || false)?);
                if progress(&mut texts).is_break() {
                    break;
                }
            }
            return Ok(texts);
        }
        for prompt in prompts {
            for number in 0..settings.num_return_sequences {
                texts.push(self.begin(prompt, number as u64)?);
            }
        }
        self.complete(&mut texts, &chain, settings, seed, progress)?;
        Ok(texts)
    }

    fn write(
        &self,
        text: &mut GeneratedText,
        id: u32,
        settings: &GenerationSettings,
    ) -> Result<(), InferError> {
        let length = (settings.min_new_tokens, settings.max_new_tokens);
        text.push(&self.tokenizer, id, &settings.stop_strings, length)
    }
}

impl fmt::Debug for TextGenerationPipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextGenerationPipeline")
            .field("folder", &self.folder)
            .field("tokenizer", &self.tokenizer)
            .finish_non_exhaustive()
    }
}
