//! From scores of tokens to entities, step by step as the token-classification pipeline of
//! `transformers` goes.

use cloze_data::tags::TagScheme;
use cloze_data::tokenizer::{Tokenizer, TokenizerError};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// The label of tokens that nobody asks for.
const OUTSIDE: &str = "O";

/// How tokens become entities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregation {
    /// Not at all: every token by itself.
    #[default]
    None,
    /// Tokens of a type side by side are one entity.
    Simple,
    /// A word has the label of its first token; then as `Simple`.
    First,
    /// A word has the label with the highest mean score of its tokens; then as `Simple`.
    Average,
    /// A word has the label of the token that is surest; then as `Simple`.
    Max,
}

/// An entity, or a token by itself. It serialises with the fields of a `transformers` pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundEntity {
    /// The label of a token, or the type of an entity without `B-` and `I-`.
    pub entity: String,
    /// Its probability; of an entity the mean of its words' or tokens'.
    pub score: f64,
    /// Position of the token in the encoded text, of a token by itself.
    pub index: Option<usize>,
    /// The tokens, put together. Lower case and the like are the tokenizer's: the text itself
    /// stands between `start` and `end`.
    pub word: String,
    /// Where it starts in the text, in characters.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

impl Serialize for FoundEntity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.index {
            Some(index) => {
                map.serialize_entry("entity", &self.entity)?;
                map.serialize_entry("score", &self.score)?;
                map.serialize_entry("index", &index)?;
            }
            None => {
                map.serialize_entry("entity_group", &self.entity)?;
                map.serialize_entry("score", &self.score)?;
            }
        }
        map.serialize_entry("word", &self.word)?;
        map.serialize_entry("start", &self.start)?;
        map.serialize_entry("end", &self.end)?;
        map.end()
    }
}

/// A token with the probability of every label.
#[derive(Clone, Debug)]
pub(super) struct ScoredToken {
    pub(super) word: String,
    pub(super) scores: Vec<f64>,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) index: usize,
    /// Whether it goes on with the word of the token before.
    pub(super) is_sub_word: bool,
}

/// A token, or a word, with its label.
struct Labelled<'a> {
    label: &'a str,
    score: f64,
    word: String,
    start: usize,
    end: usize,
}

pub(super) struct Aggregator<'a> {
    pub(super) labels: &'a [String],
    pub(super) scheme: TagScheme,
    pub(super) tokenizer: &'a Tokenizer,
}

impl<'a> Aggregator<'a> {
    pub(super) fn entities(
        &self,
        tokens: Vec<ScoredToken>,
        aggregation: Aggregation,
    ) -> Result<Vec<FoundEntity>, TokenizerError> {
        let mut entities = match aggregation {
            Aggregation::None => tokens.into_iter().map(|token| self.alone(token)).collect(),
            Aggregation::Simple => {
                let labelled = tokens.into_iter().map(|token| self.labelled(token));
                self.grouped(labelled.collect())?
            }
            Aggregation::First | Aggregation::Average | Aggregation::Max => {
                let words = tokens.chunk_by(|_, next| next.is_sub_word);
                let words = words.map(|tokens| self.word(tokens, aggregation));
                self.grouped(words.collect::<Result<_, _>>()?)?
            }
        };
        entities.retain(|entity| entity.entity != OUTSIDE);
        Ok(entities)
    }

    /// The likeliest label, the first of equals.
    fn best(&self, scores: &[f64]) -> (&'a str, f64) {
        let mut best = 0;
        for (label, score) in scores.iter().enumerate() {
            if *score > scores[best] {
                best = label;
            }
        }
        (&self.labels[best], scores[best])
    }

    fn alone(&self, token: ScoredToken) -> FoundEntity {
        let (label, score) = self.best(&token.scores);
        FoundEntity {
            entity: label.to_owned(),
            score,
            index: Some(token.index),
            word: token.word,
            start: token.start,
            end: token.end,
        }
    }

    fn labelled(&self, token: ScoredToken) -> Labelled<'a> {
        let (label, score) = self.best(&token.scores);
        Labelled {
            label,
            score,
            word: token.word,
            start: token.start,
            end: token.end,
        }
    }

    /// A word of its tokens, of which there is one at least.
    fn word(
        &self,
        tokens: &[ScoredToken],
        aggregation: Aggregation,
    ) -> Result<Labelled<'a>, TokenizerError> {
        let (label, score) = match aggregation {
            Aggregation::Average => {
                let mean = |label: usize| {
                    let sum: f64 = tokens.iter().map(|token| token.scores[label]).sum();
                    sum / tokens.len() as f64
                };
                let means: Vec<f64> = (0..self.labels.len()).map(mean).collect();
                self.best(&means)
            }
            Aggregation::Max => {
                let mut surest = self.best(&tokens[0].scores);
                for token in &tokens[1..] {
                    let other = self.best(&token.scores);
                    if other.1 > surest.1 {
                        surest = other;
                    }
                }
                surest
            }
            _ => self.best(&tokens[0].scores),
        };
        let words = tokens.iter().map(|token| token.word.clone());
        Ok(Labelled {
            label,
            score,
            word: self.tokenizer.join(words.collect())?,
            start: tokens[0].start,
            end: tokens[tokens.len() - 1].end,
        })
    }

    /// Neighbours of a type, unless the second one begins an entity.
    fn grouped(&self, words: Vec<Labelled<'a>>) -> Result<Vec<FoundEntity>, TokenizerError> {
        let goes_on = |before: &Labelled<'_>, word: &Labelled<'_>| {
            let (begins, kind) = self.parts(word.label);
            !begins && kind == self.parts(before.label).1
        };
        let groups = words.chunk_by(goes_on);
        groups.map(|group| self.group(group)).collect()
    }

    fn group(&self, words: &[Labelled<'_>]) -> Result<FoundEntity, TokenizerError> {
        let label = words[0].label;
        let sum: f64 = words.iter().map(|word| word.score).sum();
        Ok(FoundEntity {
            entity: label
                .split_once('-')
                .map_or(label, |(_, kind)| kind)
                .to_owned(),
            score: sum / words.len() as f64,
            index: None,
            word: self
                .tokenizer
                .join(words.iter().map(|word| word.word.clone()).collect())?,
            start: words[0].start,
            end: words[words.len() - 1].end,
        })
    }

    /// Whether a label begins an entity, and the entity's type. `transformers` knows `B-` and `I-`
    /// alone; where the labels have `E-` and `S-` too, they are what they are in BIOES.
    fn parts(&self, label: &'a str) -> (bool, &'a str) {
        let has_ends = self.scheme == TagScheme::Bioes;
        match label.split_once('-') {
            Some(("B", kind)) => (true, kind),
            Some(("I", kind)) => (false, kind),
            Some(("S", kind)) if has_ends => (true, kind),
            Some(("E", kind)) if has_ends => (false, kind),
            _ => (false, label),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Words with spaces between them, each labelled for sure.
    fn found(labels: &[&str], words: &[(&str, &str)]) -> Vec<(String, String, usize)> {
        let folder = "tests/golden/token_classification/bert";
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let names: Vec<String> = labels.iter().map(|&name| name.to_owned()).collect();
        let aggregator = Aggregator {
            scheme: TagScheme::of_labels(&names),
            labels: &names,
            tokenizer: &Tokenizer::from_folder(&folder).unwrap(),
        };
        let mut start = 0;
        let tokens = words.iter().enumerate().map(|(index, (word, label))| {
            let scores = labels.iter().map(|name| f64::from(name == label));
            let token = ScoredToken {
                word: (*word).to_owned(),
                scores: scores.collect(),
                start,
                end: start + word.len(),
                index,
                is_sub_word: false,
            };
            start += word.len() + 1;
            token
        });
        let entities = aggregator.entities(tokens.collect(), Aggregation::Simple);
        let entities = entities.unwrap().into_iter();
        entities
            .map(|entity| (entity.entity, entity.word, entity.end))
            .collect()
    }

    fn entity(kind: &str, word: &str, end: usize) -> (String, String, usize) {
        (kind.to_owned(), word.to_owned(), end)
    }

    #[test]
    fn ends_and_singles_of_bioes_belong_to_their_entities() {
        let labels = ["O", "B-X", "I-X", "E-X", "S-X"];
        let words = [
            ("the", "B-X"),
            ("cat", "I-X"),
            ("sat", "E-X"),
            ("on", "S-X"),
            ("mat", "O"),
        ];
        let expected = [entity("X", "the cat sat", 11), entity("X", "on", 14)];
        assert_eq!(found(&labels, &words), expected);
    }

    #[test]
    fn plain_tags_are_types_of_their_own() {
        let words = [("the", "D"), ("cat", "N-1"), ("dog", "N-1")];
        let expected = [entity("D", "the", 3), entity("1", "cat dog", 11)];
        assert_eq!(found(&["D", "N-1"], &words), expected);
    }
}
