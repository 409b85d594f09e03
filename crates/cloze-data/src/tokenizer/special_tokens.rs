use super::TokenizerError;
use cloze_core::InputError;
use std::path::Path;

/// A token with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialToken {
    /// The token as it stands in the vocabulary.
    pub token: String,
    /// Its id.
    pub id: u32,
}

/// The five tokens that every BERT-family model gives a meaning of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialTokens {
    /// Starts every sequence (`[CLS]`).
    pub cls: SpecialToken,
    /// Ends a text (`[SEP]`).
    pub sep: SpecialToken,
    /// Fills up a batch (`[PAD]`).
    pub pad: SpecialToken,
    /// Hides a token that is to be predicted (`[MASK]`).
    pub mask: SpecialToken,
    /// Stands for a word outside the vocabulary (`[UNK]`).
    pub unk: SpecialToken,
}

impl SpecialTokens {
    /// Each role's key in `tokenizer_config.json` and `special_tokens_map.json`, with its token.
    pub fn by_key(&self) -> [(&'static str, &SpecialToken); 5] {
        [
            ("cls_token", &self.cls),
            ("mask_token", &self.mask),
            ("pad_token", &self.pad),
            ("sep_token", &self.sep),
            ("unk_token", &self.unk),
        ]
    }
}

/// What the special tokens are called. The default is BERT's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialTokenNames {
    /// Starts every sequence.
    pub cls: String,
    /// Ends a text.
    pub sep: String,
    /// Fills up a batch.
    pub pad: String,
    /// Hides a token that is to be predicted.
    pub mask: String,
    /// Stands for a word outside the vocabulary.
    pub unk: String,
}

impl Default for SpecialTokenNames {
    fn default() -> Self {
        Self {
            cls: "[CLS]".into(),
            sep: "[SEP]".into(),
            pad: "[PAD]".into(),
            mask: "[MASK]".into(),
            unk: "[UNK]".into(),
        }
    }
}

impl SpecialTokenNames {
    /// All five, in the order in which a new vocabulary starts with them.
    pub(super) fn in_order(&self) -> [&str; 5] {
        [&self.pad, &self.unk, &self.cls, &self.sep, &self.mask]
    }

    /// Looks the five up. `file` is where the vocabulary comes from, `tokens` how many it has.
    pub(super) fn find(
        &self,
        file: &Path,
        tokens: usize,
        id_of: impl Fn(&str) -> Option<u32>,
    ) -> Result<SpecialTokens, TokenizerError> {
        let find = |role: &str, token: &str| match id_of(token) {
            Some(id) => Ok(SpecialToken {
                token: token.into(),
                id,
            }),
            None => Err(InputError::new(
                file,
                format!("no `{token}` among its {tokens} tokens"),
                format!("a vocabulary with the token that the tokenizer uses as {role}"),
            )),
        };
        Ok(SpecialTokens {
            cls: find("cls_token", &self.cls)?,
            sep: find("sep_token", &self.sep)?,
            pad: find("pad_token", &self.pad)?,
            mask: find("mask_token", &self.mask)?,
            unk: find("unk_token", &self.unk)?,
        })
    }
}
