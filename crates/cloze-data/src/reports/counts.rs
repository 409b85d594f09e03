use std::collections::BTreeMap;

use super::ExampleFacts;

/// What a report says of a split, counted while its examples come one after another. Memory grows with
/// the number of different lengths.
#[derive(Clone, Debug, Default)]
pub struct SplitCounts {
    pub(super) rows: usize,
    pub(super) classes: Vec<usize>,
    pub(super) unlabelled: usize,
    pub(super) tokens: usize,
    pub(super) unknown: usize,
    pub(super) lengths: LengthCounts,
}

impl SplitCounts {
    /// Of a split whose examples have so many classes.
    pub fn new(classes: usize) -> Self {
        Self {
            classes: vec![0; classes],
            ..Self::default()
        }
    }

    /// Counts an example with any number of labels; those beyond the classes count as none.
    pub fn add(&mut self, example: ExampleFacts, labels: impl IntoIterator<Item = usize>) {
        let mut has_label = false;
        for label in labels {
            if let Some(count) = self.classes.get_mut(label) {
                *count += 1;
                has_label = true;
            }
        }
        self.rows += 1;
        self.unlabelled += usize::from(!has_label);
        self.tokens += example.tokens;
        self.unknown += example.unknown;
        self.lengths.add(example.length);
    }

    /// How many of them are longer than this.
    pub fn longer_than(&self, limit: usize) -> usize {
        self.lengths.above(limit)
    }

    /// How many examples were counted.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

/// How many texts have each length.
#[derive(Clone, Debug, Default)]
pub(super) struct LengthCounts {
    counts: BTreeMap<usize, usize>,
    texts: usize,
}

/// Far above the error of a share times a number of texts, far below one text.
const NOISE: f64 = 1e-6;

impl LengthCounts {
    pub(super) fn add(&mut self, length: usize) {
        *self.counts.entry(length).or_default() += 1;
        self.texts += 1;
    }

    /// The smallest of the lengths that at least this share of them does not exceed; 0 where there
    /// is none.
    pub(super) fn covering(&self, share: f64) -> usize {
        let rank = (self.texts as f64 * share - NOISE).ceil().max(0.0) as usize;
        let rank = rank.clamp(1, self.texts.max(1));
        let mut covered = 0;
        let mut ascending = self.counts.iter();
        let found = ascending.find(|(_, count)| {
            covered += **count;
            covered >= rank
        });
        found.map_or(0, |(length, _)| *length)
    }

    /// How many are longer than this.
    pub(super) fn above(&self, limit: usize) -> usize {
        let longer = self.counts.iter().filter(|(length, _)| **length > limit);
        longer.map(|(_, count)| count).sum()
    }
}
