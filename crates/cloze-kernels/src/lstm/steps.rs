/// The sequences of a batch in the order in which the steps take them: those that go on longer come
/// first, so that the ones that go on at a step are the first so many.
#[derive(Debug)]
pub(super) struct Steps {
    /// The sequences by falling length, those of one length in their order.
    pub(super) order: Vec<usize>,
    /// How many go on at each step.
    pub(super) active: Vec<usize>,
}

impl Steps {
    pub(super) fn new(offsets: &[usize]) -> Self {
        let sequences = offsets.len().saturating_sub(1);
        let length = |sequence: usize| offsets[sequence + 1] - offsets[sequence];
        let mut order: Vec<usize> = (0..sequences).collect();
        order.sort_by_key(|&sequence| std::cmp::Reverse(length(sequence)));
        let steps = order.first().map_or(0, |&longest| length(longest));
        let active = |step| order.partition_point(|&sequence| length(sequence) > step);
        Self {
            active: (0..steps).map(active).collect(),
            order,
        }
    }

    /// Sequences with a row at all.
    pub(super) fn widest(&self) -> usize {
        self.active.first().copied().unwrap_or(0)
    }

    /// The rows of each sequence, in the order of the steps.
    pub(super) fn split<'a>(
        &self,
        values: &'a [f32],
        width: usize,
        offsets: &[usize],
    ) -> Vec<&'a [f32]> {
        let rows = |&sequence: &usize| offsets[sequence] * width..offsets[sequence + 1] * width;
        self.order.iter().map(|s| &values[rows(s)]).collect()
    }

    /// The same, to be written.
    pub(super) fn split_mut<'a>(
        &self,
        values: &'a mut [f32],
        width: usize,
        offsets: &[usize],
    ) -> Vec<&'a mut [f32]> {
        let mut rest = values;
        let mut parts = Vec::with_capacity(self.order.len());
        for pair in offsets.windows(2) {
            let (part, behind) = rest.split_at_mut((pair[1] - pair[0]) * width);
            parts.push(part);
            rest = behind;
        }
        // Each sequence is taken once.
        let mut take = |&sequence: &usize| std::mem::take(&mut parts[sequence]);
        self.order.iter().map(&mut take).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_come_by_falling_length_and_end_when_they_end() {
        // Lengths 2, 4, 0, 4, 1.
        let offsets = [0, 2, 6, 6, 10, 11];
        let steps = Steps::new(&offsets);
        assert_eq!(steps.order, [1, 3, 0, 4, 2]);
        assert_eq!(steps.active, [4, 3, 2, 2]);
        assert_eq!(steps.widest(), 4);
        let mut values: Vec<f32> = (0..22_u8).map(f32::from).collect();
        let parts = steps.split(&values, 2, &offsets);
        assert_eq!(parts[2], [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(parts[3], [20.0, 21.0]);
        assert!(parts[4].is_empty());
        let copies: Vec<Vec<f32>> = parts.into_iter().map(<[f32]>::to_vec).collect();
        assert_eq!(steps.split_mut(&mut values, 2, &offsets), copies);
    }

    #[test]
    fn no_sequence_takes_no_step() {
        for offsets in [&[][..], &[0], &[0, 0]] {
            let steps = Steps::new(offsets);
            assert_eq!((steps.active.len(), steps.widest()), (0, 0));
        }
    }
}
