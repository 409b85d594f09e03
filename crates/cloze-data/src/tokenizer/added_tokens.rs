use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use tokenizers::{AddedToken, NormalizedString, Normalizer};

use super::{TextLines, Tokenizer, TokenizerError};

impl Tokenizer {
    /// Adds tokens; each is then found whole wherever it stands in a text. Returns how many were
    /// really added: repeated ones and those that the vocabulary has are dropped, also where
    /// only normalization makes them equal (`Hello`, where `hello` is there and letters become
    /// small). Ids go on after the last one; the base vocabulary keeps its size.
    ///
    /// The model's embeddings must grow with the vocabulary.
    ///
    /// # Errors
    /// If normalization leaves nothing of a token, or the vocabulary's ids have gaps. Nothing is
    /// added then.
    pub fn add_tokens<T: AsRef<str>>(&mut self, tokens: &[T]) -> Result<usize, TokenizerError> {
        if self.last_id() as usize + 1 != self.len() {
            return Err(TokenizerError::Gaps {
                tokens: self.len(),
                last: self.last_id(),
            });
        }
        let mut known = self.normalized_added_tokens()?;
        let mut new = Vec::new();
        for token in tokens.iter().map(AsRef::as_ref) {
            let normalized = self.normalize(token)?;
            if normalized.trim().is_empty() {
                let token = token.to_owned();
                return Err(TokenizerError::EmptyToken { token });
            }
            let is_there =
                self.token_to_id(token).is_some() || self.token_to_id(normalized.trim()).is_some();
            if !is_there && known.insert(normalized) {
                new.push(AddedToken::from(token, false));
            }
        }
        let (added, size) = (new.len(), self.len());
        let inner = Arc::make_mut(&mut self.inner);
        inner
            .pipeline
            .add_tokens(new)
            .map_err(TokenizerError::library("add tokens"))?;
        // Ids are appended without a gap, which was checked above.
        inner.last_id += u32::try_from(inner.pipeline.get_vocab_size(true) - size).unwrap_or(0);
        Ok(added)
    }

    /// Adds the tokens of a UTF-8 file, one a line. Blanks around them and empty lines are left
    /// out.
    ///
    /// # Errors
    /// If the file cannot be read or is not UTF-8, and as [`add_tokens`](Self::add_tokens).
    pub fn add_tokens_from_file(&mut self, path: &Path) -> Result<usize, TokenizerError> {
        let mut tokens = Vec::new();
        for line in TextLines::open(path)? {
            let line = line?;
            let token = line.trim();
            if !token.is_empty() {
                tokens.push(token.to_owned());
            }
        }
        self.add_tokens(&tokens)
    }

    /// Adds tokens that decoding can leave out and that stand for themselves, never normalized.
    pub(super) fn add_special_tokens(&mut self, tokens: &[String]) -> Result<(), TokenizerError> {
        let inner = Arc::make_mut(&mut self.inner);
        let tokens = tokens
            .iter()
            .map(|token| AddedToken::from(token.as_str(), true));
        inner
            .pipeline
            .add_special_tokens(tokens)
            .map_err(TokenizerError::library("add the special tokens"))?;
        let ids = inner.pipeline.get_vocab(true).into_values();
        inner.last_id = ids.max().unwrap_or(0);
        Ok(())
    }

    /// The tokens that were added beyond the base vocabulary, in the order of their ids.
    pub fn added_tokens(&self) -> Vec<(String, u32)> {
        let added = self.inner.pipeline.get_added_vocabulary();
        let base = self.inner.pipeline.get_model();
        let mut tokens: Vec<_> = added
            .get_vocab()
            .iter()
            .filter(|(token, _)| tokenizers::Model::token_to_id(base, token).is_none())
            .map(|(token, &id)| (token.clone(), id))
            .collect();
        tokens.sort_unstable_by_key(|(_, id)| *id);
        tokens
    }

    fn normalize(&self, token: &str) -> Result<String, TokenizerError> {
        let mut normalized = NormalizedString::from(token);
        if let Some(normalizer) = self.inner.pipeline.get_normalizer() {
            normalizer
                .normalize(&mut normalized)
                .map_err(TokenizerError::library("normalize a token"))?;
        }
        Ok(normalized.get().to_owned())
    }

    fn normalized_added_tokens(&self) -> Result<HashSet<String>, TokenizerError> {
        let added = self.inner.pipeline.get_added_vocabulary();
        added
            .get_added_tokens_decoder()
            .values()
            .filter(|token| token.normalized)
            .map(|token| self.normalize(&token.content))
            .collect()
    }
}
