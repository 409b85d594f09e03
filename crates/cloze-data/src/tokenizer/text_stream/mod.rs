//! Tokens that come one by one → text that goes on where another text ended.

mod characters;
mod decoded;
mod words;

use tokenizers::ModelWrapper;

use self::decoded::DecodedPieces;
use self::words::WordPieces;
use super::{Tokenizer, TokenizerError};

/// The text of tokens that are written one after the other behind a text.
///
/// What [`push`](Self::push) returns is settled: later tokens never change it, it never ends
/// inside a character, nor between a letter and its combining marks or the parts of an emoji. To
/// know that, and which spaces stand around a quotation mark, the last token is held back until the
/// next one is known ([`pending`](Self::pending)).
///
/// Where tokens are words (WordPiece), spaces are set as they are written: none within Chinese,
/// none before a comma, none within `it's` or `half-stranded`, one between words. A vocabulary
/// without capital letters gets them at the beginning of sentences and for `I`, unless
/// [`keep_case`](Self::keep_case) says not to. Other vocabularies have the spaces in their tokens.
#[derive(Clone, Debug)]
pub struct TextStream {
    pieces: Pieces,
}

#[derive(Clone, Debug)]
enum Pieces {
    Words(WordPieces),
    Decoded(DecodedPieces),
}

impl TextStream {
    /// A stream that goes on where `text` ends; the text may be empty.
    ///
    /// # Errors
    /// If the tokenizer refuses the text.
    pub fn after(tokenizer: &Tokenizer, text: &str) -> Result<Self, TokenizerError> {
        let pieces = match tokenizer.inner.pipeline.get_model() {
            ModelWrapper::WordPiece(model) => Pieces::Words(WordPieces::after(
                text,
                model.continuing_subword_prefix.clone(),
                tokenizer.is_lower_case(),
            )),
            _ => Pieces::Decoded(DecodedPieces::after(tokenizer, text)?),
        };
        Ok(Self { pieces })
    }

    /// Leaves letters as the vocabulary has them.
    #[must_use]
    pub fn keep_case(mut self) -> Self {
        if let Pieces::Words(words) = &mut self.pieces {
            words.keep_case();
        }
        self
    }

    /// Takes the next token, and returns the text that is settled now, often that of the token
    /// before. Special tokens and ids outside the vocabulary give no text.
    ///
    /// # Errors
    /// If the decoder of a `tokenizer.json` refuses the token.
    pub fn push(&mut self, tokenizer: &Tokenizer, id: u32) -> Result<String, TokenizerError> {
        if tokenizer.is_special(id) {
            return Ok(String::new());
        }
        let Some(token) = tokenizer.id_to_token(id) else {
            return Ok(String::new());
        };
        match &mut self.pieces {
            Pieces::Words(words) => Ok(words.push(&token)),
            Pieces::Decoded(decoded) => decoded.push(tokenizer, id),
        }
    }

    /// The text of what is held back, were nothing to follow.
    pub fn pending(&self) -> String {
        match &self.pieces {
            Pieces::Words(words) => words.clone().finish(),
            Pieces::Decoded(decoded) => decoded.pending(),
        }
    }

    /// The text of what was held back. Afterwards the stream can go on.
    pub fn finish(&mut self) -> String {
        match &mut self.pieces {
            Pieces::Words(words) => words.finish(),
            Pieces::Decoded(decoded) => decoded.finish(),
        }
    }
}

#[cfg(test)]
mod tests;
