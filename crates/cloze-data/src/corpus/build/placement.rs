use crate::splits::{Part, SplitByText};

/// How many sentences of one document go to a part together: enough that few neighbours are set
/// apart, few enough that the parts of a corpus of one document have their shares.
const TOGETHER: u64 = 32;

/// Decides which part each sequence of a stream goes to, and where documents begin in it.
pub(super) struct Placement {
    split: Option<SplitByText>,
    /// How many times something was sent to a part as a whole.
    units: u64,
    /// How many sequences of the present unit were seen.
    in_unit: u64,
    part: Part,
    /// The part of the sequence before, unless a document ended behind it.
    before: Option<Part>,
}

impl Placement {
    pub(super) fn new(split: Option<SplitByText>) -> Self {
        Self {
            split,
            units: 0,
            in_unit: 0,
            part: Part::Train,
            before: None,
        }
    }

    /// What comes next belongs to another document.
    pub(super) fn end_document(&mut self) {
        self.before = None;
    }

    /// The part of the sequence that was placed last.
    pub(super) fn part(&self) -> Part {
        self.part
    }

    /// The part of the next sequence, and whether it starts a document there: it does where it
    /// stands behind another one than in the text.
    pub(super) fn place(&mut self) -> (Part, bool) {
        if self.before.is_none() || self.in_unit == TOGETHER {
            if let Some(split) = &self.split {
                self.part = split.part(self.units);
            }
            self.units += 1;
            self.in_unit = 0;
        }
        self.in_unit += 1;
        let starts_document = self.before != Some(self.part);
        self.before = Some(self.part);
        (self.part, starts_document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_split_documents_are_those_of_the_text() {
        let mut placement = Placement::new(None);
        let mut starts = Vec::new();
        for sentence in 0..100 {
            if sentence == 70 {
                placement.end_document();
            }
            let (part, starts_document) = placement.place();
            assert_eq!(part, Part::Train);
            starts.extend(starts_document.then_some(sentence));
        }
        assert_eq!(starts, [0, 70]);
    }

    #[test]
    fn a_long_document_is_shared_out_and_begins_anew_where_its_part_changes() {
        let split = SplitByText::new(0.5, 0.0, 3).unwrap();
        let mut placement = Placement::new(Some(split));
        let mut before = None;
        let mut changes = 0;
        for sentence in 0..3200 {
            let (part, starts_document) = placement.place();
            assert_eq!(part, split.part(sentence / TOGETHER));
            assert_eq!(starts_document, before != Some(part));
            changes += usize::from(starts_document);
            before = Some(part);
        }
        assert!((30..70).contains(&changes), "{changes}");
    }
}
