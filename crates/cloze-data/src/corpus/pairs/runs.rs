//! Runs of sentences that fill sequences, as in BERT's `create_pretraining_data.py`.

use std::collections::VecDeque;
use std::ops::Range;

use super::super::token_file::Sequences;
use super::table::Run;
use super::{CorpusError, PairOptions, SPECIAL_TOKENS, TokenFile};
use crate::random::RandomStream;

/// Path of the random stream that runs are drawn from.
const STREAM: u64 = 0x5255_4E53;

/// Goes through the documents of a file and hands on the pairs of runs in them.
pub(super) fn write_runs(
    sentences: &TokenFile,
    options: &PairOptions,
    short: f64,
    mut write: impl FnMut(&Run) -> Result<(), CorpusError>,
) -> Result<(), CorpusError> {
    let mut runs = Runs {
        lengths: sentences.sequences_from(0),
        sentences: sentences.sequences(),
        room: options.max_length - SPECIAL_TOKENS,
        short,
        random: RandomStream::new(options.seed, &[STREAM]),
    };
    // One reader is ahead by a document, for where that ends.
    let mut document = 0;
    for (number, sentence) in (0_u64..).zip(sentences.sequences_from(0)) {
        if sentence?.starts_document && number > 0 {
            runs.of_document(document..number, &mut write)?;
            document = number;
        }
    }
    runs.of_document(document..sentences.sequences(), &mut write)
}

struct Runs<'a> {
    lengths: Sequences<'a>,
    sentences: u64,
    /// Tokens of both texts together.
    room: usize,
    short: f64,
    random: RandomStream,
}

impl Runs<'_> {
    fn of_document(
        &mut self,
        document: Range<u64>,
        write: &mut impl FnMut(&Run) -> Result<(), CorpusError>,
    ) -> Result<(), CorpusError> {
        // Lengths of the sentences from `start` on, as far as they were read.
        let mut ahead = VecDeque::new();
        let mut start = document.start;
        while start < document.end {
            let target = self.target();
            let count = self.fill(target, document.end - start, &mut ahead)?;
            let split = match count {
                1 => 1,
                _ => 1 + self.random.below(count - 1),
            };
            let first: u64 = ahead.range(..split).sum();
            let mut run = Run {
                first: start..start + split as u64,
                next_end: 0,
                document: document.clone(),
                room: target.saturating_sub(first).max(1),
            };
            let away = run.away(self.sentences);
            let elsewhere = away.end - away.start < self.sentences;
            let wanted = self.random.unit() < 0.5;
            let used = if count > split && !(elsewhere && wanted) {
                run.next_end = start + count as u64;
                count
            } else {
                split
            };
            write(&run)?;
            ahead.drain(..used);
            start += used as u64;
        }
        Ok(())
    }

    /// How many tokens the next pair is to have.
    fn target(&mut self) -> u64 {
        let target = if self.random.unit() < self.short {
            2 + self.random.below(self.room - 1)
        } else {
            self.room
        };
        target as u64
    }

    /// How many of the next sentences, up to `left`, it takes to reach `target` tokens. Their
    /// lengths are then in `ahead`.
    fn fill(
        &mut self,
        target: u64,
        left: u64,
        ahead: &mut VecDeque<u64>,
    ) -> Result<usize, CorpusError> {
        let (mut count, mut tokens) = (0, 0);
        while (count as u64) < left && (count == 0 || tokens < target) {
            if count == ahead.len() {
                match self.lengths.next() {
                    Some(sentence) => ahead.push_back(sentence?.tokens()),
                    None => break,
                }
            }
            tokens += ahead[count];
            count += 1;
        }
        Ok(count)
    }
}
