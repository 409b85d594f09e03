use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use cloze_data::RandomStream;
use cloze_data::corpus::{CorpusError, Token, TokenFile};
use cloze_data::reports::ExampleFacts;
use cloze_data::sampling::Permutation;
use cloze_model::ContinuationSamples;

use super::{ContinuationInput, NextToken};
use crate::{Example, ExampleSource, TaskError};

/// Path of the random stream that chooses samples where only some are taken.
const CHOICE: u64 = 0x4348_4F49_4345;
/// Path of those that decide how long prefixes are.
const LENGTHS: u64 = 0x4C45_4E47_5448;

/// A part of a long text: tokens of a token file, laid end to end.
#[derive(Clone, Debug)]
pub struct TextPart {
    /// The tokens, without special ones.
    pub file: Arc<TokenFile>,
    /// Which of them are the part.
    pub span: Range<u64>,
    /// `train`, `validation` or `test`.
    pub name: &'static str,
}

/// The samples of a part of a text: windows and the tokens behind them, or prefixes with the tokens
/// behind their masks. All of a sample lies within the part.
///
/// A window has its place; how long a prefix is follows from seed, epoch and place.
#[derive(Debug)]
pub struct ContinuationExamples {
    part: TextPart,
    input: ContinuationInput,
    stride: u64,
    seed: u64,
    /// Samples of the part.
    samples: usize,
    /// Where an epoch takes only some: their order, of which it takes the next ones.
    order: Option<Permutation>,
    /// Samples of an epoch.
    len: usize,
}

impl ContinuationExamples {
    /// The samples that begin `stride` tokens apart.
    ///
    /// # Errors
    /// If there is not one.
    ///
    /// # Panics
    /// If `stride` is 0, or the part is none of its file.
    pub fn new(
        part: TextPart,
        input: ContinuationInput,
        stride: usize,
        seed: u64,
    ) -> Result<Self, CorpusError> {
        assert!(part.span.end <= part.file.tokens(), "a part of the file");
        let tokens = part.span.end.saturating_sub(part.span.start);
        let stride = stride as u64;
        let wanted = shortest(&input) as u64 + 1;
        let Some(beyond) = tokens.checked_sub(wanted) else {
            return Err(CorpusError::ShortText {
                path: part.file.path().into(),
                split: part.name,
                tokens,
                wanted,
            });
        };
        // A file that holds more would not fit the address space.
        let samples = (beyond / stride + 1) as usize;
        Ok(Self {
            part,
            input,
            stride,
            seed,
            samples,
            order: None,
            len: samples,
        })
    }

    /// Takes at most so many in an epoch, at random: each epoch goes on where the one before ended,
    /// so that all are seen before one is seen again.
    #[must_use]
    pub fn limited(mut self, limit: usize) -> Self {
        if limit < self.samples {
            let mut random = RandomStream::new(self.seed, &[CHOICE]);
            self.order = Some(Permutation::new(self.samples, &mut random));
            self.len = limit;
        }
        self
    }

    /// The number of a sample among all of the part.
    fn sample(&self, index: usize, epoch: u64) -> usize {
        assert!(index < self.len, "sample {index} of {}", self.len);
        let Some(order) = &self.order else {
            return index;
        };
        let place = u128::from(epoch) * self.len as u128 + index as u128;
        // Below the number of samples.
        order.at((place % self.samples as u128) as usize)
    }

    /// The tokens of a sample, the last of which is the one that comes next.
    fn span(&self, index: usize, epoch: u64) -> Range<u64> {
        let sample = self.sample(index, epoch) as u64;
        let start = self.part.span.start;
        let end = start + shortest(&self.input) as u64 + sample * self.stride;
        let read = match self.input.samples() {
            ContinuationSamples::Windows => self.input.context(),
            ContinuationSamples::Prefixes => {
                let mut random = RandomStream::new(self.seed, &[LENGTHS, epoch, sample]);
                1 + random.below(self.input.context())
            }
        };
        end.saturating_sub(read as u64).max(start)..end + 1
    }
}

/// Tokens that are read of the text before the first one that is wanted.
fn shortest(input: &ContinuationInput) -> usize {
    match input.samples() {
        ContinuationSamples::Windows => input.context(),
        ContinuationSamples::Prefixes => 1,
    }
}

impl ExampleSource<NextToken> for ContinuationExamples {
    fn len(&self) -> usize {
        self.len
    }

    fn tokens(&self, index: usize, epoch: u64) -> Result<usize, TaskError> {
        let span = self.span(index, epoch);
        let read = (span.end - span.start - 1) as usize;
        Ok(self.input.sequence_length(read))
    }

    fn example(&self, index: usize, epoch: u64) -> Result<Cow<'_, Example<NextToken>>, TaskError> {
        let mut tokens = Vec::new();
        self.part
            .file
            .read_span(self.span(index, epoch), &mut tokens)?;
        let mut ids: Vec<u32> = tokens.iter().map(|token: &Token| token.id()).collect();
        // A sample has two tokens at least.
        let target = ids.pop().unwrap_or_default();
        let ids = self.input.sequence(&ids);
        Ok(Cow::Owned(Example {
            type_ids: vec![0; ids.len()],
            windows: Vec::new(),
            target,
            row: index,
            facts: ExampleFacts {
                label: None,
                length: ids.len(),
                tokens: ids.len(),
                unknown: 0,
            },
            ids,
        }))
    }
}
