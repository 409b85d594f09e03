//! Text to token ids and back, with the tokenizer that a checkpoint folder holds.
//!
//! - [`Tokenizer`]: load, encode, decode, add tokens, save
//! - [`EncodeOptions`] and [`Encoding`]: what goes in besides the text, and what comes out
//! - [`TextStream`]: tokens that come one by one → text behind a text
//! - [`train_wordpiece`]: a vocabulary from text files
//! - [`TextLines`]: the lines of a UTF-8 file, with the place of what is not UTF-8
//! - [`LongTexts`]: counts texts that are longer than the model reads
//!
//! Ids are those of Hugging Face `transformers`, whose `tokenizers` crate does the work.
//!
//! ```no_run
//! use cloze_data::tokenizer::{EncodeOptions, Tokenizer};
//! let tokenizer = Tokenizer::from_folder("bert-base-uncased".as_ref())?;
//! let encoding = tokenizer.encode(&"I love China".into(), &EncodeOptions::default())?;
//! assert_eq!(encoding.ids, [101, 1045, 2293, 2859, 102]);
//! # Ok::<(), cloze_data::tokenizer::TokenizerError>(())
//! ```

mod added_tokens;
mod batch;
mod byte_level;
mod decode;
mod encode;
mod encoding;
mod error;
mod file;
mod folder_settings;
mod json_check;
mod loading;
mod long_texts;
mod padding;
mod saving;
mod special_tokens;
mod text_lines;
mod text_stream;
mod train;
mod truncation;
mod vocab_file;

use std::sync::Arc;

use serde_json::{Map, Value};
use tokenizers::{Model, PostProcessorWrapper};

pub use decode::DecodeOptions;
pub use encoding::{EncodeOptions, Encoding, Padding, TextInput, Truncation};
pub use error::TokenizerError;
pub use file::{EncodedFile, EncodedLine, LineFormat};
pub use loading::WordPieceOptions;
pub use long_texts::LongTexts;
pub use special_tokens::{SpecialToken, SpecialTokenNames, SpecialTokens};
pub use text_lines::TextLines;
pub use text_stream::TextStream;
pub use train::{VocabTraining, train_wordpiece};
pub(crate) use truncation::share as share_room;

/// A tokenizer with its vocabulary. Clones share what they hold.
#[derive(Clone)]
pub struct Tokenizer {
    inner: Arc<Inner>,
}

/// The end of a text at which tokens are cut off or padding is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

#[derive(Clone)]
struct Inner {
    /// Normalizer, word splitter, vocabulary, decoder; neither truncation, padding nor
    /// post-processor: these are applied here, each once and with the call's own options.
    pipeline: tokenizers::Tokenizer,
    /// Adds the special tokens and sets the token types.
    post_processor: Option<PostProcessorWrapper>,
    special: SpecialTokens,
    model_max_length: Option<usize>,
    truncation_side: Side,
    padding_side: Side,
    clean_up_spaces: bool,
    /// Whether the model is told which of two texts a token belongs to.
    token_types: bool,
    /// The greatest id.
    last_id: u32,
    /// `tokenizer_config.json` as it was read, to be written again with what changed.
    config: Map<String, Value>,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer")
            .field("tokens", &self.len())
            .field("special", &self.inner.special)
            .field("model_max_length", &self.inner.model_max_length)
            .finish_non_exhaustive()
    }
}

impl Tokenizer {
    /// The id of a token, if it is in the vocabulary.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.pipeline.token_to_id(token)
    }

    /// Whether a token is in the vocabulary.
    pub fn contains(&self, token: &str) -> bool {
        self.token_to_id(token).is_some()
    }

    /// The token that belongs to an id, if there is one.
    pub fn id_to_token(&self, id: u32) -> Option<String> {
        let pipeline = &self.inner.pipeline;
        let added = pipeline.get_added_vocabulary().get_added_tokens_decoder();
        match added.get(&id) {
            Some(token) => Some(token.content.clone()),
            None => pipeline.get_model().id_to_token(id),
        }
    }

    /// The ids of tokens; one that is not in the vocabulary gets the id of `[UNK]`.
    pub fn ids<T: AsRef<str>>(&self, tokens: &[T]) -> Vec<u32> {
        let unknown = self.inner.special.unk.id;
        tokens
            .iter()
            .map(|token| self.token_to_id(token.as_ref()).unwrap_or(unknown))
            .collect()
    }

    /// The tokens that belong to ids.
    ///
    /// # Errors
    /// If an id is not in the vocabulary.
    pub fn tokens(&self, ids: &[u32]) -> Result<Vec<String>, TokenizerError> {
        ids.iter()
            .map(|&id| {
                self.id_to_token(id).ok_or(TokenizerError::UnknownId {
                    id,
                    last: self.inner.last_id,
                })
            })
            .collect()
    }

    /// Number of tokens without those that were added later.
    pub fn base_vocab_size(&self) -> usize {
        self.inner.pipeline.get_vocab_size(false)
    }

    /// Number of tokens, added ones included.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a vocabulary always holds the special tokens"
    )]
    pub fn len(&self) -> usize {
        self.inner.pipeline.get_vocab_size(true)
    }

    /// The greatest id. A model needs at least one embedding more than this.
    pub fn last_id(&self) -> u32 {
        self.inner.last_id
    }

    /// Every token with its id, in the order of the ids.
    pub fn vocabulary(&self) -> Vec<(String, u32)> {
        let mut tokens: Vec<_> = self.inner.pipeline.get_vocab(true).into_iter().collect();
        tokens.sort_unstable_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        tokens
    }

    /// The five tokens with a meaning of their own.
    pub fn special(&self) -> &SpecialTokens {
        &self.inner.special
    }

    /// Whether an id is one of a special token, those beyond the five included.
    pub fn is_special(&self, id: u32) -> bool {
        let added = self.inner.pipeline.get_added_vocabulary();
        let token = added.get_added_tokens_decoder().get(&id);
        token.is_some_and(|token| token.special)
    }

    /// The length in tokens, special ones included, that the model reads, if one is stated.
    pub fn model_max_length(&self) -> Option<usize> {
        self.inner.model_max_length
    }

    /// Sets the length that the model reads (its number of position embeddings, say).
    pub fn set_model_max_length(&mut self, length: usize) {
        Arc::make_mut(&mut self.inner).model_max_length = Some(length);
    }

    /// Names the architecture that the tokenizer is saved for, as `model_type` of `config.json`
    /// does. `transformers` then hands the model the inputs that it takes: a DistilBERT refuses
    /// token type ids. A name that cloze does not know changes nothing.
    pub fn set_model_type(&mut self, model_type: &str) {
        let Some((class, fits)) = loading::tokenizer_class(model_type) else {
            return;
        };
        let inner = Arc::make_mut(&mut self.inner);
        let fits = fits(inner.pipeline.get_model());
        // A class would make its own kind of model of the vocabulary; this one leaves it alone.
        let class = if fits {
            class
        } else {
            "PreTrainedTokenizerFast"
        };
        inner.config.insert("tokenizer_class".into(), class.into());
        inner.config.shift_remove("model_input_names");
        inner.token_types = !model_type.contains("roberta");
        if !fits && !inner.token_types {
            let inputs = ["input_ids", "attention_mask"];
            inner
                .config
                .insert("model_input_names".into(), inputs.as_slice().into());
        }
    }

    /// A hash of everything that decides which ids a text gets, in hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        // Vocabulary and added tokens are written in the order of their ids.
        let json = serde_json::to_vec(&self.whole_pipeline())
            .expect("a pipeline was read from JSON or is made of parts that are written to it");
        let mut hasher = blake3::Hasher::new();
        hasher.update(&json);
        hasher.update(format!("{:?}", self.inner.truncation_side).as_bytes());
        hasher.finalize().to_hex().to_string()
    }

    /// The pipeline as `tokenizer.json` holds it.
    fn whole_pipeline(&self) -> tokenizers::Tokenizer {
        let mut pipeline = self.inner.pipeline.clone();
        pipeline.with_post_processor(self.inner.post_processor.clone());
        pipeline
    }
}
