use std::fmt;
use std::ops::{Range, RangeInclusive};

use jieba_rs::Jieba;
use serde::{Deserialize, Serialize};

use super::Token;
use crate::tokenizer::{EncodeOptions, Encoding, TextInput, Tokenizer, TokenizerError};

/// What a word is where whole words are masked.
///
/// Every rule but [`None`](Self::None) takes the sub-words of a word together, whatever else it
/// takes together: a sub-word never stands alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WordRule {
    /// Every token stands alone.
    #[default]
    None,
    /// The sub-words of one word of the tokenizer: `super ##script ##ion`, `Ġsuper script ion`,
    /// `▁super script ion`. BERT's tokenizer takes punctuation marks for words of their own,
    /// RoBERTa's runs of them, XLM-RoBERTa's has words that end at white space alone. Beside a
    /// Chinese character a word begins with every tokenizer, where a token does.
    SubWords,
    /// What stands between white space: the words of a corpus that was segmented before, such as
    /// `使用 语言 模型 来 预测`. In other languages punctuation belongs to the word that it stands at
    /// (`can't`, `river.`); these are the words of `transformers`' collator with
    /// `whole_word_mask=True`.
    ///
    /// The spaces of a segmentation are no text: BERT's tokenizer drops white space, so a Chinese
    /// text has the tokens that it has without them. (Letters and digits that a space sets apart
    /// are words of their own, as anywhere.)
    Spaces,
    /// The words that the segmenter jieba finds in a Chinese text (its default dictionary, new
    /// words by its hidden Markov model).
    Jieba,
}

/// Finds the words of texts and marks the tokens that continue one.
pub struct WordMarker {
    rule: WordRule,
    /// The dictionary, where the rule needs one.
    jieba: Option<Jieba>,
}

/// The tokens of a text, those that continue a word marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedText {
    /// The tokens.
    pub tokens: Vec<Token>,
    /// How many they would be had nothing been cut.
    pub untruncated_length: usize,
}

impl fmt::Debug for WordMarker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WordMarker").field(&self.rule).finish()
    }
}

impl WordMarker {
    /// A marker for a rule. That of jieba loads a dictionary, which takes a moment.
    pub fn new(rule: WordRule) -> Self {
        Self {
            rule,
            jieba: (rule == WordRule::Jieba).then(Jieba::new),
        }
    }

    /// Encodes a text and marks the tokens that continue the word of the token before them.
    ///
    /// Of the options, `alignment` does not count: offsets and word ids are made if the rule
    /// needs them.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    ///
    /// # Panics
    /// If the vocabulary has ids beyond [`Token::LAST_ID`].
    pub fn encode(
        &self,
        tokenizer: &Tokenizer,
        text: &str,
        options: &EncodeOptions,
    ) -> Result<MarkedText, TokenizerError> {
        let options = EncodeOptions {
            alignment: self.rule != WordRule::None,
            ..options.clone()
        };
        let encoding = tokenizer.encode(&TextInput::Single(text), &options)?;
        Ok(MarkedText {
            tokens: self.mark(text, &encoding),
            untruncated_length: encoding.untruncated_length,
        })
    }

    fn mark(&self, text: &str, encoding: &Encoding) -> Vec<Token> {
        let ids = &encoding.ids;
        if self.rule == WordRule::None {
            return ids.iter().map(|&id| Token::new(id)).collect();
        }
        let borders = self.borders(text);
        let ideographs = Ideographs::of(text);
        let continues = |index: usize| {
            // A token that was added to the text has no word.
            let Some(before) = index.checked_sub(1) else {
                return false;
            };
            let (Some(word), Some(word_before)) =
                (encoding.word_ids[index], encoding.word_ids[before])
            else {
                return false;
            };
            let between = encoding.offsets[before].1..=encoding.offsets[index].0;
            (word == word_before && ideographs.none_at(between.clone()))
                || borders
                    .as_ref()
                    .is_some_and(|borders| borders.none_in(between))
        };
        ids.iter()
            .enumerate()
            .map(|(index, &id)| {
                if continues(index) {
                    Token::continuing(id)
                } else {
                    Token::new(id)
                }
            })
            .collect()
    }

    /// Where words begin and end; none where the words of the tokenizer are those that count.
    fn borders(&self, text: &str) -> Option<Borders> {
        match (self.rule, &self.jieba) {
            (WordRule::Spaces, _) => Some(Borders::at_spaces(text)),
            (WordRule::Jieba, Some(jieba)) => {
                let words = jieba.cut(text, true).into_iter();
                Some(Borders::between(
                    text,
                    words.map(|word| word.start..word.end),
                ))
            }
            _ => None,
        }
    }
}

/// For every place between two characters of a text, counted in characters, whether a word ends
/// or begins there.
struct Borders(Vec<bool>);

impl Borders {
    /// Borders on both sides of every white space.
    fn at_spaces(text: &str) -> Self {
        let mut borders = vec![true];
        let mut space_before = true;
        for character in text.chars() {
            let space = character.is_whitespace();
            // The border before this character, known now that both its sides are.
            if let Some(border) = borders.last_mut() {
                *border = space || space_before;
            }
            borders.push(true);
            space_before = space;
        }
        Self(borders)
    }

    /// Borders at both ends of every word, given by its characters.
    fn between(text: &str, words: impl Iterator<Item = Range<usize>>) -> Self {
        let mut borders = vec![false; text.chars().count() + 1];
        for word in words {
            for end in [word.start, word.end] {
                if let Some(border) = borders.get_mut(end) {
                    *border = true;
                }
            }
        }
        Self(borders)
    }

    /// Whether no word ends or begins at any of these places. Two tokens of one character have no
    /// place between them.
    fn none_in(&self, mut places: RangeInclusive<usize>) -> bool {
        places.all(|place| self.0.get(place) == Some(&false))
    }
}

/// For every character of a text whether it is Chinese: nothing for a text that has none.
struct Ideographs(Vec<bool>);

impl Ideographs {
    fn of(text: &str) -> Self {
        if text.is_ascii() || !text.chars().any(is_ideograph) {
            return Self(Vec::new());
        }
        Self(text.chars().map(is_ideograph).collect())
    }

    /// Whether no Chinese character stands at any of these places between two characters.
    fn none_at(&self, mut places: RangeInclusive<usize>) -> bool {
        let chinese = |at: usize| self.0.get(at) == Some(&true);
        self.0.is_empty()
            || !places.any(|place| chinese(place) || place.checked_sub(1).is_some_and(chinese))
    }
}

/// The characters that BERT's tokenizer takes for words of their own.
fn is_ideograph(character: char) -> bool {
    matches!(character,
        '\u{4E00}'..='\u{9FFF}'
        | '\u{3400}'..='\u{4DBF}'
        | '\u{20000}'..='\u{2A6DF}'
        | '\u{2A700}'..='\u{2CEAF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{2F800}'..='\u{2FA1F}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::small_tokenizer::tokenizer;

    /// The tokens of a text, those of a word put together by `+`.
    fn words(rule: WordRule, text: &str) -> String {
        let tokenizer = tokenizer(
            "super ##script ##ion is a . , don ' t 使 用 语 言 模 型 来 测 预 bert b ##ert e the",
        );
        let options = EncodeOptions::default();
        let encoded = WordMarker::new(rule)
            .encode(&tokenizer, text, &options)
            .unwrap();
        let mut words = String::new();
        for token in encoded.tokens {
            if !words.is_empty() {
                words.push(if token.continues_word() { '+' } else { ' ' });
            }
            words.push_str(&tokenizer.id_to_token(token.id()).unwrap());
        }
        words
    }

    #[test]
    fn without_a_rule_every_token_stands_alone() {
        assert_eq!(
            words(WordRule::None, "superscription is a b"),
            "[CLS] super ##script ##ion is a b [SEP]"
        );
    }

    #[test]
    fn sub_words_belong_to_their_word() {
        assert_eq!(
            words(WordRule::SubWords, "Superscription is a superscript."),
            "[CLS] super+##script+##ion is a super+##script . [SEP]"
        );
        assert_eq!(
            words(WordRule::SubWords, "使用语言模型 bert"),
            "[CLS] 使 用 语 言 模 型 bert [SEP]"
        );
    }

    #[test]
    fn spaces_of_a_segmented_corpus_are_the_borders() {
        assert_eq!(
            words(
                WordRule::Spaces,
                "使用 语言 模型\u{3000}来 预测\u{301} bert模型 ."
            ),
            "[CLS] 使+用 语+言 模+型 来 预+测 bert+模+型 . [SEP]"
        );
        assert_eq!(
            words(WordRule::Spaces, " superscription, don't 爨使 "),
            "[CLS] super+##script+##ion+, don+'+t [UNK]+使 [SEP]"
        );
    }

    #[test]
    fn jieba_finds_the_words_of_a_text_without_spaces() {
        assert_eq!(
            words(
                WordRule::Jieba,
                "使用语言模型来预测，superscription is a 模型."
            ),
            "[CLS] 使+用 语+言 模+型 来 预+测 [UNK] super+##script+##ion is a 模+型 . [SEP]"
        );
    }

    #[test]
    fn characters_of_more_bytes_before_a_word_do_not_move_it() {
        let text = "é𝄞 使用 e\u{301} 语言";
        assert_eq!(
            words(WordRule::Spaces, text),
            "[CLS] [UNK] 使+用 e 语+言 [SEP]"
        );
        assert_eq!(words(WordRule::Jieba, text), words(WordRule::Spaces, text));
    }

    #[test]
    fn a_cut_text_keeps_the_words_of_what_is_left() {
        let tokenizer = tokenizer("使 用 语 言");
        let options = EncodeOptions {
            max_length: Some(5),
            ..EncodeOptions::default()
        };
        let marker = WordMarker::new(WordRule::Spaces);
        let encoded = marker.encode(&tokenizer, "使用 语言", &options).unwrap();
        let continues: Vec<bool> = encoded.tokens.iter().map(|t| t.continues_word()).collect();
        assert_eq!(continues, [false, false, true, false, false]);
        assert_eq!(encoded.untruncated_length, 6);
    }
}
