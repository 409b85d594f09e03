use burn::tensor::{Int, Tensor};
use cloze_core::PackedBatch;

/// The rows of a batch that a head looks at.
#[derive(Debug)]
pub(super) struct HeadRows {
    /// Of the first row of every sequence among them, and behind the last one: `[batch + 1]`.
    offsets: Vec<usize>,
    /// Which rows of the batch they are; `None` where they are all of them.
    chosen: Option<Vec<usize>>,
    /// Which of them is read, of every sequence.
    read: Vec<usize>,
}

impl HeadRows {
    /// All rows, those of `[CLS]` and `[SEP]` too.
    pub(super) fn with_special(batch: &PackedBatch) -> Self {
        let offsets = batch.offsets().to_vec();
        // Behind it stands `[SEP]`.
        let read = offsets[1..].iter().map(|end| end - 2).collect();
        Self {
            offsets,
            chosen: None,
            read,
        }
    }

    /// The rows between `[CLS]` and `[SEP]`.
    pub(super) fn without_special(batch: &PackedBatch) -> Self {
        let mut offsets = vec![0];
        let mut chosen = Vec::new();
        for sequence in batch.offsets().windows(2) {
            chosen.extend(sequence[0] + 1..sequence[1] - 1);
            offsets.push(chosen.len());
        }
        let read = offsets[1..].iter().map(|end| end - 1).collect();
        Self {
            offsets,
            chosen: Some(chosen),
            read,
        }
    }

    pub(super) fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// Rows of the batch, `[tokens, hidden]` → these rows, `[rows, hidden]`.
    pub(super) fn select_all(&self, states: Tensor<2>) -> Tensor<2> {
        match &self.chosen {
            Some(chosen) => select(states, chosen),
            None => states,
        }
    }

    /// These rows, `[rows, hidden]` → the one that is read of every sequence, `[batch, hidden]`.
    pub(super) fn select_read(&self, states: Tensor<2>) -> Tensor<2> {
        select(states, &self.read)
    }
}

fn select(states: Tensor<2>, rows: &[usize]) -> Tensor<2> {
    let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    let rows = Tensor::<1, Int>::from_data(rows.as_slice(), &states.device());
    states.select(0, rows)
}
