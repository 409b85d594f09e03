use std::ops::Range;

use thiserror::Error;

/// Several tokenized sequences laid end to end, without padding.
///
/// Sequence `i` owns the rows `offsets[i]..offsets[i + 1]` of every per-token array, so hidden
/// states of a batch are `[tokens, hidden]` and only attention has to know where a sequence ends.
///
/// A row of a data set is one sequence, or several: the windows of a text that is longer than the
/// model reads. The encoder sees sequences; whoever has one prediction for a row puts its windows
/// together.
///
/// Invariants, checked once at construction: there is at least one sequence; no sequence is
/// empty; `offsets` starts at 0, ascends strictly and ends at the number of tokens; every token
/// has a token type id; every sequence belongs to one row, and every row has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedBatch {
    input_ids: Vec<u32>,
    token_type_ids: Vec<u32>,
    offsets: Vec<usize>,
    /// First sequence of every row and, last, the number of sequences; empty where each row is one
    /// sequence.
    rows: Vec<usize>,
}

/// Why arrays do not form a [`PackedBatch`].
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PackedBatchError {
    /// The batch would hold no sequence at all.
    #[error("a batch needs at least one sequence")]
    NoSequences,
    /// A sequence has no token.
    #[error("sequence {index} of the batch has no tokens")]
    EmptySequence {
        /// Position of the sequence in the batch.
        index: usize,
    },
    /// `offsets` does not start at 0, ascend, and end at the number of tokens.
    #[error("offsets must run from 0 to the number of tokens, {tokens}; found {offsets:?}")]
    Offsets {
        /// Number of tokens in the batch.
        tokens: usize,
        /// The offsets as given.
        offsets: Vec<usize>,
    },
    /// Token type ids and token ids differ in number.
    #[error("{tokens} tokens need as many token type ids, found {token_types}")]
    TokenTypes {
        /// Number of token ids.
        tokens: usize,
        /// Number of token type ids.
        token_types: usize,
    },
    /// The windows of the rows are not the sequences of the batch.
    #[error("rows with one window or more, {sequences} together, wanted; found {windows:?}")]
    Windows {
        /// Number of sequences in the batch.
        sequences: usize,
        /// The numbers of windows as given.
        windows: Vec<usize>,
    },
}

impl PackedBatch {
    /// Builds a batch from arrays that are already laid end to end.
    ///
    /// # Errors
    /// If one of the type's invariants does not hold.
    pub fn new(
        input_ids: Vec<u32>,
        token_type_ids: Vec<u32>,
        offsets: Vec<usize>,
    ) -> Result<Self, PackedBatchError> {
        let tokens = input_ids.len();
        if token_type_ids.len() != tokens {
            let token_types = token_type_ids.len();
            return Err(PackedBatchError::TokenTypes {
                tokens,
                token_types,
            });
        }
        if offsets.first() != Some(&0) || offsets.last() != Some(&tokens) {
            return Err(PackedBatchError::Offsets { tokens, offsets });
        }
        if offsets.len() == 1 {
            return Err(PackedBatchError::NoSequences);
        }
        for (index, pair) in offsets.windows(2).enumerate() {
            if pair[0] == pair[1] {
                return Err(PackedBatchError::EmptySequence { index });
            }
            if pair[0] > pair[1] {
                return Err(PackedBatchError::Offsets { tokens, offsets });
            }
        }
        Ok(Self {
            input_ids,
            token_type_ids,
            offsets,
            rows: Vec::new(),
        })
    }

    /// The batch of rows that have these numbers of windows, which are its sequences in their
    /// order.
    ///
    /// # Errors
    /// If a row has none, or all together have not as many as there are sequences.
    pub fn with_windows(mut self, windows: &[usize]) -> Result<Self, PackedBatchError> {
        let sequences = self.sequences();
        if windows.contains(&0) || windows.iter().sum::<usize>() != sequences {
            let windows = windows.to_vec();
            return Err(PackedBatchError::Windows { sequences, windows });
        }
        self.rows = Vec::new();
        if windows.len() < sequences {
            let ends = windows.iter().scan(0, |end, count| {
                *end += count;
                Some(*end)
            });
            self.rows = std::iter::once(0).chain(ends).collect();
        }
        Ok(self)
    }

    /// Lays sequences, each given as its token ids and token type ids, end to end.
    ///
    /// # Errors
    /// If there is no sequence, one is empty, or ids and type ids differ in number.
    pub fn from_sequences<'a>(
        sequences: impl IntoIterator<Item = (&'a [u32], &'a [u32])>,
    ) -> Result<Self, PackedBatchError> {
        let (mut input_ids, mut token_type_ids, mut offsets) = (Vec::new(), Vec::new(), vec![0]);
        for (ids, type_ids) in sequences {
            if ids.len() != type_ids.len() {
                return Err(PackedBatchError::TokenTypes {
                    tokens: ids.len(),
                    token_types: type_ids.len(),
                });
            }
            input_ids.extend_from_slice(ids);
            token_type_ids.extend_from_slice(type_ids);
            offsets.push(input_ids.len());
        }
        Self::new(input_ids, token_type_ids, offsets)
    }

    /// Number of sequences.
    pub fn sequences(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Number of rows: of sequences, where no row has several windows.
    pub fn rows(&self) -> usize {
        match self.rows.len() {
            0 => self.sequences(),
            ends => ends - 1,
        }
    }

    /// Whether a row has several windows.
    pub fn has_windows(&self) -> bool {
        !self.rows.is_empty()
    }

    /// The sequences of every row, `[rows]`.
    pub fn windows(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let row = |row| match self.rows.get(row..row + 2) {
            Some(ends) => ends[0]..ends[1],
            None => row..row + 1,
        };
        (0..self.rows()).map(row)
    }

    /// Number of tokens of all sequences together.
    pub fn tokens(&self) -> usize {
        self.input_ids.len()
    }

    /// Token ids, `[tokens]`.
    pub fn input_ids(&self) -> &[u32] {
        &self.input_ids
    }

    /// Token type ids (0 for the first text, 1 for the second of a pair), `[tokens]`.
    pub fn token_type_ids(&self) -> &[u32] {
        &self.token_type_ids
    }

    /// First row of every sequence and, last, the number of tokens: `[sequences + 1]`.
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// Length of every sequence in tokens, `[sequences]`.
    pub fn lengths(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.offsets.windows(2).map(|pair| pair[1] - pair[0])
    }

    /// Length of the longest sequence in tokens.
    pub fn max_length(&self) -> usize {
        self.lengths().max().unwrap_or(0)
    }

    /// Position of every token in its own sequence, `[tokens]`.
    pub fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        self.lengths().flat_map(|length| 0..length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sequences_are_laid_end_to_end() {
        let batch = PackedBatch::from_sequences([
            (&[101, 7, 102][..], &[0, 0, 0][..]),
            (&[101, 102], &[0, 1]),
        ])
        .unwrap();
        assert_eq!(batch.input_ids(), [101, 7, 102, 101, 102]);
        assert_eq!(batch.token_type_ids(), [0, 0, 0, 0, 1]);
        assert_eq!(batch.offsets(), [0, 3, 5]);
        assert_eq!(batch.positions().collect::<Vec<_>>(), [0, 1, 2, 0, 1]);
        assert_eq!((batch.sequences(), batch.tokens()), (2, 5));
        assert_eq!(batch.max_length(), 3);
    }

    #[test]
    fn broken_invariants_are_refused() {
        use PackedBatchError as E;
        let new = |ids: &[u32], types: &[u32], offsets: &[usize]| {
            PackedBatch::new(ids.into(), types.into(), offsets.into()).unwrap_err()
        };
        assert_eq!(new(&[], &[], &[0]), E::NoSequences);
        assert_eq!(new(&[1], &[0], &[0, 0, 1]), E::EmptySequence { index: 0 });
        assert!(matches!(new(&[1], &[0], &[0]), E::Offsets { .. }));
        assert!(matches!(new(&[1], &[0], &[]), E::Offsets { .. }));
        assert!(matches!(
            new(&[1, 2], &[0, 0], &[0, 3, 2]),
            E::Offsets { .. }
        ));
        assert!(matches!(new(&[1, 2], &[0], &[0, 2]), E::TokenTypes { .. }));
    }

    #[test]
    fn a_row_may_have_several_windows() {
        let sequence: (&[u32], &[u32]) = (&[101, 102], &[0, 0]);
        let batch = PackedBatch::from_sequences([sequence; 4]).unwrap();
        assert_eq!((batch.rows(), batch.has_windows()), (4, false));
        assert_eq!(
            batch.windows().collect::<Vec<_>>(),
            [0..1, 1..2, 2..3, 3..4]
        );
        // One window each is the batch without a word of windows.
        assert_eq!(batch.clone().with_windows(&[1; 4]).unwrap(), batch);
        let rows = batch.clone().with_windows(&[1, 2, 1]).unwrap();
        assert_eq!((rows.sequences(), rows.rows()), (4, 3));
        assert_eq!(rows.windows().collect::<Vec<_>>(), [0..1, 1..3, 3..4]);
        for windows in [&[4, 0][..], &[1, 2], &[2, 3], &[]] {
            let error = batch.clone().with_windows(windows).unwrap_err();
            let windows = windows.to_vec();
            assert_eq!(
                error,
                PackedBatchError::Windows {
                    sequences: 4,
                    windows
                }
            );
        }
    }

    proptest! {
        #[test]
        fn every_sequence_comes_back(lengths in prop::collection::vec(1_usize..9, 1..9)) {
            let ids: Vec<Vec<u32>> = lengths.iter().map(|&n| (0..n as u32).collect()).collect();
            let types: Vec<Vec<u32>> = lengths.iter().map(|&n| vec![0; n]).collect();
            let batch = PackedBatch::from_sequences(
                ids.iter().zip(&types).map(|(a, b)| (a.as_slice(), b.as_slice())),
            )
            .unwrap();
            prop_assert_eq!(batch.lengths().collect::<Vec<_>>(), lengths);
            for (pair, ids) in batch.offsets().windows(2).zip(&ids) {
                prop_assert_eq!(&batch.input_ids()[pair[0]..pair[1]], ids.as_slice());
            }
        }
    }
}
