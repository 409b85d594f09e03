use tokenizers::{Decoder, ModelWrapper};

use super::{Tokenizer, TokenizerError};

/// How ids become a text. The default keeps everything, as in `transformers`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeOptions {
    /// `[CLS]`, `[SEP]`, `[PAD]` and other special tokens are left out.
    pub skip_special_tokens: bool,
    /// No space stands beside a Chinese character or punctuation mark, unless a special token
    /// follows or precedes it.
    pub join_chinese: bool,
    /// Spaces before English punctuation and contractions are removed (`it ' s` → `it's`);
    /// without a value as `tokenizer_config.json` says, which is no unless it says yes. Never done
    /// with BPE, as in `transformers`.
    pub clean_up_spaces: Option<bool>,
}

impl Tokenizer {
    /// Puts tokens together to a text. Ids that the vocabulary lacks are left out, as in
    /// `transformers`; an added token stands there as it was added.
    ///
    /// # Errors
    /// If the decoder of a `tokenizer.json` refuses the tokens.
    pub fn decode(&self, ids: &[u32], options: &DecodeOptions) -> Result<String, TokenizerError> {
        let mut tokens = Vec::with_capacity(ids.len());
        let mut special = Vec::with_capacity(ids.len());
        for &id in ids {
            let is_special = self.is_special(id);
            if is_special && options.skip_special_tokens {
                continue;
            }
            if let Some(token) = self.id_to_token(id) {
                tokens.push(token);
                special.push(is_special);
            }
        }
        let Some(decoder) = self.inner.pipeline.get_decoder() else {
            return Ok(tokens.join(" "));
        };
        let mut pieces = decoder
            .decode_chain(tokens)
            .map_err(TokenizerError::library("decode the tokens"))?;
        // Some decoders put several tokens into one piece; then none is a Chinese character alone.
        if options.join_chinese && pieces.len() == special.len() {
            join_chinese(&mut pieces, &special);
        }
        let text = pieces.concat();
        // The spaces of a BPE are those of the text: nothing is to be repaired.
        let is_bpe = matches!(self.inner.pipeline.get_model(), ModelWrapper::BPE(_));
        let clean_up = options.clean_up_spaces;
        if clean_up.unwrap_or(self.inner.clean_up_spaces) && !is_bpe {
            Ok(clean_up_spaces(&text))
        } else {
            Ok(text)
        }
    }
}

impl Tokenizer {
    /// Puts strings together as the decoder does with tokens, whether they are in the vocabulary
    /// or not; `convert_tokens_to_string` of `transformers`.
    ///
    /// # Errors
    /// If the decoder of a `tokenizer.json` refuses the strings.
    pub fn join(&self, tokens: Vec<String>) -> Result<String, TokenizerError> {
        match self.inner.pipeline.get_decoder() {
            Some(decoder) => decoder
                .decode(tokens)
                .map_err(TokenizerError::library("put tokens together")),
            None => Ok(tokens.join(" ")),
        }
    }

    /// Whether every letter becomes a small one before a text is split into tokens.
    pub fn is_lower_case(&self) -> bool {
        let normalizer = self.inner.pipeline.get_normalizer();
        normalizer.is_some_and(super::loading::has_lowercase)
    }

    /// Whether a token itself says that it goes on with a word, as `##` does.
    pub fn marks_continuations(&self) -> bool {
        match self.inner.pipeline.get_model() {
            ModelWrapper::WordPiece(model) => !model.continuing_subword_prefix.is_empty(),
            ModelWrapper::BPE(model) => {
                let prefix = model.continuing_subword_prefix.as_deref();
                prefix.is_some_and(|prefix| !prefix.is_empty())
            }
            ModelWrapper::WordLevel(_) | ModelWrapper::Unigram(_) => false,
        }
    }
}

/// Removes the space that starts a piece if it stands beside Chinese.
fn join_chinese(pieces: &mut [String], special: &[bool]) {
    for index in 1..pieces.len() {
        let (before, after) = (&pieces[index - 1], &pieces[index]);
        let Some(word) = after.strip_prefix(' ') else {
            continue;
        };
        let chinese = before.chars().next_back().is_some_and(is_chinese)
            || word.chars().next().is_some_and(is_chinese);
        if chinese && !special[index - 1] && !special[index] {
            pieces[index] = word.to_owned();
        }
    }
}

/// Chinese characters (those that BERT takes for words of their own), and the punctuation that
/// is written between them without spaces.
pub(super) fn is_chinese(character: char) -> bool {
    matches!(character,
        '\u{4E00}'..='\u{9FFF}'
        | '\u{3400}'..='\u{4DBF}'
        | '\u{20000}'..='\u{2A6DF}'
        | '\u{2A700}'..='\u{2CEAF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{2F800}'..='\u{2FA1F}'
        | '\u{3000}'..='\u{303F}'
        | '\u{FF00}'..='\u{FFEF}'
        | '“' | '”' | '‘' | '’' | '…' | '—' | '·')
}

/// `clean_up_tokenization` of `transformers`.
fn clean_up_spaces(text: &str) -> String {
    let replacements = [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ];
    let mut text = text.to_owned();
    for (spaced, clean) in replacements {
        text = text.replace(spaced, clean);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_is_joined_but_special_tokens_and_english_words_are_not() {
        let text = "[CLS] 我 爱 open 源 ， hello world [SEP]";
        let mut pieces: Vec<String> = text.split(' ').map(|piece| format!(" {piece}")).collect();
        let special: Vec<bool> = pieces.iter().map(|piece| piece.contains('[')).collect();
        join_chinese(&mut pieces, &special);
        assert_eq!(pieces.concat(), " [CLS] 我爱open源，hello world [SEP]");
    }

    #[test]
    fn contractions_are_cleaned_up() {
        assert_eq!(
            clean_up_spaces("it ' s fine , is n't it ?"),
            "it's fine, isn't it?"
        );
    }
}
