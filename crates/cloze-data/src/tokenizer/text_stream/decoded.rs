//! Vocabularies whose tokens have their spaces in them, or are bytes: the decoder makes the text.

use super::super::{DecodeOptions, EncodeOptions, TextInput, Tokenizer, TokenizerError};
use super::characters::goes_on;

/// Tokens that a decoder sees before the new ones: it may drop the space of the very first.
const CONTEXT: usize = 4;
/// Tokens of which none ends a text, after which they are taken to be broken. A character has four bytes
/// at most, and a token may hold the end of one and the beginning of the next.
const LONGEST_WAIT: usize = 8;
/// What a decoder makes of bytes that are no character, or not yet.
const REPLACEMENT: char = '\u{FFFD}';

/// Decodes what came since the last whole character behind a few tokens before it.
#[derive(Clone, Debug)]
pub(super) struct DecodedPieces {
    /// Tokens whose text is `known`, then those that are no whole character yet.
    ids: Vec<u32>,
    known_ids: usize,
    known: String,
    /// Text of whole characters that may still go on.
    held: String,
    /// A space at the beginning of what is written stands there already.
    after_space: bool,
}

impl DecodedPieces {
    pub(super) fn after(tokenizer: &Tokenizer, text: &str) -> Result<Self, TokenizerError> {
        let plain = EncodeOptions {
            add_special_tokens: false,
            ..EncodeOptions::default()
        };
        let mut ids = match text.is_empty() {
            true => Vec::new(),
            false => tokenizer.encode(&TextInput::Single(text), &plain)?.ids,
        };
        ids.drain(..ids.len().saturating_sub(CONTEXT));
        let mut stream = Self {
            known_ids: ids.len(),
            known: String::new(),
            held: String::new(),
            after_space: text.chars().next_back().is_none_or(char::is_whitespace),
            ids,
        };
        stream.known = stream.decode(tokenizer)?;
        Ok(stream)
    }

    pub(super) fn push(
        &mut self,
        tokenizer: &Tokenizer,
        id: u32,
    ) -> Result<String, TokenizerError> {
        self.ids.push(id);
        let text = self.decode(tokenizer)?;
        let waiting = self.ids.len() - self.known_ids;
        if text.ends_with(REPLACEMENT) && waiting < LONGEST_WAIT {
            return Ok(String::new());
        }
        // A decoder that changes what it said of earlier tokens is asked about the new ones alone.
        let mut new = match text.strip_prefix(&self.known) {
            Some(new) => new.to_owned(),
            None => tokenizer.decode(&self.ids[self.known_ids..], &OPTIONS)?,
        };
        self.known_ids = CONTEXT.min(self.ids.len());
        self.ids.drain(..self.ids.len() - self.known_ids);
        self.known = self.decode(tokenizer)?;
        if self.after_space && !new.is_empty() {
            self.after_space = false;
            new = new.strip_prefix(' ').unwrap_or(&new).to_owned();
        }
        if goes_on(&self.held, &new) {
            self.held.push_str(&new);
            return Ok(String::new());
        }
        Ok(std::mem::replace(&mut self.held, new))
    }

    pub(super) fn pending(&self) -> String {
        self.held.clone()
    }

    /// Bytes that were no whole character are dropped.
    pub(super) fn finish(&mut self) -> String {
        self.ids.truncate(self.known_ids);
        std::mem::take(&mut self.held)
    }

    fn decode(&self, tokenizer: &Tokenizer) -> Result<String, TokenizerError> {
        tokenizer.decode(&self.ids, &OPTIONS)
    }
}

const OPTIONS: DecodeOptions = DecodeOptions {
    skip_special_tokens: false,
    join_chinese: false,
    clean_up_spaces: Some(false),
};
