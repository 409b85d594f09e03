use tokenizers::{Encoding as RawEncoding, InputSequence, PostProcessor};

use super::truncation::truncate;
use super::{EncodeOptions, Encoding, TextInput, Tokenizer, TokenizerError, Truncation};

/// A text, or its words.
#[derive(Clone, Copy)]
pub(super) enum Sequence<'a> {
    Text(&'a str),
    Words(&'a [&'a str]),
}

impl<'a> TextInput<'a> {
    fn sequences(self) -> (Sequence<'a>, Option<Sequence<'a>>) {
        match self {
            Self::Single(text) => (Sequence::Text(text), None),
            Self::Pair(first, second) => (Sequence::Text(first), Some(Sequence::Text(second))),
            Self::Words(words) => (Sequence::Words(words), None),
            Self::WordsPair(first, second) => {
                (Sequence::Words(first), Some(Sequence::Words(second)))
            }
        }
    }
}

impl Tokenizer {
    /// Splits a text into tokens, without special ones.
    ///
    /// # Errors
    /// If the text needs `[UNK]` and a `tokenizer.json` names none that is in its vocabulary.
    pub fn tokenize(&self, text: &str) -> Result<Vec<String>, TokenizerError> {
        let raw = self.raw(Sequence::Text(text), false)?;
        self.tokens(raw.get_ids())
    }

    /// Encodes one input. [`encode_batch`](Self::encode_batch) does many at once.
    ///
    /// # Errors
    /// If the length asked for has no room for the special tokens, the text that may be cut is
    /// too short for it, the stride is not smaller than a window, or padding to the greatest
    /// length is asked for and there is none.
    pub fn encode(
        &self,
        input: &TextInput<'_>,
        options: &EncodeOptions,
    ) -> Result<Encoding, TokenizerError> {
        let encoding = self.encode_unpadded(input, options)?;
        let mut encodings = [encoding];
        self.pad(&mut encodings, options)?;
        let [encoding] = encodings;
        Ok(encoding)
    }

    pub(super) fn encode_unpadded(
        &self,
        input: &TextInput<'_>,
        options: &EncodeOptions,
    ) -> Result<Encoding, TokenizerError> {
        let (first, second) = input.sequences();
        let first = self.raw(first, options.alignment)?;
        let second = second
            .map(|second| self.raw(second, options.alignment))
            .transpose()?;
        self.assemble(first, second, options)
    }

    /// A text's tokens: no special ones, nothing cut, offsets in characters if they are wanted.
    pub(super) fn raw(
        &self,
        sequence: Sequence<'_>,
        alignment: bool,
    ) -> Result<RawEncoding, TokenizerError> {
        let input: InputSequence<'_> = match sequence {
            Sequence::Text(text) => text.into(),
            Sequence::Words(words) => words.into(),
        };
        let pipeline = &self.inner.pipeline;
        let raw = if alignment {
            pipeline.encode(input, false)
        } else {
            pipeline.encode_fast(input, false)
        };
        let mut raw = raw.map_err(TokenizerError::library("tokenize a text"))?;
        if alignment {
            match sequence {
                Sequence::Text(text) => count_in_characters(text, raw.get_offsets_mut()),
                Sequence::Words(words) => count_words_in_characters(words, &mut raw),
            }
        }
        Ok(raw)
    }

    /// Cuts, adds special tokens and token types.
    pub(super) fn assemble(
        &self,
        mut first: RawEncoding,
        mut second: Option<RawEncoding>,
        options: &EncodeOptions,
    ) -> Result<Encoding, TokenizerError> {
        if let Some(second) = &mut second {
            // Windows that truncation makes of the second text inherit its type.
            second.set_type_ids(vec![1; second.len()]);
        }
        let special = match &self.inner.post_processor {
            Some(processor) if options.add_special_tokens => {
                processor.added_tokens(second.is_some())
            }
            _ => 0,
        };
        let text_tokens = first.len() + second.as_ref().map_or(0, RawEncoding::len);
        if let Some(max_length) = options.max_length
            && options.truncation != Truncation::None
        {
            let room = max_length
                .checked_sub(special)
                .ok_or(TokenizerError::NoRoom {
                    max_length,
                    special,
                })?;
            let side = self.inner.truncation_side;
            truncate(&mut first, second.as_mut(), room, side, options)?;
        }
        let whole = self.post_process(first, second, options.add_special_tokens)?;
        self.finish(whole, text_tokens + special, options)
    }

    fn post_process(
        &self,
        first: RawEncoding,
        second: Option<RawEncoding>,
        add_special_tokens: bool,
    ) -> Result<RawEncoding, TokenizerError> {
        match &self.inner.post_processor {
            Some(processor) => processor
                .process(first, second, add_special_tokens)
                .map_err(TokenizerError::library("add the special tokens")),
            None => Ok(RawEncoding::merge([first].into_iter().chain(second), false)),
        }
    }

    fn finish(
        &self,
        mut raw: RawEncoding,
        untruncated_length: usize,
        options: &EncodeOptions,
    ) -> Result<Encoding, TokenizerError> {
        let overflowing = raw
            .take_overflowing()
            .into_iter()
            .map(|window| self.finish(window, untruncated_length, options))
            .collect::<Result<_, _>>()?;
        let mut encoding = Encoding {
            ids: raw.get_ids().to_vec(),
            type_ids: match self.inner.token_types {
                true => raw.get_type_ids().to_vec(),
                false => vec![0; raw.len()],
            },
            attention_mask: vec![1; raw.len()],
            untruncated_length,
            overflowing,
            ..Encoding::default()
        };
        if options.alignment {
            encoding.offsets = raw.get_offsets().to_vec();
            encoding.word_ids = raw.get_word_ids().to_vec();
            let mask = raw.get_special_tokens_mask().iter();
            encoding.special_tokens_mask = mask.map(|&special| u8::from(special == 1)).collect();
        }
        if options.tokens {
            encoding.tokens = self.tokens(&encoding.ids)?;
        }
        Ok(encoding)
    }
}

/// Turns offsets in bytes into offsets in characters.
fn count_in_characters(text: &str, offsets: &mut [(usize, usize)]) {
    if text.is_ascii() {
        return;
    }
    let mut character_at = vec![0; text.len() + 1];
    let mut characters = 0;
    for (start, character) in text.char_indices() {
        character_at[start..start + character.len_utf8()].fill(characters);
        characters += 1;
    }
    character_at[text.len()] = characters;
    for (start, end) in offsets {
        (*start, *end) = (character_at[*start], character_at[*end]);
    }
}

/// The same where offsets count from the start of each word.
fn count_words_in_characters(words: &[&str], raw: &mut RawEncoding) {
    let word_ids = raw.get_word_ids().to_vec();
    let mut rest = raw.get_offsets_mut();
    for tokens in word_ids.chunk_by(|a, b| a == b) {
        let (of_word, others) = rest.split_at_mut(tokens.len());
        if let Some(word) = tokens[0].and_then(|word| words.get(word as usize)) {
            count_in_characters(word, of_word);
        }
        rest = others;
    }
}
