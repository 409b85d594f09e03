use cloze_data::alignment::align_labels;
use cloze_data::records::{Damaged, Decoder, Encoder as RecordEncoder, Record};
use cloze_data::reports::ExampleFacts;
use cloze_data::tokenizer::{
    EncodeOptions, Encoding, TextInput, Tokenizer, TokenizerError, Truncation,
};
use cloze_data::windows::{TextWindow, text_windows};

use super::TokenClassification;
use crate::{Example, Task};

/// Sentences that are encoded between two reports of progress.
const CHUNK: usize = 4096;

/// What a model should say about a window of a sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagTarget {
    /// Which sentence it is, of those that were encoded together, from 0.
    pub sentence: usize,
    /// Tokens of the window, special tokens included.
    pub length: usize,
    /// Words of the sentence that are judged, in this window or in another one.
    pub words: usize,
    /// The labelled tokens of the window.
    pub tokens: Vec<TaggedToken>,
}

/// A token with a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaggedToken {
    /// Its position in the window.
    pub position: usize,
    /// The label's id.
    pub label: usize,
    /// The word, from 0, whose first sub-word it is; by these a sentence is judged.
    pub word: Option<u32>,
}

impl TagTarget {
    /// The label of every token of the window, and -100 where there is none, as `transformers`
    /// has them.
    pub fn label_ids(&self) -> Vec<i64> {
        let mut labels = vec![cloze_data::alignment::IGNORED; self.length];
        for token in &self.tokens {
            labels[token.position] = token.label as i64;
        }
        labels
    }
}

impl Record for TagTarget {
    fn encode(&self, output: &mut RecordEncoder<'_>) {
        output.size(self.sentence);
        output.size(self.length);
        output.size(self.words);
        self.tokens.encode(output);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        Ok(Self {
            sentence: input.size()?,
            length: input.size()?,
            words: input.size()?,
            tokens: Vec::decode(input)?,
        })
    }
}

impl Record for TaggedToken {
    fn encode(&self, output: &mut RecordEncoder<'_>) {
        output.size(self.position);
        output.size(self.label);
        self.word.encode(output);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        Ok(Self {
            position: input.size()?,
            label: input.size()?,
            word: Option::decode(input)?,
        })
    }
}

impl TokenClassification {
    /// Encodes sentences, given as words, with the label of every word: one example for each
    /// window of each sentence. A word that the tokenizer makes nothing of (a control character)
    /// becomes an unknown token, so that it keeps its label. `progress` is told how many
    /// sentences are done.
    ///
    /// # Errors
    /// If the tokenizer refuses a word, or windows have no room.
    ///
    /// # Panics
    /// If there are not as many lists of labels as sentences, or labels as words.
    pub fn examples<'a, S: AsRef<str> + 'a>(
        &self,
        tokenizer: &Tokenizer,
        sentences: impl IntoIterator<Item = &'a [S]>,
        labels: &[Vec<usize>],
        progress: impl FnMut(usize),
    ) -> Result<Vec<Example<TagTarget>>, TokenizerError> {
        self.examples_from(0, tokenizer, sentences, labels, progress)
    }

    /// As [`examples`](Self::examples), of sentences of which the first has this number.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// As there.
    pub fn examples_from<'a, S: AsRef<str> + 'a>(
        &self,
        first: usize,
        tokenizer: &Tokenizer,
        sentences: impl IntoIterator<Item = &'a [S]>,
        labels: &[Vec<usize>],
        mut progress: impl FnMut(usize),
    ) -> Result<Vec<Example<TagTarget>>, TokenizerError> {
        let words: Vec<Vec<&str>> = sentences
            .into_iter()
            .map(|words| words.iter().map(AsRef::as_ref).collect())
            .collect();
        assert_eq!(words.len(), labels.len(), "every sentence needs labels");
        let mut examples = Vec::with_capacity(words.len());
        for (chunk, words) in words.chunks(CHUNK).enumerate() {
            let encodings = encode(tokenizer, words)?;
            for (index, encoding) in encodings.iter().enumerate() {
                let place = chunk * CHUNK + index;
                let windows = self.windows(encoding, &labels[place], tokenizer, first + place)?;
                examples.extend(windows);
            }
            progress(chunk * CHUNK + words.len());
        }
        Ok(examples)
    }

    fn windows(
        &self,
        encoding: &Encoding,
        labels: &[usize],
        tokenizer: &Tokenizer,
        sentence: usize,
    ) -> Result<impl Iterator<Item = Example<TagTarget>>, TokenizerError> {
        let aligned = align_labels(
            &encoding.word_ids,
            labels,
            &self.continuation,
            self.labelled,
        );
        let special = tokenizer.special();
        let unknown = encoding.ids.iter().filter(|id| **id == special.unk.id);
        let facts = ExampleFacts {
            label: None,
            length: encoding.untruncated_length,
            tokens: encoding.word_ids.iter().flatten().count(),
            unknown: unknown.count(),
        };
        let word_ids = encoding.word_ids.clone();
        let starts_word = |ids: &[Option<u32>], token: usize| {
            ids[token].is_some() && (token == 0 || ids[token] != ids[token - 1])
        };
        let is_judged = |&token: &usize| starts_word(&word_ids, token) && aligned[token].is_some();
        let words = (0..word_ids.len()).filter(is_judged).count();
        let windows = text_windows(encoding, self.max_length(), self.overlap())?;
        let example = move |window: TextWindow| {
            let labelled = |position: usize| {
                let token = position + window.start;
                Some(TaggedToken {
                    position,
                    label: aligned[token]?,
                    word: word_ids[token].filter(|_| starts_word(&word_ids, token)),
                })
            };
            Example {
                target: TagTarget {
                    sentence,
                    length: window.ids.len(),
                    words,
                    tokens: window.own.clone().filter_map(labelled).collect(),
                },
                ids: window.ids,
                type_ids: window.type_ids,
                windows: Vec::new(),
                row: sentence,
                facts,
            }
        };
        // The inside of a word that is longer than a window may have no label of its own.
        let examples = windows.into_iter().map(example);
        Ok(examples.filter(|example| !example.target.tokens.is_empty()))
    }
}

/// Encodes words, whole, each of which has a token.
fn encode(tokenizer: &Tokenizer, sentences: &[Vec<&str>]) -> Result<Vec<Encoding>, TokenizerError> {
    let options = EncodeOptions {
        truncation: Truncation::None,
        ..EncodeOptions::default()
    };
    let inputs: Vec<_> = sentences
        .iter()
        .map(|words| TextInput::Words(words))
        .collect();
    let mut encodings = tokenizer.encode_batch(&inputs, &options)?;
    for (encoding, words) in encodings.iter_mut().zip(sentences) {
        let mut has_token = vec![false; words.len()];
        for word in encoding.word_ids.iter().flatten() {
            has_token[*word as usize] = true;
        }
        if has_token.contains(&false) {
            let unknown = tokenizer.special().unk.token.as_str();
            let words: Vec<&str> = words
                .iter()
                .zip(has_token)
                .map(|(&word, has_token)| if has_token { word } else { unknown })
                .collect();
            *encoding = tokenizer.encode(&TextInput::Words(&words), &options)?;
        }
    }
    Ok(encodings)
}
