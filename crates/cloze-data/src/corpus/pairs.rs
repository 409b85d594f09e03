mod runs;
mod table;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::Path;

use table::PairTable;

use super::{CorpusError, Token, TokenFile};
use crate::random::RandomStream;
use crate::sentences::FEWEST_SENTENCES;
use crate::tokenizer::{SpecialTokens, share_room};

/// Path of the random streams that sentences are drawn from which do not follow.
const STREAM: u64 = 0x5041_4952;
/// `[CLS] A [SEP] B [SEP]`.
const SPECIAL_TOKENS: usize = 3;

/// How the sentences of a corpus become pairs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PairRule {
    /// For each sentence that another one follows in its document, two pairs: with that one, and
    /// with a random one of the whole file, at a distance over 1.
    Neighbours,
    /// Runs of whole sentences of one document that fill the sequence: the long sequences of
    /// BERT's `create_pretraining_data.py`. The first text ends after a random sentence of the run;
    /// the second is the rest of it or, half of the time, a run from elsewhere (another document
    /// or, where there is none, at a distance over 1), and the rest begins the next pair.
    Runs {
        /// The share of pairs that are to fill only a random part of the sequence, for a model
        /// that is to know short ones, too: 0.1 in BERT.
        short: f64,
    },
}

/// How sentence pairs are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairOptions {
    /// Which sentences are paired.
    pub rule: PairRule,
    /// Greatest length of a pair in tokens, special ones included.
    pub max_length: usize,
    /// What all that is random follows from.
    pub seed: u64,
}

/// Two texts and whether the second follows the first, for next-sentence prediction (Devlin et
/// al., "BERT", 2019, section 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentencePair {
    /// `[CLS] A [SEP] B [SEP]`.
    pub tokens: Vec<Token>,
    /// 0 up to and with the first `[SEP]`, then 1.
    pub type_ids: Vec<u32>,
    /// Whether the second text follows the first in its document.
    pub follows: bool,
}

impl SentencePair {
    /// The label of next-sentence prediction as in `transformers`: 0 where the second text follows
    /// the first, 1 where it is a random one.
    pub fn label(&self) -> usize {
        usize::from(!self.follows)
    }
}

/// The sentence pairs of a token file of sentences, each made when it is asked for: memory does
/// not grow with their number.
///
/// Which sentences are paired stands in a table beside the token file, written by
/// [`create`](Self::create). The random sentences are drawn from seed, epoch and index when a pair
/// is read, so that every epoch has others. A pair that is too long is cut at the ends of its
/// texts, the longer text first, as an encoded pair is.
#[derive(Debug)]
pub struct SentencePairs {
    sentences: TokenFile,
    table: PairTable,
    options: PairOptions,
    cls: Token,
    sep: Token,
}

/// The tokens of a pair's two texts, as they lie in the file.
struct Texts {
    first: Range<u64>,
    second: Range<u64>,
    follows: bool,
}

impl SentencePairs {
    /// Pairs the sentences of a file: writes the table and opens it.
    ///
    /// # Errors
    /// If there are fewer than four sentences or, for neighbours, none that another one follows;
    /// if the greatest length has no room for two; if a file cannot be read or written.
    pub fn create(
        sentences: TokenFile,
        table: &Path,
        special: &SpecialTokens,
        options: PairOptions,
    ) -> Result<Self, CorpusError> {
        check(&sentences, &options)?;
        PairTable::write(&sentences, table, &options)?;
        Self::open(sentences, table, special, options)
    }

    /// Opens a table that [`create`](Self::create) has written.
    ///
    /// # Errors
    /// If the table cannot be read, is damaged, or belongs to other sentences or options.
    pub fn open(
        sentences: TokenFile,
        table: &Path,
        special: &SpecialTokens,
        options: PairOptions,
    ) -> Result<Self, CorpusError> {
        check(&sentences, &options)?;
        let ids = [special.cls.id, special.sep.id];
        if let Some(&last) = ids.iter().max().filter(|&&last| last > Token::LAST_ID) {
            return Err(CorpusError::LargeVocabulary { last });
        }
        Ok(Self {
            table: PairTable::open(&sentences, table, &options)?,
            sentences,
            options,
            cls: Token::new(special.cls.id),
            sep: Token::new(special.sep.id),
        })
    }

    /// The sentences.
    pub fn sentences(&self) -> &TokenFile {
        &self.sentences
    }

    /// Number of pairs. Of neighbours, those with an even index follow and the others do not.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> u64 {
        match self.options.rule {
            PairRule::Neighbours => 2 * self.table.rows(),
            PairRule::Runs { .. } => self.table.rows(),
        }
    }

    /// The length of a pair in tokens, special ones included.
    ///
    /// # Errors
    /// If the files cannot be read or are damaged.
    ///
    /// # Panics
    /// If there are not as many pairs.
    pub fn length(&self, index: u64, epoch: u64) -> Result<usize, CorpusError> {
        let texts = self.cut(self.texts(index, epoch)?);
        let tokens = [texts.first, texts.second].map(|text| (text.end - text.start) as usize);
        Ok(tokens[0] + tokens[1] + SPECIAL_TOKENS)
    }

    /// A pair as an epoch sees it.
    ///
    /// # Errors
    /// As [`length`](Self::length).
    ///
    /// # Panics
    /// As [`length`](Self::length).
    pub fn pair(&self, index: u64, epoch: u64) -> Result<SentencePair, CorpusError> {
        let texts = self.cut(self.texts(index, epoch)?);
        let mut tokens = vec![self.cls];
        self.append(texts.first, &mut tokens)?;
        let first = tokens.len();
        self.append(texts.second, &mut tokens)?;
        let mut type_ids = vec![0; first];
        type_ids.resize(tokens.len(), 1);
        Ok(SentencePair {
            tokens,
            type_ids,
            follows: texts.follows,
        })
    }

    /// Adds a text and `[SEP]`. Its first token begins a word, whatever stood before it.
    fn append(&self, text: Range<u64>, tokens: &mut Vec<Token>) -> Result<(), CorpusError> {
        let start = tokens.len();
        self.sentences.append_span(text, tokens)?;
        if let Some(first) = tokens.get_mut(start) {
            *first = Token::new(first.id());
        }
        tokens.push(self.sep);
        Ok(())
    }

    /// The texts, cut at their ends as far as they are too long together.
    fn cut(&self, mut texts: Texts) -> Texts {
        let room = self.options.max_length - SPECIAL_TOKENS;
        let [first, second] =
            [&texts.first, &texts.second].map(|text| (text.end - text.start) as usize);
        if first.saturating_add(second) > room {
            let (first, second) = share_room(first, second, room);
            texts.first.end = texts.first.start + first as u64;
            texts.second.end = texts.second.start + second as u64;
        }
        texts
    }

    fn texts(&self, index: u64, epoch: u64) -> Result<Texts, CorpusError> {
        assert!(index < self.len(), "no pair {index} in the file");
        let mut random = RandomStream::new(self.options.seed, &[STREAM, epoch, index]);
        match self.options.rule {
            PairRule::Neighbours => self.neighbours(index, &mut random),
            PairRule::Runs { .. } => self.runs(index, &mut random),
        }
    }

    fn neighbours(&self, index: u64, random: &mut RandomStream) -> Result<Texts, CorpusError> {
        let sentence = self.table.sentence(index / 2)?;
        let follows = index.is_multiple_of(2);
        let other = if follows {
            Some(sentence.saturating_add(1)).filter(|&next| next < self.sentences.sequences())
        } else {
            let near = sentence.saturating_sub(1)..sentence.saturating_add(2);
            outside(near, self.sentences.sequences(), random)
        };
        let Some(other) = other.filter(|_| sentence < self.sentences.sequences()) else {
            return Err(self.table.damaged(index / 2));
        };
        Ok(Texts {
            first: self.sentences.sequence(sentence)?.span,
            second: self.sentences.sequence(other)?.span,
            follows,
        })
    }

    fn runs(&self, index: u64, random: &mut RandomStream) -> Result<Texts, CorpusError> {
        let row = self.table.run(index)?;
        let follows = row.follows();
        let second = if follows {
            self.span(row.first.end..row.next_end)?
        } else {
            let away = row.away(self.sentences.sequences());
            let start = outside(away, self.sentences.sequences(), random);
            let start = start.ok_or_else(|| self.table.damaged(index))?;
            self.run_from(start, row.first.start, row.room)?
        };
        Ok(Texts {
            first: self.span(row.first)?,
            second,
            follows,
        })
    }

    /// The tokens of sentences that stand one behind the other; there is at least one.
    fn span(&self, sentences: Range<u64>) -> Result<Range<u64>, CorpusError> {
        let start = self.sentences.sequence(sentences.start)?.span.start;
        let end = self.sentences.sequence(sentences.end - 1)?.span.end;
        // Offsets that do not ascend make an empty text of it, never a negative one.
        Ok(start..end.max(start))
    }

    /// The tokens of a run of sentences of one document: as many as fill `room` tokens, but none
    /// from sentence `end` on if it begins before that.
    fn run_from(&self, start: u64, end: u64, room: u64) -> Result<Range<u64>, CorpusError> {
        let mut run = self.sentences.sequence(start)?.span;
        for (number, sentence) in (start + 1..).zip(self.sentences.sequences_from(start + 1)) {
            let sentence = sentence?;
            let full = run.end - run.start >= room;
            if full || sentence.starts_document || number == end {
                break;
            }
            run.end = sentence.span.end;
        }
        Ok(run)
    }
}

fn check(sentences: &TokenFile, options: &PairOptions) -> Result<(), CorpusError> {
    let wanted = SPECIAL_TOKENS + 2;
    let max_length = options.max_length;
    if max_length < wanted {
        return Err(CorpusError::ShortPairs { max_length, wanted });
    }
    if sentences.sequences() < FEWEST_SENTENCES {
        return Err(CorpusError::TooFewSentences {
            path: sentences.path().into(),
            found: sentences.sequences(),
        });
    }
    Ok(())
}

/// A random number below `bound` outside a range, every one as likely as any other; none where the
/// range leaves nothing.
fn outside(range: Range<u64>, bound: u64, random: &mut RandomStream) -> Option<u64> {
    let range = range.start.min(bound)..range.end.min(bound);
    let width = range.end.saturating_sub(range.start);
    let left = bound - width;
    if left == 0 {
        return None;
    }
    let number = random.below(left as usize) as u64;
    Some(if number < range.start {
        number
    } else {
        number + width
    })
}
