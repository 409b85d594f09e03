//! Masks for masked language models.
//!
//! - [`Masking`]: how many tokens are hidden, and what stands in their place
//! - [`MaskingSchedule`]: how that changes from epoch to epoch
//! - [`MaskVocabulary`]: the tokens that are hidden and drawn, and those that never are
//!
//! Reference: Devlin et al., "BERT" (2019), section 3.1; whole words as in the models that its
//! authors published later.

mod schedule;
mod vocabulary;

use thiserror::Error;

pub use schedule::MaskingSchedule;
pub use vocabulary::MaskVocabulary;

use crate::corpus::Token;
use crate::random::RandomStream;

/// Path of the random streams that masks are drawn from.
const STREAM: u64 = 0x4D41_534B;

/// How far the sum of the shares may be from 1.
const TOLERANCE: f64 = 1e-9;

/// How much of a text is hidden, and what stands in its place.
///
/// Words are chosen one by one, each with the probability `rate`: a word is a token and those
/// after it that [continue it](Token::continues_word), so where no token continues another, it is
/// tokens that are chosen, as in `transformers`' `DataCollatorForLanguageModeling`. Every token of
/// a chosen word is a target. What stands in its place is drawn for each token on its own, as in
/// BERT: `[MASK]` with the first of the `shares`, a random token of the vocabulary with the
/// second, the token itself with the third.
///
/// What differs from the collator of `transformers` 5.23:
///
/// - With `whole_word_mask=True` it hides every chosen token by `[MASK]`, whatever shares it is
///   given; the shares `[1, 0, 0]` are that rule. Other shares are BERT's own whole word masking.
///   Its words are those of [`WordRule::Spaces`](crate::corpus::WordRule::Spaces).
/// - `[UNK]` is never a target. There it is one where the examples bring their own
///   `special_tokens_mask`.
/// - A random token is an ordinary one. There it is any, `[SEP]` and `[PAD]` as well.
/// - A sequence in which no word would be chosen gets one, every one as likely as any other, as in
///   BERT's own data: every sequence that can have a target has one. It takes a short sequence: of
///   20 words at a rate of 0.15 one in 26 is such, of 126 one in 800 million.
///
/// ```
/// use cloze_data::masking::Masking;
/// let masking = Masking::default();
/// assert_eq!((masking.rate(), masking.shares()), (0.15, [0.8, 0.1, 0.1]));
/// let whole_words = Masking::new(0.2, [1.0, 0.0, 0.0])?;
/// assert!(Masking::new(0.2, [0.8, 0.1, 0.0]).is_err());
/// # Ok::<(), cloze_data::masking::MaskingError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Masking {
    rate: f64,
    shares: [f64; 3],
}

/// Why masks cannot be drawn as asked.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum MaskingError {
    /// The rate is no probability above 0.
    #[error("found the rate {rate}, wanted one above 0 and not above 1")]
    Rate {
        /// The rate.
        rate: f64,
    },
    /// A share is no probability.
    #[error("found the share {share}, wanted one from 0 to 1")]
    Share {
        /// The share.
        share: f64,
    },
    /// The shares leave something open.
    #[error("found the shares {shares:?}, which add up to {sum}, wanted a sum of 1")]
    Sum {
        /// The shares of `[MASK]`, of random tokens, and of tokens that stay.
        shares: [f64; 3],
        /// Their sum.
        sum: f64,
    },
}

/// A token that is to be predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Its place in the sequence, counted from 0.
    pub position: usize,
    /// Its id.
    pub id: u32,
}

/// A sequence with a part of it hidden.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaskedSequence {
    /// What the model sees, `[seq]`.
    pub ids: Vec<u32>,
    /// What it is to predict, by position. Empty where no token can be hidden.
    pub targets: Vec<Target>,
}

impl Default for Masking {
    /// BERT's: 15% of the tokens; 80% `[MASK]`, 10% random, 10% kept.
    fn default() -> Self {
        Self {
            rate: 0.15,
            shares: [0.8, 0.1, 0.1],
        }
    }
}

impl Masking {
    /// A rate, and the shares of `[MASK]`, of random tokens, and of tokens that stay.
    ///
    /// # Errors
    /// If the rate is not in `(0, 1]`, a share not in `[0, 1]`, or the sum of the shares not 1.
    pub fn new(rate: f64, shares: [f64; 3]) -> Result<Self, MaskingError> {
        if !(rate > 0.0 && rate <= 1.0) {
            return Err(MaskingError::Rate { rate });
        }
        if let Some(&share) = shares.iter().find(|share| !(0.0..=1.0).contains(*share)) {
            return Err(MaskingError::Share { share });
        }
        let sum: f64 = shares.iter().sum();
        if (sum - 1.0).abs() > TOLERANCE {
            return Err(MaskingError::Sum { shares, sum });
        }
        Ok(Self { rate, shares })
    }

    /// The probability with which a word is chosen.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// The shares of `[MASK]`, of random tokens, and of tokens that stay.
    pub fn shares(&self) -> [f64; 3] {
        self.shares
    }

    /// The random numbers for one sequence of an epoch. Masks that are to stay the same are those
    /// of epoch 0.
    pub fn stream(seed: u64, epoch: u64, index: u64) -> RandomStream {
        RandomStream::new(seed, &[STREAM, epoch, index])
    }

    /// Hides a part of a sequence.
    ///
    /// [Special tokens](MaskVocabulary::hides) are never hidden, never drawn, and do not count; one
    /// within a word ends it, and what comes behind it is another word, as in `transformers`. A
    /// token that continues a word and has none before it in the sequence (a block may begin in
    /// the middle of a word) begins one.
    pub fn mask(
        &self,
        tokens: &[Token],
        vocabulary: &MaskVocabulary,
        random: &mut RandomStream,
    ) -> MaskedSequence {
        let mut masked = MaskedSequence {
            ids: tokens.iter().map(|token| token.id()).collect(),
            targets: Vec::new(),
        };
        let mut words = 0;
        for_each_word(tokens, vocabulary, |start, word| {
            words += 1;
            if random.unit() < self.rate {
                self.hide(start, word, vocabulary, random, &mut masked);
            }
        });
        if masked.targets.is_empty() && words > 0 {
            let chosen = random.below(words);
            let mut number = 0;
            for_each_word(tokens, vocabulary, |start, word| {
                if number == chosen {
                    self.hide(start, word, vocabulary, random, &mut masked);
                }
                number += 1;
            });
        }
        masked
    }

    /// Makes targets of the tokens of a word that begins at `start`.
    fn hide(
        &self,
        start: usize,
        word: &[Token],
        vocabulary: &MaskVocabulary,
        random: &mut RandomStream,
        masked: &mut MaskedSequence,
    ) {
        let [to_mask, to_random, to_stay] = self.shares;
        for (position, token) in (start..).zip(word) {
            let id = token.id();
            if !vocabulary.hides(id) {
                continue;
            }
            masked.targets.push(Target { position, id });
            // A share of 0 is never drawn, however the sum of the others is rounded.
            let draw = random.unit();
            if draw < to_mask || (to_random == 0.0 && to_stay == 0.0) {
                masked.ids[position] = vocabulary.mask();
            } else if draw < to_mask + to_random || to_stay == 0.0 {
                masked.ids[position] = vocabulary.draw(random);
            }
        }
    }
}

impl MaskedSequence {
    /// The sequence with nothing hidden: the targets in their places.
    pub fn restored(&self) -> Vec<u32> {
        let mut ids = self.ids.clone();
        for target in &self.targets {
            ids[target.position] = target.id;
        }
        ids
    }
}

/// Every word with a token that can be hidden, and where it begins.
fn for_each_word(
    tokens: &[Token],
    vocabulary: &MaskVocabulary,
    mut see: impl FnMut(usize, &[Token]),
) {
    let mut start = 0;
    let together =
        |token: &Token, next: &Token| next.continues_word() && vocabulary.hides(token.id());
    for word in tokens.chunk_by(together) {
        if word.iter().any(|token| vocabulary.hides(token.id())) {
            see(start, word);
        }
        start += word.len();
    }
}

#[cfg(test)]
mod tests;
