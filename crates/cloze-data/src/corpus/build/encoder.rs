use super::super::{MarkedText, WordMarker};
use super::{BuildOptions, CorpusError, Layout, Token};
use crate::masking::MaskVocabulary;
use crate::tokenizer::{EncodeOptions, Tokenizer, TokenizerError};

/// Makes sequences of texts, on many threads at once.
pub(super) struct Encoder<'a> {
    tokenizer: &'a Tokenizer,
    layout: &'a Layout,
    marker: WordMarker,
    vocabulary: MaskVocabulary,
    unknown: u32,
    options: EncodeOptions,
}

/// A sequence of a text.
pub(super) struct EncodedSequence {
    pub(super) tokens: Vec<Token>,
    /// What its length would be had nothing been cut.
    pub(super) untruncated_length: usize,
    /// How many of its tokens are unknown.
    pub(super) unknown: u64,
    /// Whether a token of it can be hidden.
    pub(super) can_be_hidden: bool,
    /// Whether a blank line stands before it in its text.
    pub(super) after_blank_line: bool,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(
        tokenizer: &'a Tokenizer,
        options: &'a BuildOptions,
    ) -> Result<Self, CorpusError> {
        if tokenizer.last_id() > Token::LAST_ID {
            let last = tokenizer.last_id();
            return Err(CorpusError::LargeVocabulary { last });
        }
        let max_length = match options.layout {
            Layout::Lines { max_length } => Some(max_length),
            Layout::Whole | Layout::Stream | Layout::Sentences { .. } => None,
        };
        Ok(Self {
            tokenizer,
            layout: &options.layout,
            marker: WordMarker::new(options.words),
            vocabulary: MaskVocabulary::of(tokenizer),
            unknown: tokenizer.special().unk.id,
            options: EncodeOptions {
                add_special_tokens: matches!(options.layout, Layout::Whole | Layout::Lines { .. }),
                max_length,
                ..EncodeOptions::default()
            },
        })
    }

    /// The sequences of a text; none of a blank one.
    pub(super) fn sequences(&self, text: &str) -> Result<Vec<EncodedSequence>, TokenizerError> {
        match self.layout {
            _ if text.trim().is_empty() => Ok(Vec::new()),
            Layout::Whole | Layout::Lines { .. } | Layout::Stream => {
                Ok(vec![self.sequence(text, false)?])
            }
            Layout::Sentences { splitter, .. } => splitter
                .split(text)
                .into_iter()
                .map(|sentence| self.sequence(sentence.text, sentence.after_blank_line))
                .collect(),
        }
    }

    fn sequence(
        &self,
        text: &str,
        after_blank_line: bool,
    ) -> Result<EncodedSequence, TokenizerError> {
        let MarkedText {
            tokens,
            untruncated_length,
        } = self.marker.encode(self.tokenizer, text, &self.options)?;
        let unknown = tokens.iter().filter(|token| token.id() == self.unknown);
        Ok(EncodedSequence {
            untruncated_length,
            unknown: unknown.count() as u64,
            can_be_hidden: tokens.iter().any(|token| self.vocabulary.hides(token.id())),
            after_blank_line,
            tokens,
        })
    }
}
