use std::borrow::Cow;

use cloze_data::RandomStream;
use cloze_data::corpus::{Blocks, CorpusError, SentencePairs, Token, TokenFile};
use cloze_data::masking::{MaskVocabulary, Masking, MaskingSchedule};
use cloze_data::reports::ExampleFacts;
use cloze_data::sampling::Permutation;

use super::MaskedTarget;
use crate::{Example, ExampleSource, TaskError};

/// Path of the random stream that chooses examples where only some are taken.
const CHOICE: u64 = 0x4348_4F49_4345;

/// Sequences of a corpus, read from token files and masked anew in every epoch.
#[derive(Debug)]
pub struct MaskedExamples {
    sequences: Sequences,
    masking: MaskingSchedule,
    vocabulary: MaskVocabulary,
    seed: u64,
    /// Where only some are taken: their order, of which the first are.
    chosen: Option<Permutation>,
    len: usize,
}

/// What an example is.
#[derive(Debug)]
pub enum Sequences {
    /// Of all texts laid end to end, so many tokens.
    Blocks(Blocks),
    /// A text.
    Lines(TokenFile),
    /// Two sentences, or two runs of sentences.
    Pairs(SentencePairs),
}

impl Sequences {
    fn len(&self) -> usize {
        let len = match self {
            Self::Blocks(blocks) => blocks.len(),
            Self::Lines(file) => file.sequences(),
            Self::Pairs(pairs) => pairs.len(),
        };
        // A file that holds more would not fit the address space.
        len as usize
    }
}

impl MaskedExamples {
    /// The examples of `sequences`. Masks, and which sentences make a pair that does not follow,
    /// are decided by `seed`, the epoch and the place of the sequence.
    pub fn new(
        sequences: Sequences,
        masking: impl Into<MaskingSchedule>,
        vocabulary: MaskVocabulary,
        seed: u64,
    ) -> Self {
        Self {
            len: sequences.len(),
            sequences,
            masking: masking.into(),
            vocabulary,
            seed,
            chosen: None,
        }
    }

    /// Takes at most so many of them, at random.
    #[must_use]
    pub fn limited(mut self, limit: usize) -> Self {
        if limit < self.len {
            let mut random = RandomStream::new(self.seed, &[CHOICE]);
            self.chosen = Some(Permutation::new(self.len, &mut random));
            self.len = limit;
        }
        self
    }

    fn place(&self, index: usize) -> u64 {
        assert!(index < self.len, "example {index} of {}", self.len);
        let place = self.chosen.as_ref().map_or(index, |order| order.at(index));
        place as u64
    }

    /// Tokens of a sequence, their types, and whether a second text follows the first.
    fn read(&self, place: u64, epoch: u64) -> Result<Unmasked, CorpusError> {
        let mut tokens = Vec::new();
        match &self.sequences {
            Sequences::Blocks(blocks) => blocks.read(place, &mut tokens)?,
            Sequences::Lines(file) => file.read(place, &mut tokens)?,
            Sequences::Pairs(pairs) => {
                let pair = pairs.pair(place, epoch)?;
                return Ok(Unmasked {
                    tokens: pair.tokens,
                    type_ids: pair.type_ids,
                    follows: Some(pair.follows),
                });
            }
        }
        Ok(Unmasked {
            type_ids: vec![0; tokens.len()],
            tokens,
            follows: None,
        })
    }
}

struct Unmasked {
    tokens: Vec<Token>,
    type_ids: Vec<u32>,
    follows: Option<bool>,
}

impl ExampleSource<MaskedTarget> for MaskedExamples {
    fn len(&self) -> usize {
        self.len
    }

    fn tokens(&self, index: usize, epoch: u64) -> Result<usize, TaskError> {
        let place = self.place(index);
        Ok(match &self.sequences {
            Sequences::Blocks(blocks) => blocks.size(),
            Sequences::Lines(file) => file.length(place)? as usize,
            Sequences::Pairs(pairs) => pairs.length(place, epoch)?,
        })
    }

    fn example(
        &self,
        index: usize,
        epoch: u64,
    ) -> Result<Cow<'_, Example<MaskedTarget>>, TaskError> {
        let place = self.place(index);
        let Unmasked {
            tokens,
            type_ids,
            follows,
        } = self.read(place, epoch)?;
        let mut random = Masking::stream(self.seed, epoch, place);
        let masking = self.masking.at(epoch);
        let masked = masking.mask(&tokens, &self.vocabulary, &mut random);
        let targets = masked.targets.iter();
        Ok(Cow::Owned(Example {
            type_ids,
            windows: Vec::new(),
            target: MaskedTarget {
                masked: targets.map(|target| (target.position, target.id)).collect(),
                follows,
            },
            row: index,
            facts: ExampleFacts {
                label: None,
                length: tokens.len(),
                tokens: tokens.len(),
                unknown: 0,
            },
            ids: masked.ids,
        }))
    }
}
