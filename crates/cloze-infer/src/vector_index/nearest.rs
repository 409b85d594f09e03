use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A text that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Its row in the index, from 0.
    pub row: usize,
    /// How alike it is.
    pub score: f32,
}

/// A hit in the order of the heap: the greatest is the one that goes first.
#[derive(Clone, Copy, Debug)]
struct Worst(Hit);

impl Ord for Worst {
    fn cmp(&self, other: &Self) -> Ordering {
        let scores = other.0.score.total_cmp(&self.0.score);
        scores.then(self.0.row.cmp(&other.0.row))
    }
}

impl PartialOrd for Worst {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Worst {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Worst {}

/// The best of the hits seen so far.
#[derive(Clone, Debug)]
pub(super) struct Nearest {
    heap: BinaryHeap<Worst>,
    top_k: usize,
}

impl Nearest {
    pub(super) fn new(top_k: usize) -> Self {
        Self {
            heap: BinaryHeap::new(),
            top_k,
        }
    }

    /// Keeps the hit if it is among the best.
    pub(super) fn see(&mut self, hit: Hit) {
        if self.heap.len() < self.top_k {
            self.heap.push(Worst(hit));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && Worst(hit) < *worst
        {
            *worst = Worst(hit);
        }
    }

    /// Best first; of equal ones the first row.
    pub(super) fn into_sorted(self) -> Vec<Hit> {
        let sorted = self.heap.into_sorted_vec();
        sorted.into_iter().map(|Worst(hit)| hit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Few different scores, so that many are equal.
        #[test]
        fn the_best_are_those_of_a_sorted_list(
            scores in prop::collection::vec((-3_i8..3).prop_map(f32::from), 0..60),
            top_k in 0_usize..12,
        ) {
            let mut nearest = Nearest::new(top_k);
            let mut all = Vec::new();
            for (row, &score) in scores.iter().enumerate() {
                nearest.see(Hit { row, score });
                all.push(Hit { row, score });
            }
            // A stable sort leaves equal scores in the order of their rows.
            all.sort_by(|a, b| b.score.total_cmp(&a.score));
            all.truncate(top_k);
            prop_assert_eq!(nearest.into_sorted(), all);
        }
    }
}
